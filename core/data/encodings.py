"""The names of encodings: as people type them, and as they are shown."""

import codecs
import difflib
from typing import Literal, get_args

from core.errors import UserError
from core.text import shortened

Errors = Literal["strict", "replace"]
ERRORS: tuple[Errors, ...] = get_args(Errors)
"""What becomes of bytes that are not in the encoding: the text is refused, or each becomes U+FFFD."""
WAY_ON = "name it with --encoding, or in the box for it among the app's settings"

_USUAL = (
    "utf-8", "windows-1252", "latin-1", "utf-16", "utf-32", "ascii", "windows-1250", "windows-1251", "windows-1253",
    "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874",
    "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
    "iso-8859-9", "iso-8859-13", "iso-8859-15", "iso-8859-16", "mac-roman", "mac-cyrillic", "mac-greek", "mac-turkish",
    "mac-latin2", "koi8-r", "koi8-u", "cp437", "cp850", "cp852", "cp866", "shift_jis", "cp932", "euc-jp",
    "iso-2022-jp", "gb18030", "gbk", "gb2312", "big5", "euc-kr", "cp949",
)  # fmt: skip


def encoding_named(name: str) -> str:
    """Return Python's name of the encoding that a person named.

    Raises:
        UserError: there is none of that name, or it is not for text.
    """
    typed = name.strip()
    try:
        found = codecs.lookup(_other_name(typed))
        if found._is_text_encoding and found.name not in ("idna", "punycode", "undefined", "raw-unicode-escape"):
            "a".encode(found.name).decode(found.name)
            return found.name
    except (LookupError, ValueError):  # a NUL in the name, for one
        pass
    likeness = difflib.SequenceMatcher(b=typed.lower().replace("_", "-"))
    ratios = {}
    for usual in _USUAL:
        likeness.set_seq1(usual)
        ratios[usual] = likeness.ratio()
    near = max(_USUAL, key=lambda usual: ratios[usual])  # the first, which is the commonest, of those equally near
    advice = (
        f"Did you mean {near}?"
        if ratios[near] > 0.5
        else "Usual ones are utf-8, windows-1252, iso-8859-2, koi8-r, gb18030."
    )
    raise UserError(f"There is no encoding called {shortened(typed)}. {advice}")


def _other_name(typed: str) -> str:
    """Return the name under which Python has an encoding that has another one elsewhere."""
    if typed.lower().replace("_", "-") in ("windows-874", "cp-874"):
        return "cp874"
    return typed


def encoding_name(encoding: str) -> str:
    """Return an encoding's name as people know it, windows-1252 or iso-8859-2; typed, it names the same one."""
    name = encoding.replace("_", "-").removesuffix("-sig")
    if name.startswith("iso8859"):
        return f"iso-8859{name[7:]}"
    return f"windows-{name[2:]}" if name.startswith("cp125") else name
