"""Decodes the bytes that a terminal sends, including bytes that are not UTF-8 and mouse reports in the X10 form.

The app requests mouse reports in the SGR form, which writes numbers in digits. A terminal whose modes were reset, or
that does not know the SGR form, sends the X10 form: `ESC [ M` and one byte each for the button, the column and the row.
Beyond column 95 these bytes are not UTF-8. A terminal in Latin-1 sends é as the byte E9.
"""

import contextlib
import re
from codecs import getincrementaldecoder

SECONDS_FOR_THE_REST = 0.5
"""How long to wait for the rest of a character or mouse report before its bytes are decoded one by one."""

_X10 = b"\x1b[M"
_X10_LENGTH = 6
_FIRST = 32
"""Offset that the X10 form adds to each number, so that none of its bytes is a control character."""
_MOVED, _WHEEL, _NO_BUTTON = 32, 64, 3


class InputDecoder:
    """Decodes bytes that arrive in pieces of any length."""

    def __init__(self, encoding: str = "utf-8") -> None:
        """Set up the decoder; `encoding` is the terminal's own, used for bytes that are not UTF-8."""
        self.saw_x10 = False
        """Whether a mouse report came in the X10 form. The reader clears it."""
        self._utf8 = getincrementaldecoder("utf-8")("surrogateescape")
        self._single_byte = _characters(encoding)
        self._begun = b""  # the bytes so far of an incomplete mouse report
        self._passed_on = 0  # how many of these bytes were returned already, since they may be keys
        self._pressed = 0  # the button: the X10 form does not name it on release

    @property
    def waits(self) -> bool:
        """Whether a character or mouse report is incomplete."""
        return len(self._begun) > self._passed_on or bool(self._utf8.getstate()[0])

    def decode(self, data: bytes) -> str:
        """Return the text of the bytes, together with incomplete ones from earlier calls."""
        passed_on, self._passed_on = self._passed_on, 0
        data, self._begun = self._begun + data, b""
        text = []
        while data:
            begin = data.find(_X10)
            if begin < 0:
                text.append(self._decode(data))
                # Escape may be a key: it is returned at once, but kept as a possible start of a report.
                self._begun = next((start for start in (b"\x1b[", b"\x1b") if data.endswith(start)), b"")
                self._passed_on = len(self._begun)
                break
            text.append(self._decode(data[:begin]) + self._end_utf8())
            report, data = data[begin : begin + _X10_LENGTH], data[begin + _X10_LENGTH :]
            if len(report) < _X10_LENGTH:
                self._begun = report
                if len("".join(text)) == 0:  # the report that an earlier call has begun
                    self._passed_on, passed_on = passed_on, 0
                break
            text.append(self._to_sgr(report))
        return "".join(text)[passed_on:]

    def pause(self) -> None:
        """Treat an escape that nothing followed as a key."""
        if len(self._begun) == self._passed_on:
            self._begun, self._passed_on = b"", 0

    def flush(self) -> str:
        """Return the text of the incomplete bytes: the rest did not arrive in time."""
        begun, self._begun = self._begun[self._passed_on :], b""
        self._passed_on = 0
        return self._end_utf8() + self._decode(begun) + self._end_utf8()

    def decode_whole(self, data: bytes) -> str:
        """Return the text of bytes that are complete and that contain no mouse reports."""
        return self._with_single_bytes(data.decode("utf-8", errors="surrogateescape"))

    def _decode(self, data: bytes) -> str:
        return self._with_single_bytes(self._utf8.decode(data))

    def _end_utf8(self) -> str:
        return self._with_single_bytes(self._utf8.decode(b"", final=True))

    def _with_single_bytes(self, text: str) -> str:
        """Replace each surrogate of a byte that is not UTF-8 by the byte's character in the terminal's encoding."""
        return text.translate(self._single_byte)

    def _to_sgr(self, report: bytes) -> str:
        """Return an X10 report in the SGR form; an invalid one gets position 0, which is ignored."""
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
    """Return the characters of the bytes 80 to FF, by the surrogates that `surrogateescape` decodes these bytes to."""
    decoder = getincrementaldecoder("latin-1")
    with contextlib.suppress(LookupError):
        decoder = getincrementaldecoder(encoding)
    if decoder("replace").decode(b"\xe9") in ("", "\N{REPLACEMENT CHARACTER}"):  # a multi-byte encoding
        decoder = getincrementaldecoder("latin-1")
    characters = {}
    for byte in range(0x80, 0x100):
        character = decoder("replace").decode(bytes([byte]), final=True)
        is_control = re.match(r"[\x00-\x1f\x7f-\x9f]", character) is not None
        characters[0xDC00 + byte] = "\N{REPLACEMENT CHARACTER}" if is_control else character
    return characters
