r"""Decodes bytes to text and normalises it.

Normalised text is in NFC, and its lines end with `\n`. Byte order marks (U+FEFF) are dropped at any position, since
concatenated files have them inside the text; the ^Z (0x1A) with which DOS ended its texts is dropped at the very end.
A text is read in pieces, so that a gigabyte needs no more memory than a megabyte. The pieces join to exactly the text
that decoding all of it at once would give.
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
"""Number of bytes read at a time."""
_BYTE_ORDER_MARK = "\ufeff"
_DOS_END = "\x1a"

_MARKS = {  # longest first: UTF-32's mark begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROLS = [chr(code) for code in range(32) if chr(code) not in "\n\t\f\v\x1a"]
_OTHER_KINDS = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "an archive or a word processor's document",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a compressed file",
}
# Characters before which a text may be cut: none of them combines with the character before it.
_CUT = re.compile(r"[\u0000-\u02ff\u0374-\u0482\u048a-\u0590\u3041-\u3096\u30a0-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LONGEST_HELD = 1 << 16


class Readable(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; no bytes at the end."""


def normalise(text: str) -> str:
    r"""Return `text` in NFC, with `\n` line ends, without byte order marks and without a final ^Z."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(_BYTE_ORDER_MARK, "")
    return unicodedata.normalize("NFC", text.rstrip(_DOS_END))


def pieces(
    file: Readable, encoding: str, *, errors: Errors = "strict", chunk: int = CHUNK, whole: bool = True
) -> Iterator[str]:
    """Yield the normalised text of a file, piece by piece.

    Args:
        file: the file.
        encoding: Python's name of its encoding.
        errors: with `replace`, bytes that are invalid in the encoding become U+FFFD.
        chunk: the number of bytes to read at a time.
        whole: whether the file ends after a complete character; if not, an incomplete last character is dropped.

    Raises:
        UnicodeDecodeError: the file is not in that encoding. The error's `start` is relative to a piece, not to the
            file.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors), translate=True)
    held = ""  # the end of a piece is kept for the next one, which may begin with an accent for its last character
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
    """Return the last position where `text` may be cut so that the pieces in NFC join to the whole text in NFC."""
    end = max(len(text.rstrip(_DOS_END)), len(text) - _LONGEST_HELD // 2)  # a ^Z may be the end of the whole text
    for place in range(min(end, len(text) - 1), max(len(text) - _LONGEST_HELD, 0), -1):
        if _CUT.match(text, place):
            return place
    return len(text) if len(text) > _LONGEST_HELD else 0  # so many accents in a row are not real text


def announced_encoding(head: bytes, name: str) -> str | None:
    """Return the encoding that a byte order mark at the beginning of a file declares; None without such a mark.

    Args:
        head: the first bytes of the file.
        name: the name of the file, for the error message.

    Raises:
        UserError: the first bytes are those of a PDF file, an archive or another format that is not plain text.
    """
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UserError(f"{name} is {kind}, not plain text. Save its text as a .txt file and choose that.")
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)


def place_of_damage(file: BinaryIO, encoding: str) -> tuple[int, int, bytes]:
    """Return the first place where a file is invalid in an encoding: line and byte, both from 1, and the invalid bytes.

    Raises:
        ValueError: the whole file is valid.
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
            raise ValueError("the file is valid in this encoding")
        line += _line_ends(last + text) - _line_ends(last)
        last = text[-1:] or last


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def looks_like_text(text: str) -> bool:
    """Return whether the decoded beginning of a file looks like text: no NUL, and at most 5 % control characters."""
    controls = sum(text.count(code) for code in _CONTROLS if code in text)  # to look is ten times faster than to count
    return "\0" not in text and 20 * controls <= len(text)
