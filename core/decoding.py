r"""Bytes to text: which encoding it is, and the characters in the one form the program works with.

That form is NFC, lines ended by `\n` alone. A text arrives in pieces, so that one of a gigabyte needs no more memory
than one of a megabyte; the pieces join to exactly what the whole would give at once.
"""

import codecs
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from core.errors import UserError

CHUNK = 1 << 20
"""Bytes read at a time."""
SAMPLE = 1 << 18
"""Bytes that an encoding is guessed from."""

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
_TYPOGRAPHIC = "«»‹›“”‘’„–—…·•°§©€\u00a0"
_LANGUAGES = {  # the letters beyond ASCII that their texts are full of
    "French": "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ",
    "German": "äöüßÄÖÜ",
    "Spanish": "áéíñóúüÁÉÍÑÓÚÜ¿¡ºª",
    "Portuguese": "áâãàçéêíóôõúüÁÂÃÀÇÉÊÍÓÔÕÚÜºª",
    "Italian": "àèéìíòóùúÀÈÉÌÒÙ",
    "Swedish, Danish, Norwegian": "åäöæøéÅÄÖÆØÉ",
}
_COMMON = ("cp1251", "cp1250", "cp1253", "cp1254")
_WESTERN = ("cp1252", "mac_roman", "cp850")
_LOST = "\N{REPLACEMENT CHARACTER}"


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end."""


def normalise(text: str) -> str:
    r"""Return `text` in the one form the program works with."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def pieces(file: Readable, encoding: str, *, chunk: int = CHUNK) -> Iterator[str]:
    """Yield the normalised text of a file, some of it at a time.

    Raises:
        UnicodeDecodeError: it is not in that encoding. Its `start` counts within some piece, not within the file.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    held = ""  # the end of a piece waits for the next: an accent to come would belong to its last character
    more = True
    while more:
        read = file.read(chunk)
        more = bool(read)
        text = held + decoder.decode(read, final=not more)
        cut = _last_cut(text) if more else len(text)
        held = text[cut:]
        if cut:
            yield unicodedata.normalize("NFC", text[:cut])


def _last_cut(text: str) -> int:
    """Return the last place where `text` may be cut, so that the pieces in NFC join to the whole in NFC."""
    for place in range(len(text) - 1, max(len(text) - _LONGEST_HELD, 0), -1):
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


def guessed_encoding(sample: bytes, name: str) -> str:
    """Return the encoding that a sample which is not UTF-8 is likely to have.

    Raises:
        UserError: the sample is damaged UTF-8, or no text at all.
    """
    import charset_normalizer

    replaced = sample.decode(errors="replace")
    lost = replaced.count(_LOST)
    if sum(character > "\x7f" for character in replaced) - lost > 10 * lost:
        raise UserError(f"{name} is UTF-8, but some of its bytes are damaged. Save it anew as UTF-8 and try again.")
    if (western := _western_encoding(sample)) is not None:
        return western
    matches = charset_normalizer.from_bytes(sample)
    best = matches.best()
    # No text has a NUL; binary data, read in an encoding that gives every byte a meaning, soon has some.
    if best is None or "\0" in str(best) or best.encoding.startswith("utf_8"):
        raise UserError(f"{name} is not text, or its encoding cannot be told. Choose a text file, saved as UTF-8.")
    # Encodings of one alphabet differ in a few letters only: among about equally likely ones, the commonest.
    likely = [match for match in matches if match.chaos <= best.chaos and match.coherence >= best.coherence - 0.15]
    possible = {encoding for match in likely for encoding in (match.encoding, *match.could_be_from_charset)}
    return next((common for common in _COMMON if common in possible), best.encoding)


def _western_encoding(sample: bytes) -> str | None:
    """Return the encoding in which all letters beyond ASCII are those of one western language; None if there is none.

    A detector that weighs all the encodings there are takes French for Baltic now and then: few letters differ.
    """
    if b"\0" in sample:
        return None
    for encoding in _WESTERN:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        beyond = [character for character in text if character > "\x7f" and character not in _TYPOGRAPHIC]
        letters = sum(map(str.isalpha, text))
        if beyond and 4 * len(beyond) < letters:
            found = Counter(beyond)
            for of_language in _LANGUAGES.values():
                if sum(found[letter] for letter in of_language) >= 0.98 * len(beyond):
                    return encoding
    return None


def encoding_name(encoding: str) -> str:
    """Return an encoding's name as people know it: windows-1252, utf-16-le."""
    name = encoding.replace("_", "-").removesuffix("-sig")
    return f"windows-{name[2:]}" if name.startswith("cp125") else name


def looks_like_text(text: str) -> bool:
    """Tell whether the beginning of a file that could be decoded is text: hardly a control character in it."""
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\n\t\f\v\x1a")
    return "\0" not in text and 20 * controls <= len(text)
