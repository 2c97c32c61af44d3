r"""Splits the bytes that a terminal sends into keys, pasted text, and answers of the terminal.

Pasted text arrives between `ESC [200~` and `ESC [201~` (bracketed paste). It may contain anything, also bytes that
would be keys elsewhere, so that it must be recognized before all else. An answer about a colour is a string that begins
with `ESC ]` and ends with BEL or `ESC \`; it may arrive late, when a person is typing.
"""

import re
from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import NamedTuple

MAX_PASTE = 16 << 20
"""Maximum number of bytes of a pasted text; the rest is dropped."""
MAX_ANSWER = 4096
"""Number of bytes after which a string from the terminal is not an answer; what follows are keys again."""

_ESCAPE = b"\x1b"
_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
_BEGINS = re.compile(rb"\x1b\[200~|\x1b\]\d{1,4};")
_MAY_BEGIN = re.compile(rb"\x1b(?:\[(?:2(?:00?)?)?|\]\d{0,4})?\Z")
_ANSWER_ENDS = re.compile(rb"\x07|\x9c|\x1b\\|\x1b(?=[^\\])")
_NEUTRAL = b"[201~"
"""After an escape that was already returned as a key: the end of a paste, which is ignored outside of one."""


class Kind(Enum):
    """What bytes from a terminal are."""

    KEYS = auto()
    """Keys, mouse reports and anything else that the parser of Textual reads."""
    PASTE = auto()
    """A pasted text, without its brackets."""
    ANSWER = auto()
    """A string from the terminal, without its begin and end: `11;rgb:ffff/ffff/ffff`."""


class Part(NamedTuple):
    """Some bytes of one kind."""

    kind: Kind
    data: bytes


class InputSplitter:
    """Splits bytes that arrive in pieces of any length."""

    def __init__(self) -> None:
        self._held = b""  # what may be the begin of a paste or an answer
        self._returned = 0  # how many of these bytes were returned already: a single escape may be a key
        self._inside: Kind | None = None  # inside a paste or an answer
        self._inner = bytearray()  # its bytes so far

    @property
    def inside(self) -> Kind | None:
        """The kind of the incomplete part: a paste or an answer; None if there is none."""
        return self._inside

    def split(self, data: bytes) -> Iterator[Part]:
        """Yield the parts that are complete with these bytes."""
        while data:
            match self._inside:
                case Kind.PASTE:
                    data = yield from self._end_paste(data)
                case Kind.ANSWER:
                    data = yield from self._end_answer(data)
                case _:
                    data = yield from self._begin(data)

    def pause(self) -> Iterator[Part]:
        """Yield the held bytes as keys: for a moment, nothing has followed them."""
        held, self._held = self._held[self._returned :], b""
        self._returned = 0
        if held:
            yield Part(Kind.KEYS, held)

    def give_up(self) -> Iterator[Part]:
        """Leave an incomplete paste or answer, since its end does not come. The text pasted so far is yielded."""
        inner, self._inner = bytes(self._inner), bytearray()
        inside, self._inside = self._inside, None
        if inside is Kind.PASTE and inner:
            yield Part(Kind.PASTE, inner)

    def _begin(self, data: bytes) -> Generator[Part, None, bytes]:
        """Yield the bytes before the next paste or answer. The generator returns the bytes after its begin."""
        data, returned = self._held + data, self._returned
        self._held, self._returned = b"", 0
        found = _BEGINS.search(data)
        if found is None:
            may_begin = _MAY_BEGIN.search(data)
            if may_begin is not None:
                self._held = may_begin[0]
                self._returned = returned if may_begin.start() == 0 else 0
                data = data[: may_begin.start()] if may_begin.start() else data[:returned]
            if self._held == _ESCAPE and not self._returned:
                data, self._returned = data + _ESCAPE, 1
            if data[returned:]:
                yield Part(Kind.KEYS, data[returned:])
            return b""
        if before := data[: found.start()][returned:]:
            yield Part(Kind.KEYS, before)
        elif found.start() < returned:
            yield Part(Kind.KEYS, _NEUTRAL)
        self._inside = Kind.PASTE if found[0] == _PASTE_BEGINS else Kind.ANSWER
        self._inner = bytearray() if self._inside is Kind.PASTE else bytearray(found[0][2:])
        return data[found.end() :]

    def _end_paste(self, data: bytes) -> Generator[Part, None, bytes]:
        """Yield the paste if it ends in these bytes. The generator returns the bytes after it."""
        known = max(len(self._inner) - len(_PASTE_ENDS) + 1, 0)
        self._inner += data
        end = self._inner.find(_PASTE_ENDS, known)
        if end < 0:
            if len(self._inner) > MAX_PASTE + len(_PASTE_ENDS):
                del self._inner[MAX_PASTE : -len(_PASTE_ENDS)]
            return b""
        rest = bytes(self._inner[end + len(_PASTE_ENDS) :])
        yield Part(Kind.PASTE, bytes(self._inner[: min(end, MAX_PASTE)]))
        self._inside, self._inner = None, bytearray()
        return rest

    def _end_answer(self, data: bytes) -> Generator[Part, None, bytes]:
        """Yield the answer if it ends in these bytes. The generator returns the bytes after it."""
        self._inner += data
        end = _ANSWER_ENDS.search(self._inner)
        if end is None and len(self._inner) <= MAX_ANSWER:
            return b""
        inner, self._inner, self._inside = bytes(self._inner), bytearray(), None
        if end is None:
            return inner[MAX_ANSWER:]
        if end[0] == _ESCAPE:  # another sequence begins: the answer was cut off
            return inner[end.start() :]
        yield Part(Kind.ANSWER, inner[: end.start()])
        return inner[end.end() :]
