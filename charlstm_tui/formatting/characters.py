"""Characters as they are shown, with the same width in every terminal.

Some terminals draw a sequence (a family, a flag, a thumb with a skin colour) as one sign, others draw each of its
characters, and some draw a character two cells wide that others draw in one. If a terminal's width differs from the
expected one, everything to the right is displaced. So the characters of such sequences are replaced on screen. Text
that is copied, saved or learned from is not changed.
"""

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size, split_graphemes

from core.text import SIGNS as SIGNS_IN_A_LINE
from core.text import sanitise

SIGNS = {" ": "␣", "\u00a0": "⍽"} | SIGNS_IN_A_LINE
"""Visible signs of invisible characters; `core.text.sanitise` has those of control characters."""
WIDE_TAB = "    "
"""Replacement of a tab in a text of several lines."""
_IN_A_ROW = str.maketrans(SIGNS_IN_A_LINE)
_UNSEEN = "◌"
"""Base for a combining character, which is not visible alone."""

_JOINER = "\u200d"
_SELECTORS = "\ufe0e\ufe0f"
"""Variation selectors: they request a sign in black, one cell wide, or in colour, two cells wide."""
_TONES = "\U0001f3fb-\U0001f3ff"
"""Skin tones."""
_REGIONS = "\U0001f1e6-\U0001f1ff"
"""Regional indicators: two of them make a flag."""
_TAGS = "\U000e0020-\U000e007f"
_SHAPES_BEFORE = re.compile(f"[{_JOINER}{_SELECTORS}{_TONES}{_TAGS}]")
"""Characters that change the sign before them."""
_MAYBE = re.compile(f"[{_JOINER}{_SELECTORS}{_TAGS}\u0500-\u05ff\u0b00-\u0bff\u1a00-\u1aff\U00010000-\U0010ffff]")
"""A quick test: a text without these, as nearly all are, has the same width in every terminal."""


def shown(character: str) -> str:
    """Return a visible sign for a character."""
    character = SIGNS.get(character) or drawn(sanitise(character))
    return _UNSEEN + character if cell_len(character) == 0 else character


def drawn(text: str) -> str:
    """Return `text` with each character shown on its own, with the same width in every terminal and the same length."""
    return _MAYBE.sub(lambda found: _by_itself(found[0]), text)


def settled(text: str) -> str:
    """Return `text` such that every terminal draws it in as many cells as rich measures."""
    return _settled(text) if _MAYBE.search(text) else text


@lru_cache(4096)
def _settled(text: str) -> str:
    spans, _ = split_graphemes(text)
    made = "".join(_in_cells(text[begin:end], width) for begin, end, width in spans)
    return set_cell_size(made, cell_len(text))  # rich measures a text with a joiner at its start in two ways


def _in_cells(sign: str, width: int) -> str:
    """Return a sign, simplified and padded to exactly `width` cells."""
    kept = _SHAPES_BEFORE.split(sign, maxsplit=1)[0]
    kept = "".join(_narrow(character) for character in kept)
    length = cell_len(kept)
    return kept + " " * (width - length) if length <= width else "?" * width


def _narrow(character: str) -> str:
    if "\U0001f1e6" <= character <= "\U0001f1ff":  # a regional indicator, one cell wide for rich
        return chr(ord("A") + ord(character) - 0x1F1E6)
    return _by_itself(character)


@lru_cache(4096)
def _by_itself(character: str) -> str:
    """Return a replacement for a character that may form a sequence or that not every terminal knows."""
    if _SHAPES_BEFORE.match(character):
        return "▒" if "\U0001f3fb" <= character <= "\U0001f3ff" else _UNSEEN
    if "\U0001f1e6" <= character <= "\U0001f1ff":
        return chr(ord("Ａ") + ord(character) - 0x1F1E6)
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) == "Cn" else character


def in_a_line(text: str) -> str:
    """Return a text in one line, with a visible sign for each character except spaces."""
    return "".join(character if character == " " else shown(character) for character in text)


def in_a_row(text: str) -> str:
    """Return a sanitised text in one line, with signs for newlines and tabs only."""
    return sanitise(text).translate(_IN_A_ROW)


def with_wide_tabs(text: str) -> str:
    """Return a text of several lines with spaces in place of each tab."""
    return text.replace("\t", WIDE_TAB)


def unbroken(text: str) -> str:
    """Return a text with no-break spaces in numbers such as 65 536, so that no line is broken there."""
    return re.sub(r"(?<=\d) (?=\d{3})", "\u00a0", text)


def fitting(room: int, *versions: str) -> str:
    """Return the first version of a text that fits into `room` cells; "" if none does."""
    return next((version for version in versions if cell_len(version) <= room), "")


def shorten_middle(name: str, columns: int) -> str:
    """Return a name with its middle cut if it is wider than `columns`: names differ at their beginnings and ends."""
    if cell_len(name) <= columns:
        return name
    if columns < 3:
        return "…"[: max(columns, 0)]
    left = set_cell_size(name, columns // 2).rstrip()
    right = name
    while cell_len(right) > columns - cell_len(left) - 1:
        right = right[1:]
    return f"{left}…{right}"
