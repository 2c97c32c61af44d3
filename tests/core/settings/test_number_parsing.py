"""A typed number is read as every reader would read it, or refused."""

import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import UserError
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig, fields_of
from core.settings.number_parsing import MAX_LENGTH, UnclearNumberError, read_number

NARROW, THIN, HARD, FIGURE = "\u202f", "\u2009", "\u00a0", "\u2007"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("15", 15.0), ("1.5", 1.5), ("1,5", 1.5), ("0,003", 0.003), ("0.003", 0.003), ("1.125", 1.125),
        (".5", 0.5), (",5", 0.5), ("5.", 5.0), ("0,001", 0.001), ("0.100", 0.1),
        ("1.000,5", 1000.5), ("1,000.5", 1000.5), ("1 000,5", 1000.5), ("1 000.5", 1000.5),
        ("1 000", 1000.0), (f"1{NARROW}000", 1000.0), (f"1{THIN}000", 1000.0), (f"1{HARD}000", 1000.0),
        (f"1{FIGURE}000", 1000.0), ("1_000", 1000.0), ("1'000", 1000.0), ("1’000", 1000.0),
        ("1 234 567,25", 1234567.25),
        ("1,234,567", 1234567.0), ("1.234.567", 1234567.0), ("1.234,567", 1234.567), ("1,234.567", 1234.567),
        ("1e3", 1000.0), ("1E3", 1000.0), ("1,5e-3", 0.0015), ("3e-4", 0.0003), ("1e+06", 1e6),
        ("１２．５", 12.5), ("−1", -1.0), ("－1", -1.0), ("-1", -1.0), ("+2", 2.0), ("  7 ", 7.0),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_reader_means_it(typed: str, number: float) -> None:
    assert read_number(typed, float) == number


@pytest.mark.parametrize(
    ("typed", "number"),
    [("15", 15), ("5.", 5), ("1 000", 1000), (f"90{NARROW}000", 90_000), ("1_000", 1000), ("1,234,567", 1_234_567),
     ("1e3", 1000), ("1,5e3", 1500), ("１２", 12), ("−1", -1), ("4294967295", 4_294_967_295)],
)  # fmt: skip
def test_a_whole_number_is_read_exactly(typed: str, number: int) -> None:
    read = read_number(typed, int)
    assert (read, type(read)) == (number, int)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "-", "e3", ".", ",", "5,", "1 00", "10 00", "1 0", "1_0", "12,34,567", "1,234,5", "1.234,5,6", "1.5.2",
     "1,5,2", "0 100", "- 3", "--3", "1e", "1e3.5", "nan", "inf", "Infinity", "0x10", "1/2", "½", "5 %", "x",
     "1 000_000", "1e999", "1e-999", "9" * (MAX_LENGTH + 1), "9" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("kind", [int, float])
def test_text_that_is_not_a_number_is_refused(typed: str, kind: type[int] | type[float]) -> None:
    with pytest.raises(UserError):
        read_number(typed, kind)


@pytest.mark.parametrize(
    ("typed", "kind", "sentence"),
    [
        ("1,000", float, "1,000 is 1000 to some readers and 1 to others: write 1000 or 1."),
        ("1,000", int, "1,000 is 1000 to some readers and 1 to others: write 1000."),
        ("1.000", int, "1.000 is 1000 to some readers and 1 to others: write 1000."),
        ("1.500", float, "1.500 is 1500 to some readers and 1.5 to others: write 1500 or 1.5."),
        ("−12,345", float, "−12,345 is -12345 to some readers and -12.345 to others: write -12345 or -12.345."),
        ("1 000,125", float, "1 000,125 is 1000125 to some readers and 1000.125 to others: write 1000125 or 1000.125."),
        ("1,000e3", float, "1,000e3 is 1000e3 to some readers and 1e3 to others: write 1000e3 or 1e3."),
        ("١٢", int, "Write numbers with the digits 0 to 9."),
        ("१", float, "Write numbers with the digits 0 to 9."),
        ("10²", float, "Write numbers with the digits 0 to 9."),
    ],
)
def test_an_ambiguous_number_is_refused_and_the_message_says_how_to_write_it(
    typed: str, kind: type[int] | type[float], sentence: str
) -> None:
    with pytest.raises(UnclearNumberError) as refused:
        read_number(typed, kind)
    assert str(refused.value) == sentence
    for suggestion in re.findall(r"-?\d[\d.e]*", sentence.partition("write ")[2].rstrip(".")):
        read_number(suggestion, kind)


def _english(text: str) -> float | None:
    """Return a number as an English reader reads it: commas between thousands, a dot before the decimals."""
    return _reading(text, "[, _'’\u00a0\u2007\u2009\u202f]", ".")


def _french(text: str) -> float | None:
    """Return a number as a French reader reads it: spaces between thousands, a comma before the decimals.

    A single dot is also a decimal point, unless it may separate thousands.
    """
    if text.count(".") == 1 and "," not in text and not re.search(r"^[+-]?[1-9]\d{0,2}\.\d\d0($|[eE])", text):
        return _reading(text, "[ _'’\u00a0\u2007\u2009\u202f]", ".")
    return _reading(text, "[. _'’\u00a0\u2007\u2009\u202f]", ",")


def _reading(text: str, group: str, decimal: str) -> float | None:
    whole, mark, rest = text.partition(decimal)
    mantissa, power, exponent = (rest if mark else whole).lower().partition("e")
    whole, decimals = (whole, mantissa) if mark else (mantissa, "")
    sign = -1.0 if whole.startswith("-") else 1.0
    whole = whole[1:] if whole[:1] in ("+", "-") else whole
    if re.search(group, whole):
        if not re.fullmatch(rf"[1-9]\d{{0,2}}({group}\d{{3}})+", whole):
            return None
        whole = re.sub(group, "", whole)
    if not re.fullmatch(r"\d*", whole + decimals) or not whole + decimals or (power and not re.search(r"\d", exponent)):
        return None
    try:
        return sign * float(f"{whole or 0}.{decimals or 0}e{exponent or 0}")
    except ValueError:
        return None


PIECES = st.lists(
    st.sampled_from([*"0123456789,. _'-+e", "000", "123", "500", NARROW, "e3", "1", "0,"]),
    max_size=9,
).map("".join)  # fmt: skip


@given(PIECES | st.text(max_size=6))
@example("1,000")
@example("1.000")
@example("1,5")
@example("1.000,5")
@example("1234,567")
def test_any_text_is_read_as_french_and_english_readers_do_or_refused(typed: str) -> None:
    for kind in (float, int):
        try:
            number = read_number(typed, kind)
        except UserError:
            continue
        text = typed.strip()
        readings = {reading for reading in (_english(text), _french(text)) if reading is not None}
        assert readings == {float(number)}, (typed, number, readings)


@pytest.mark.parametrize("config", [ModelConfig, TrainingConfig, SamplingConfig])
def test_each_bound_can_be_typed_as_it_is_shown(config: type[msgspec.Struct]) -> None:
    for field in fields_of(config):
        if field.kind is not str:
            for bound in re.findall(r"-?\d[\d .e+-]*\d|\d", field.bounds):
                read_number(bound, field.kind)  # type: ignore[arg-type]


@given(st.floats(0, 1e6))
def test_a_number_that_is_shown_reads_back(value: float) -> None:
    seconds = next(field for field in fields_of(TrainingConfig) if field.name == "seconds")
    assert seconds.parse(seconds.show(value)) == value
