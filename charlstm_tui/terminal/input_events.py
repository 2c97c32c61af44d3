"""Makes Textual's events of the bytes that a terminal sends: keys, mouse reports and pasted text.

Textual's own parser reads keys inside a pasted text: a text with escape sequences would press keys. It also takes a
second per megabyte. So a paste is recognized before that parser, and becomes one event.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from charlstm_tui.terminal.input_decoder import SECONDS_FOR_THE_REST, InputDecoder
from charlstm_tui.terminal.input_splitter import InputSplitter, Kind, Part

if TYPE_CHECKING:
    from textual.message import Message

PAUSE_SECONDS = 0.05
"""Seconds after which nothing has followed an incomplete sequence, so that its bytes are keys."""
PASTE_SECONDS = 5.0
"""Seconds without input after which the end of a paste is not expected any more. A connection may be slow."""
ANSWER_SECONDS = 1.0
"""The same for an answer of the terminal."""
TYPED_BYTES = 16
"""Number of bytes up to which a piece of input may be a key. Keys do not prolong the wait for the end of a paste."""
TYPED_SECONDS = 0.25
"""Seconds between two pieces of input from which on they may be keys: a paste arrives without pauses."""


class InputEvents:
    """Parses input that arrives in pieces of any length. All times are in seconds of one clock."""

    def __init__(
        self, encoding: str = "utf-8", *, answered: Callable[[bytes], None] = lambda answer: None, debug: bool = False
    ) -> None:
        """Set up the parser; `answered` is called with each answer of the terminal: `11;rgb:ffff/ffff/ffff`."""
        from textual._xterm_parser import XTermParser

        self._make_parser: Callable[[], XTermParser] = partial(XTermParser, debug)
        self._parser = self._make_parser()
        self._splitter = InputSplitter()
        self._decoder = InputDecoder(encoding)
        self._answered = answered
        self._last = self._last_of_part = float("-inf")

    def takes_x10(self) -> bool:
        """Return whether a mouse report in the X10 form has come since the last call."""
        saw, self._decoder.saw_x10 = self._decoder.saw_x10, False
        return saw

    def feed(self, data: bytes, now: float) -> Iterator["Message"]:
        """Yield the events of these bytes."""
        if len(data) > TYPED_BYTES or now - self._last < TYPED_SECONDS or self._splitter.inside is None:
            self._last_of_part = now
        self._last = now
        yield from self._events(self._splitter.split(data))

    def pause(self, now: float) -> Iterator["Message"]:
        """Yield the events that are certain now that nothing has followed. Call this often while no input comes."""
        wait = PASTE_SECONDS if self._splitter.inside is Kind.PASTE else ANSWER_SECONDS
        if self._splitter.inside is not None and now - self._last_of_part >= wait:
            yield from self._events(self._splitter.give_up())
        if now - self._last >= PAUSE_SECONDS:
            yield from self._events(self._splitter.pause())
            self._decoder.pause()
        if self._decoder.waits and now - self._last >= SECONDS_FOR_THE_REST:
            yield from self._parsed(self._decoder.flush())
        yield from self._parsed("")

    def _events(self, parts: Iterator[Part]) -> Iterator["Message"]:
        from textual.events import Paste

        for kind, data in parts:
            match kind:
                case Kind.KEYS:
                    yield from self._parsed(self._decoder.decode(data))
                case Kind.PASTE:
                    yield from self._parsed(self._decoder.flush())
                    text = self._decoder.decode_whole(data).replace("\x00", "")
                    yield Paste(text.replace("\r\n", "\n").replace("\r", "\n"))
                case Kind.ANSWER:
                    self._answered(data)

    def _parsed(self, text: str) -> Iterator["Message"]:
        """Yield the events of a text without pastes; skip sequences where the parser fails."""
        from textual.events import Paste

        for piece in (*re.split("(?=\x1b)", text), ""):
            try:
                for event in self._parser.feed(piece) if piece else self._parser.tick():
                    if not isinstance(event, Paste):  # of a paste's end without its begin
                        yield event
            except Exception:  # for example, a code point out of range
                self._parser = self._make_parser()
