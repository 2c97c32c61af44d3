"""Text from the bytes that a terminal sends, also where they are not UTF-8, or mouse reports in the old form.

A terminal is asked for mouse reports in digits, the SGR form. One whose modes were reset meanwhile, or that knows no
other form, sends the X10 form: `ESC [ M` and one byte each for the button, the column and the row. Beyond column 95
these bytes are not UTF-8. A terminal in Latin-1 sends é as E9.
"""

import contextlib
import re
from codecs import getincrementaldecoder

SECONDS_FOR_THE_REST = 0.5
"""How long the rest of a character, or of a mouse report, may take to arrive before what is there counts by itself."""

_X10 = b"\x1b[M"
_X10_LENGTH = 6
_FIRST = 32
"""What the X10 form adds to each number, so that none of its bytes is a control character."""
_MOVED, _WHEEL, _NO_BUTTON = 32, 64, 3


class InputDecoder:
    """Decodes bytes that come in pieces of any length."""

    def __init__(self, encoding: str = "utf-8") -> None:
        """Begin; `encoding` is the terminal's own, and is tried where the bytes are not UTF-8."""
        self.saw_x10 = False
        """Whether a mouse report came in the old form. To be cleared by whoever reads it."""
        self._utf8 = getincrementaldecoder("utf-8")("surrogateescape")
        self._single_byte = _characters(encoding)
        self._begun = b""  # of a mouse report: what of it has come
        self._passed_on = 0  # how many bytes of that were passed on, since they may be keys
        self._pressed = 0  # the button, which the old form does not name when it is released

    @property
    def waits(self) -> bool:
        """Whether something has begun whose rest is still to come."""
        return len(self._begun) > self._passed_on or bool(self._utf8.getstate()[0])

    def decode(self, data: bytes) -> str:
        """Return the text of the bytes, and of those before that were not whole."""
        passed_on, self._passed_on = self._passed_on, 0
        data, self._begun = self._begun + data, b""
        text = []
        while data:
            begin = data.find(_X10)
            if begin < 0:
                text.append(self._decode(data))
                # Escape may be a key: it is passed on at once, and remembered.
                self._begun = next((start for start in (b"\x1b[", b"\x1b") if data.endswith(start)), b"")
                self._passed_on = len(self._begun)
                break
            text.append(self._decode(data[:begin]) + self._utf8_is_over())
            report, data = data[begin : begin + _X10_LENGTH], data[begin + _X10_LENGTH :]
            if len(report) < _X10_LENGTH:
                self._begun = report
                if len("".join(text)) == 0:  # it is the one that had begun before
                    self._passed_on, passed_on = passed_on, 0
                break
            text.append(self._in_digits(report))
        return "".join(text)[passed_on:]

    def pause(self) -> None:
        """Take an escape that nothing followed for a key."""
        if len(self._begun) == self._passed_on:
            self._begun, self._passed_on = b"", 0

    def flush(self) -> str:
        """Return the text of what is not whole: its rest does not come."""
        begun, self._begun = self._begun[self._passed_on :], b""
        self._passed_on = 0
        return self._utf8_is_over() + self._decode(begun) + self._utf8_is_over()

    def _decode(self, data: bytes) -> str:
        return self._with_single_bytes(self._utf8.decode(data))

    def _utf8_is_over(self) -> str:
        return self._with_single_bytes(self._utf8.decode(b"", final=True))

    def _with_single_bytes(self, text: str) -> str:
        """Replace what stands for a byte that is not UTF-8 by the character that the byte is in another encoding."""
        return text.translate(self._single_byte)

    def _in_digits(self, report: bytes) -> str:
        """Return an X10 report in the SGR form; one that is about no place, and so ignored, if it makes no sense."""
        self.saw_x10 = True
        code, column, row = (byte - _FIRST for byte in report[3:])
        if code < 0 or column < 1 or row < 1:
            return "\x1b[<0;0;0M"
        if code & (_MOVED | _WHEEL) or code & 3 != _NO_BUTTON:
            if not code & (_MOVED | _WHEEL):
                self._pressed = code & 3
            return f"\x1b[<{code};{column};{row}M"
        return f"\x1b[<{(code & ~3) | self._pressed};{column};{row}m"


def _characters(encoding: str) -> dict[int, str]:
    """Return the characters of the bytes 80 to FF, by the code points that `surrogateescape` has for these bytes."""
    known = getincrementaldecoder("latin-1")
    with contextlib.suppress(LookupError):
        known = getincrementaldecoder(encoding)
    if known("replace").decode(b"\xe9") in ("", "\N{REPLACEMENT CHARACTER}"):  # it has more than one byte a character
        known = getincrementaldecoder("latin-1")
    found = {}
    for byte in range(0x80, 0x100):
        character = known("replace").decode(bytes([byte]), final=True)
        is_control = re.match(r"[\x00-\x1f\x7f-\x9f]", character) is not None
        found[0xDC00 + byte] = "\N{REPLACEMENT CHARACTER}" if is_control else character
    return found
