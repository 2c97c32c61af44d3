"""Bytes from a terminal are decoded, in pieces of any length."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser

from charlstm_tui.terminal.input_decoder import InputDecoder

X10_FAR_RIGHT = b"\x1b[MC\xa5*"
"""A mouse movement in column 133, row 10, which once ended the app."""


def decoded(pieces: list[bytes], encoding: str = "utf-8") -> str:
    decoder = InputDecoder(encoding)
    return "".join(map(decoder.decode, pieces)) + decoder.flush()


def cut(data: bytes, chance: random.Random) -> list[bytes]:
    """Cut bytes into pieces at random."""
    places = sorted(chance.sample(range(len(data) + 1), chance.randint(0, len(data))))
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1b")), st.randoms())
def test_utf_8_is_decoded_however_it_is_cut(text: str, chance: random.Random) -> None:
    assert decoded(cut(text.encode(), chance)) == text


@pytest.mark.parametrize("text", ["é", "déjà vu", "À", "où ça?", "ñandú", "éé"])
def test_latin_1_is_decoded(text: str) -> None:
    for pieces in ([text.encode("latin-1")], [bytes([byte]) for byte in text.encode("latin-1")]):
        assert decoded(pieces) == text


@pytest.mark.parametrize(("encoding", "text"), [("koi8-r", "Где деньги?"), ("cp1252", "“Ça”"), ("iso8859-2", "łódź")])
def test_the_terminal_s_own_encoding_is_decoded(encoding: str, text: str) -> None:
    assert decoded([text.encode(encoding)], encoding) == text


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp932", "gb18030", "utf-16", "no-such-encoding"])
def test_a_multi_byte_encoding_is_not_used(encoding: str) -> None:
    assert decoded([b"\xe9"], encoding) == "é"


def test_a_control_character_of_latin_1_is_replaced() -> None:
    assert decoded([b"\x9b31m"]) == "\N{REPLACEMENT CHARACTER}31m"


def test_an_accent_of_latin_1_is_decoded_when_nothing_follows() -> None:
    decoder = InputDecoder()
    assert decoder.decode(b"\xe9") == ""
    assert decoder.waits
    assert decoder.flush() == "é"
    assert not decoder.waits


def test_an_escape_is_returned_at_once() -> None:
    decoder = InputDecoder()
    assert decoder.decode(b"\x1b") == "\x1b"
    assert not decoder.waits


def test_keys_typed_after_a_pause_are_not_a_mouse_report() -> None:
    decoder = InputDecoder()
    decoder.decode(b"\x1b")
    decoder.pause()
    assert decoder.decode(b"[Mabc") == "[Mabc"


def mouse(text: str) -> list[tuple[type[events.MouseEvent], int, int, int]]:
    """Return the mouse events in a text: kind, position and button of each."""
    return [
        (type(event), int(event.x), int(event.y), event.button)
        for event in XTermParser().feed(text)
        if isinstance(event, events.MouseEvent)
    ]


def test_an_x10_mouse_report_becomes_an_sgr_report() -> None:
    press, release, move, wheel = (bytes([32 + code, 32 + 200, 32 + 30]) for code in (2, 3, 35, 65))
    text = decoded([b"\x1b[M" + report for report in (press, release, move, wheel)])
    assert mouse(text) == [
        (events.MouseDown, 199, 29, 3), (events.MouseUp, 199, 29, 3), (events.MouseMove, 199, 29, 0),
        (events.MouseScrollDown, 199, 29, 0),
    ]  # fmt: skip
    assert mouse(decoded([X10_FAR_RIGHT])) == [(events.MouseMove, 132, 9, 0)]


def test_a_mouse_report_without_a_valid_position_is_ignored() -> None:
    keys = [event for event in XTermParser().feed(decoded([b"a\x1b[M \x00\x00b"])) if isinstance(event, events.Key)]
    assert [event.key for event in keys] == ["a", "b"]
    assert not mouse(decoded([b"\x1b[M \x00\x00"]))


@given(st.lists(st.tuples(*[st.integers(32, 255)] * 3), min_size=1, max_size=5), st.text("aé日[M"), st.randoms())
def test_mouse_reports_within_a_text_do_not_change_it_however_they_are_cut(
    reports: list[tuple[int, ...]], text: str, chance: random.Random
) -> None:
    decoder = InputDecoder()
    expected, sent = "", b""
    for report in reports:
        raw = b"\x1b[M" + bytes(report)
        expected += text + decoder.decode(raw)
        sent += text.encode() + raw
    assert decoded(cut(sent, chance)) == expected


@pytest.mark.parametrize("seed", range(20))
def test_no_bytes_are_refused(seed: int) -> None:
    """For each hundred bytes, the result is the same however they are cut, and no byte is lost or held back."""
    chance = random.Random(seed)
    for _ in range(100):
        pieces = [
            chance.choice([b"\x1b", b"\x1b[", b"\x1b[M", b"\xc3", "é".encode(), chance.randbytes(3)]) for _ in "x" * 8
        ]
        data = b"".join(pieces)
        whole = decoded([data])
        assert decoded(cut(data, chance)) == whole
        assert decoded([bytes([byte]) for byte in data]) == whole
        whole.encode()  # no surrogates
