r"""Bytes to text: which encoding it is, and the characters in the one form the program works with.

That form is NFC, lines ended by `\n` alone. Byte order marks (U+FEFF) are dropped wherever they stand, as they do
within files that were joined; so is the ^Z (0x1A) by which DOS ended its texts, at the very end. A text arrives in
pieces, so that one of a gigabyte needs no more memory than one of a megabyte; the pieces join to exactly what the
whole would give at once.
"""

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from core.data.encodings import Errors
from core.errors import UserError

CHUNK = 1 << 20
"""Bytes read at a time."""
_BYTE_ORDER_MARK = "\ufeff"
_DOS_END = "\x1a"

_MARKS = {  # longest first: UTF-32's mark begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHER_KINDS = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "an archive or a word processor's document",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a compressed file",
}
# Characters before which a text may be cut: none of them combines with what stands before it.
_CUT = re.compile(r"[\u0000-\u02ff\u0374-\u0482\u048a-\u0590\u3041-\u3096\u30a0-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LONGEST_HELD = 1 << 16


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end."""


def normalise(text: str) -> str:
    r"""Return `text` in the one form the program works with."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(_BYTE_ORDER_MARK, "")
    return unicodedata.normalize("NFC", text.rstrip(_DOS_END))


def pieces(
    file: Readable, encoding: str, *, errors: Errors = "strict", chunk: int = CHUNK, whole: bool = True
) -> Iterator[str]:
    """Yield the normalised text of a file, some of it at a time.

    Args:
        file: what it is read from.
        encoding: Python's name of it.
        errors: with `replace`, what is not in the encoding becomes U+FFFD.
        chunk: bytes to read at a time.
        whole: whether the file ends with its last character; else one that its end cuts is left out.

    Raises:
        UnicodeDecodeError: it is not in that encoding. Its `start` counts within some piece, not within the file.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors), translate=True)
    held = ""  # the end of a piece waits for the next: an accent to come would belong to its last character
    more = True
    while more:
        read = file.read(chunk)
        more = bool(read)
        text = held + decoder.decode(read, final=whole and not more).replace(_BYTE_ORDER_MARK, "")
        if not more:
            text = text.rstrip(_DOS_END)
        cut = _last_cut(text) if more else len(text)
        held = text[cut:]
        if cut:
            yield unicodedata.normalize("NFC", text[:cut])


def _last_cut(text: str) -> int:
    """Return the last place where `text` may be cut, so that the pieces in NFC join to the whole in NFC."""
    end = max(len(text.rstrip(_DOS_END)), len(text) - _LONGEST_HELD // 2)  # a ^Z may turn out to be the text's last
    for place in range(min(end, len(text) - 1), max(len(text) - _LONGEST_HELD, 0), -1):
        if _CUT.match(text, place):
            return place
    return len(text) if len(text) > _LONGEST_HELD else 0  # a wall of accents: not a text that anybody wrote


def announced_encoding(head: bytes, name: str) -> str | None:
    """Return the encoding that a file's first bytes announce; None where they announce none.

    Raises:
        UserError: they announce that the file, called `name` here, is not plain text.
    """
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UserError(f"{name} is {kind}, not plain text. Save its text as a .txt file and choose that.")
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)


def place_of_damage(file: BinaryIO, encoding: str) -> tuple[int, int, bytes]:
    """Return where a file first is not in an encoding: the line and the byte, both from 1, and the bytes that are not.

    Raises:
        ValueError: all of it is.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    line, read, last = 1, 0, ""
    while True:
        chunk = file.read(CHUNK)
        read += len(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = last + error.object[: error.start].decode(encoding, "replace")
            place = read - len(error.object) + error.start
            return line + _line_ends(before) - _line_ends(last), place + 1, error.object[error.start : error.end]
        if not chunk:
            raise ValueError("it is not damaged")
        line += _line_ends(last + text) - _line_ends(last)
        last = text[-1:] or last


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def looks_like_text(text: str) -> bool:
    """Tell whether the beginning of a file that could be decoded is text: hardly a control character in it."""
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\n\t\f\v\x1a")
    return "\0" not in text and 20 * controls <= len(text)
