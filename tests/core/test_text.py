import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.text import normalise, read_text, sanitise

anything = st.text(st.characters(), max_size=200)


@given(anything)
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    shown = sanitise(text)
    for character in shown:
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert not 0x202A <= ord(character) <= 0x202E
        assert not 0x2066 <= ord(character) <= 0x2069


@given(anything)
def test_each_character_is_replaced_by_one_so_that_positions_hold(text: str) -> None:
    assert len(sanitise(text)) == len(text)


@given(anything)
def test_character_by_character_is_the_same_as_at_once(text: str) -> None:
    assert "".join(map(sanitise, text)) == sanitise(text)


def test_harmless_text_is_left_alone() -> None:
    text = "HARPAGON.\n\n\tAu voleur! à l'assassin! «Où» 日本 🎭"
    assert sanitise(text) == text


def test_an_escape_sequence_becomes_visible() -> None:
    assert sanitise("\x1b]0;title\x07\x9b31m\x7f") == "␛]0;title␇\ufffd31m␡"


def test_newlines_and_accents_come_in_one_form() -> None:
    assert normalise("a\r\nb\rc\ne\u0301") == "a\nb\nc\né"


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "bom.txt"
    path.write_bytes("\ufeffVALÈRE".encode())
    assert read_text(path) == "VALÈRE"


def test_what_cannot_be_read_is_refused_in_plain_words(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Valère".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.txt is not UTF-8 text \(byte 3\)"):
        read_text(latin)
    with pytest.raises(UserError, match=r"There is no file .*nothing\.txt"):
        read_text(tmp_path / "nothing.txt")
    with pytest.raises(UserError, match="is a folder"):
        read_text(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a device or a pipe"):
        read_text(tmp_path / "pipe")
    with pytest.raises(UserError) as refusal:
        read_text(tmp_path / ("x" * 5000))
    assert len(str(refusal.value)) < 250
    with pytest.raises(UserError, match="cannot be read"):
        read_text(Path("nul\0byte"))
