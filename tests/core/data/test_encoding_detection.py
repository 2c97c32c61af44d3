"""Encoding detection: a table of languages, encodings and lengths, and the texts that are refused."""

import random
from pathlib import Path

import pytest

from core.data.decoding import normalise
from core.data.encoded_text import EncodedText, read_file
from core.data.encoding_detection import DamagedUtf8Error, guessed_encoding
from core.data.encodings import encoding_name
from core.data.text_slice import TextSlice
from core.errors import UserError
from tests.core.data.sentences import SAMPLES, WIDE, encoded

LENGTHS = {"a sentence": (1, 1), "three sentences": (3, 1), "a long text": (3, 60)}
"""Number of sentences, and how often they are repeated."""
MAY_BE_REFUSED = {
    ("Albanian", "cp850", "a sentence"),  # its only letter beyond ASCII is another letter in other encodings
    # Only the capital distinguishes the encodings: all small letters but one have the same bytes.
    ("Slovak", "mac-latin2", "a sentence"),
    ("Russian", "mac-cyrillic", "a sentence"),
    ("Bulgarian", "mac-cyrillic", "a sentence"),
    ("Serbian", "mac-cyrillic", "a sentence"),
}


def read(path: Path, content: bytes) -> EncodedText:
    path.write_bytes(content)
    *_, text = read_file(path)
    assert isinstance(text, EncodedText)
    return text


def shown(text: EncodedText) -> str:
    return str(TextSlice(text=text, length=len(text), run=len(text), period=len(text)))


def outcome(path: Path, text: str, encoding: str) -> str:
    """Return "right", "wrong", or "refused" if the text is refused with a message that names the option to use."""
    try:
        return "right" if shown(read(path, encoded(text, encoding))) == normalise(text) else "wrong"
    except UserError as error:
        return "refused" if "--encoding" in str(error) else "wrong"


@pytest.mark.parametrize("language", SAMPLES)
def test_a_language_is_read_correctly_in_its_usual_encodings(language: str, tmp_path: Path) -> None:
    path, sample = tmp_path / "text.txt", SAMPLES[language]
    found = {}
    for length, (sentences, times) in LENGTHS.items():
        text = "".join(f"{sentence}\n" for sentence in sample.sentences[:sentences]) * times
        for encoding in (*sample.encodings, *WIDE):
            found[language, encoding, length] = outcome(path, text, encoding)
    assert {case for case, what in found.items() if what == "wrong"} == set()
    assert {case for case, what in found.items() if what == "refused"} <= MAY_BE_REFUSED


def test_the_table_has_at_least_thirty_languages_and_all_alphabets() -> None:
    assert len(SAMPLES) >= 40
    assert len({encoding for sample in SAMPLES.values() for encoding in sample.encodings}) >= 40


@pytest.mark.parametrize("times", [1, 600])
@pytest.mark.parametrize(
    "sentence",
    [
        "I don’t know, and he can’t tell.\n",
        "The ticket to the next town was £5 for all of us.\n",
        "It is said in § 12 of the law, and not in any other.\n",
        "He was 5½ years old when they came to the farm.\n",
        "It was 20 °C in the house, and 5° in the cellar.\n",
        "This is the work of one man – and he was not paid for it…\n",
        "The text is © 1998 by the people who wrote it.\n",
        "They went to a café in Zürich and had a piñata.\n",
    ],
)
def test_english_whose_only_signs_are_beyond_ascii_is_windows_1252(sentence: str, times: int) -> None:
    content = (sentence * times).encode("cp1252")
    assert guessed_encoding(content, "x") == "cp1252"


def test_a_single_curly_apostrophe_in_ascii_text_is_recognised() -> None:
    content = b"This is a text, and it\x92s all plain.\n" + b"There is nothing else in it.\n" * 1000
    assert content.decode(guessed_encoding(content, "x")).startswith("This is a text, and it’s")


@pytest.mark.parametrize("byte", [b"\x9d", b"\x81", b"\xff"])
def test_a_stray_meaningless_byte_is_refused_with_advice(byte: bytes) -> None:
    content = b"This is a text, and it" + byte + b" is all plain.\n" + b"There is nothing else in it.\n" * 1000
    with pytest.raises(UserError, match="--encoding"):
        guessed_encoding(content, "x")


@pytest.mark.parametrize(("first", "second"), [(1, 1), (100, 100), (300, 3), (3, 300)])
@pytest.mark.parametrize(("language", "encoding"), [("French", "cp1252"), ("Russian", "cp1251"), ("Czech", "cp1250")])
def test_a_text_of_two_encodings_is_damaged_utf_8_whichever_comes_first(
    language: str, encoding: str, first: int, second: int
) -> None:
    line = SAMPLES[language].sentences[0] + "\n"
    for content in (
        (line.encode() * first, line.encode(encoding) * second),
        (
            line.encode(encoding) * first,
            line.encode() * second,
        ),
    ):
        with pytest.raises(DamagedUtf8Error):
            guessed_encoding(b"".join(content), "x")


def test_a_second_encoding_is_found_far_into_a_text(tmp_path: Path) -> None:
    french = SAMPLES["French"].sentences[0] + "\n"
    content = french.encode("cp1252") * 20_000 + french.encode() * 20_000
    with pytest.raises(UserError, match="looks like utf-8, but line 1 has invalid bytes"):
        read(tmp_path / "x.txt", content)
    content = b"plain\n" * 200_000 + french.encode() + b"plain\n" * 200_000 + french.encode("cp1252")
    with pytest.raises(UserError, match="looks like utf-8, but line 400,002"):
        read(tmp_path / "x.txt", content)


@pytest.mark.parametrize("language", ["Russian", "Greek", "Bulgarian", "Polish", "Turkish"])
def test_a_text_all_in_capitals_is_read_too(language: str) -> None:
    text = "\n".join(SAMPLES[language].sentences).upper()
    for encoding in SAMPLES[language].encodings:
        content = text.encode(encoding)
        assert content.decode(guessed_encoding(content, "x")) == text


def test_a_foreign_word_in_an_english_text_does_not_decide_what_alphabet_it_is() -> None:
    line = "The old man said “Мельник жил у реки”, and that is the first line of the text that we had to read.\n"
    assert guessed_encoding(line.encode("cp1251"), "x") == "cp1251"


def test_random_bytes_are_not_text() -> None:
    for seed in range(20):
        content = bytes(random.Random(seed).choices(range(1, 256), k=3000))
        with pytest.raises(UserError, match="x is not text"):
            guessed_encoding(content, "x")
    with pytest.raises(UserError, match="x is not text"):
        guessed_encoding(bytes(range(1, 256)) * 20, "x")


def test_an_ambiguous_encoding_is_refused_with_two_names_and_advice() -> None:
    with pytest.raises(UserError, match=r"x may be mac-cyrillic or windows-1251.* --encoding.* app"):
        guessed_encoding((SAMPLES["Russian"].sentences[0] + "\n").encode("mac-cyrillic"), "x")


def test_the_name_of_the_detected_encoding_is_shown(tmp_path: Path) -> None:
    text = read(tmp_path / "x.txt", "\n".join(SAMPLES["Czech"].sentences).encode("iso8859-2"))
    assert text.encoding == encoding_name("iso8859_2") == "iso-8859-2"
