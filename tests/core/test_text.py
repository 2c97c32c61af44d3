import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import count_of, read_escapes, sanitise, shortened, with_escapes

anything = st.text(st.characters(), max_size=200)


@given(anything)
def test_no_character_that_a_terminal_acts_on_remains(text: str) -> None:
    shown = sanitise(text)
    for character in shown:
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert not 0x202A <= ord(character) <= 0x202E
        assert not 0x2066 <= ord(character) <= 0x2069


@given(anything)
def test_each_character_is_replaced_by_one_so_that_positions_hold(text: str) -> None:
    assert len(sanitise(text)) == len(text)


@given(anything)
def test_sanitising_character_by_character_gives_the_same_text(text: str) -> None:
    assert "".join(map(sanitise, text)) == sanitise(text)


def test_harmless_text_is_left_alone() -> None:
    text = "HARPAGON.\n\n\tAu voleur! à l'assassin! «Où» 日本 🎭"
    assert sanitise(text) == text


def test_an_escape_sequence_becomes_visible() -> None:
    assert sanitise("\x1b]0;title\x07\x9b31m\x7f") == "␛]0;title␇\ufffd31m␡"


@given(anything)
def test_a_quotation_in_a_message_is_one_short_line(text: str) -> None:
    shown = shortened(text * 3)
    assert "\n" not in shown
    assert sanitise(shown) == shown
    assert len(shown) <= 121


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (r"HARPAGON.\n\n", "HARPAGON.\n\n"),
        (r"old\nTom", "old\nTom"),
        (r"old\\nTom", r"old\nTom"),
        (r"a\tb", "a\tb"),
        (r"C:\dir\q", r"C:\dir\q"),
        ("\\", "\\"),
        ("", ""),
    ],
)
def test_escapes_in_a_typed_prompt_are_replaced(typed: str, meant: str) -> None:
    assert read_escapes(typed) == meant


@given(anything)
def test_a_prompt_shown_in_one_line_is_read_back(prompt: str) -> None:
    shown = with_escapes(prompt)
    assert "\n" not in shown
    assert "\t" not in shown
    assert read_escapes(shown) == prompt


def test_one_is_counted_in_the_singular() -> None:
    assert [count_of(number, "character") for number in (0, 1, 2_000)] == [
        "0 characters",
        "1 character",
        "2,000 characters",
    ]
