"""Names of encodings: parsing the ones that users type, and formatting them for display."""

import codecs
import difflib
from typing import Literal, get_args

from core.errors import UserError
from core.text import shortened

Errors = Literal["strict", "replace"]
ERRORS: tuple[Errors, ...] = get_args(Errors)
"""How bytes that are invalid in the encoding are handled: the text is refused, or each becomes U+FFFD."""
HOW_TO_NAME_ONE = "set the encoding with --encoding, or among the settings of the app"

_USUAL = (
    "utf-8", "windows-1252", "latin-1", "utf-16", "utf-32", "ascii", "windows-1250", "windows-1251", "windows-1253",
    "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874",
    "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
    "iso-8859-9", "iso-8859-13", "iso-8859-15", "iso-8859-16", "mac-roman", "mac-cyrillic", "mac-greek", "mac-turkish",
    "mac-latin2", "koi8-r", "koi8-u", "cp437", "cp850", "cp852", "cp866", "shift_jis", "cp932", "euc-jp",
    "iso-2022-jp", "gb18030", "gbk", "gb2312", "big5", "euc-kr", "cp949",
)  # fmt: skip


def encoding_named(name: str) -> str:
    """Return Python's name of the encoding that a user named.

    Raises:
        UserError: there is no encoding of that name, or it is not a text encoding.
    """
    typed = name.strip()
    try:
        found = codecs.lookup(_other_name(typed))
        if found._is_text_encoding and found.name not in ("idna", "punycode", "undefined", "raw-unicode-escape"):
            "a".encode(found.name).decode(found.name)
            return found.name
    except (LookupError, ValueError):  # a NUL in the name raises a ValueError
        pass
    likeness = difflib.SequenceMatcher(b=typed.lower().replace("_", "-"))
    ratios = {}
    for usual in _USUAL:
        likeness.set_seq1(usual)
        ratios[usual] = likeness.ratio()
    near = max(_USUAL, key=lambda usual: ratios[usual])  # of equally near names, the first, which is the most common
    advice = (
        f"Did you mean {near}?"
        if ratios[near] > 0.5
        else "Common ones are utf-8, windows-1252, iso-8859-2, koi8-r, gb18030."
    )
    raise UserError(f"There is no encoding called {shortened(typed)}. {advice}")


def _other_name(typed: str) -> str:
    """Return Python's name of an encoding that is known by another name elsewhere."""
    if typed.lower().replace("_", "-") in ("windows-874", "cp-874"):
        return "cp874"
    return typed


def encoding_name(encoding: str) -> str:
    """Return the usual name of an encoding, such as windows-1252 or iso-8859-2. `encoding_named` accepts it."""
    name = encoding.replace("_", "-").removesuffix("-sig")
    if name.startswith("iso8859"):
        return f"iso-8859{name[7:]}"
    return f"windows-{name[2:]}" if name.startswith("cp125") else name
