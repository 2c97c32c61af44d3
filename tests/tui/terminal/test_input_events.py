"""Pasted text is no keys, and answers of the terminal are no keys, in pieces of any length."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from charlstm_tui.terminal.input_events import ANSWER_SECONDS, PASTE_SECONDS, InputEvents
from charlstm_tui.terminal.input_splitter import MAX_ANSWER, MAX_PASTE, InputSplitter, Kind, Part
from tests.tui.terminal.test_input_decoder import cut

BEGIN, END = b"\x1b[200~", b"\x1b[201~"
ANSWER = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
HARMFUL = [b"\x1b", b"\x1b\x1b", b"\x1b[A", b"\x1bq", b"\x03", b"\x11", b"\r", b"\x1b[I", b"\x1b[48;9;9;9;9t",
           b"\x1b[M!!!", b"\x1b[<0;1;1M", b"\x1b[99999999u", b"\x1b" + b"x" * 40, b"\x1b[200~", ANSWER]  # fmt: skip
"""Bytes that would be keys, mouse reports or other events outside of a paste."""


class Input:
    """Input events, with a clock that only this class advances."""

    now = 0.0

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self._events = InputEvents(answered=self.answers.append)

    def send(self, data: bytes) -> list[Message]:
        """Return the events of these bytes."""
        return list(self._events.feed(data, self.now))

    def wait(self, seconds: float) -> list[Message]:
        """Return the events of a time without input."""
        made = list[Message]()
        for _ in range(round(seconds / 0.1)):
            Input.now += 0.1
            made += self._events.pause(self.now)
        return made


@pytest.fixture(autouse=True)
def no_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Textual's parser use the same clock."""
    monkeypatch.setattr("textual._parser.get_time", lambda: Input.now)


def keys(made: list[Message]) -> list[str]:
    return [event.key for event in made if isinstance(event, events.Key)]


def pasted(made: list[Message]) -> list[str]:
    return [event.text for event in made if isinstance(event, events.Paste)]


@given(st.lists(st.one_of(st.sampled_from(HARMFUL), st.binary(max_size=5)), max_size=8), st.randoms())
def test_a_paste_is_one_event_and_no_key_whatever_it_contains_and_however_it_is_cut(
    contents: list[bytes], chance: random.Random
) -> None:
    content = b"".join(contents).replace(END, b"")
    source, made = Input(), list[Message]()
    for piece in cut(b"a" + BEGIN + content + END + b"b", chance):
        made += source.send(piece)
    made += source.wait(1)
    assert [type(event) for event in made if not isinstance(event, events.Key)] == [events.Paste]
    assert keys(made) == ["a", "b"]
    assert not source.answers


def test_the_text_of_a_paste_is_complete() -> None:
    whole = "Où est\tl'argent ?\n\n日本 \x1b[A\x7f"
    assert pasted(Input().send(BEGIN + whole.encode() + END)) == [whole]


@pytest.mark.parametrize("newline", [b"\r", b"\n", b"\r\n"])
def test_a_newline_in_a_paste_is_the_same_from_each_terminal(newline: bytes) -> None:
    assert pasted(Input().send(BEGIN + b"a" + newline + newline + b"b" + END)) == ["a\n\nb"]


def test_bytes_in_a_paste_that_are_not_utf_8_are_those_of_the_terminal_s_encoding() -> None:
    assert pasted(list(InputEvents("cp1252").feed(BEGIN + b"\x93\xc7a\x94" + END, 0))) == ["“Ça”"]


def test_a_paste_without_its_end_is_pasted_and_keys_are_keys_again_though_keys_were_typed_meanwhile() -> None:
    source = Input()
    assert source.send(BEGIN + b"an unfinished text") == []
    made = []
    for _ in range(round(PASTE_SECONDS) + 1):  # the user wonders, and types
        made += source.send(b"q")
        made += source.wait(1)
    (text,) = pasted(made)
    assert text.startswith("an unfinished text")
    assert keys(source.send(b"q")) == ["q"]


def test_a_slow_paste_is_not_given_up() -> None:
    source = Input()
    made = source.send(BEGIN)
    for _ in range(5):
        made += source.wait(PASTE_SECONDS - 0.5)
        made += source.send(b"a piece of a long text\n")
    for _ in range(100):  # or byte by byte
        made += source.wait(0.1)
        made += source.send(b"q")
    assert made == []
    assert pasted(source.send(END)) == ["a piece of a long text\n" * 5 + "q" * 100]


def test_the_end_of_a_paste_without_its_begin_is_ignored() -> None:
    source = Input()
    assert keys(source.send(b"a" + END + b"b")) == ["a", "b"]
    assert pasted(source.send(END)) == []


def test_a_paste_that_is_too_long_is_cut_and_ends() -> None:
    splitter = InputSplitter()
    parts = list(splitter.split(BEGIN))
    for _ in range(MAX_PASTE // 2**20 + 2):
        parts += splitter.split(b"x" * 2**20)
    parts += splitter.split(END[:3])
    parts += splitter.split(END[3:] + b"q")
    assert parts == [Part(Kind.PASTE, b"x" * MAX_PASTE), Part(Kind.KEYS, b"q")]


@given(st.text("ab]1;é", max_size=6), st.sampled_from([b"\x07", b"\x1b\\", b"\x9c"]), st.randoms())
def test_an_answer_amid_typed_keys_is_no_key_however_it_is_cut(typed: str, end: bytes, chance: random.Random) -> None:
    source, made = Input(), list[Message]()
    for piece in cut(typed.encode() + b"\x1b]11;rgb:1e1e/1e1e/1e1e" + end + typed.encode(), chance):
        made += source.send(piece)
    made += source.wait(1)
    assert [event.character for event in made if isinstance(event, events.Key)] == list(typed * 2)
    assert len(made) == 2 * len(typed)
    assert source.answers == [b"11;rgb:1e1e/1e1e/1e1e"]


@pytest.mark.parametrize("length", range(5, len(ANSWER) - 1))
def test_an_answer_whose_end_does_not_come_presses_no_keys(length: int) -> None:
    source = Input()
    assert source.send(ANSWER[:length]) + source.wait(ANSWER_SECONDS + 0.2) == []
    assert keys(source.send(b"q")) == ["q"]
    assert source.answers == []


def test_a_key_after_the_begin_of_an_answer_is_a_key() -> None:
    source = Input()
    assert keys(source.send(ANSWER[:12] + b"\x1b[A") + source.wait(0.5)) == ["up"]
    source.send(ANSWER[:5] + b"x" * MAX_ANSWER)
    assert keys(source.send(b"q"))[-1:] == ["q"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"\x1b", ["escape"]), (b"\x1b[", ["["]), (b"\x1b]", ["]"]), (b"\x1b[2", ["[", "2"]),
     (b"\x1b]1", ["]", "1"]), (b"\x1b[A", ["up"]), (b"\x1b[2~", ["insert"]), (b"\x1b[20~", ["f9"])],
)  # fmt: skip
def test_keys_that_begin_like_a_paste_or_an_answer_are_keys(data: bytes, expected: list[str]) -> None:
    for pieces in ([data], [bytes([byte]) for byte in data]):
        source, made = Input(), list[Message]()
        for piece in pieces:
            made += source.send(piece)
        made += source.wait(0.5)
        shown = [key.replace("left_square_bracket", "[").replace("right_square_bracket", "]") for key in keys(made)]
        assert shown == expected, pieces


def test_an_escape_before_an_answer_is_a_key() -> None:
    source = Input()
    made = source.send(b"\x1b") + source.wait(0.3) + source.send(ANSWER) + source.wait(0.3)
    assert keys(made) == ["escape"]
    assert source.answers == [b"11;rgb:ffff/ffff/ffff"]
