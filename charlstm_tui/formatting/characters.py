"""Characters as they are shown, one at a time or in a text, with the same width in every terminal.

Some terminals draw a sequence as one sign (a family, a flag, a thumb and its skin colour), others each of its
characters, and some give a character two cells that others give one. Where they disagree, all that stands to the right
is pushed out of its place, frames first. So the characters that make up such sequences are drawn as others. This
concerns the screen alone: what is copied, saved or learnt stays as it was.
"""

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size, split_graphemes

from core.text import sanitise

SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\u00a0": "⍽"}
"""That stand for characters which cannot be seen; `core.text.sanitise` has those of control characters."""
WIDE_TAB = "    "
"""What stands for a tab in a text of several lines."""
_IN_A_ROW = str.maketrans({character: SIGNS[character] for character in "\n\t"})
_UNSEEN = "◌"
"""Stands for a character that is visible only by its effect on its neighbours."""

_JOINER = "\u200d"
_SELECTORS = "\ufe0e\ufe0f"
"""They ask for a sign in black, one cell wide, or in colour, two cells wide."""
_TONES = "\U0001f3fb-\U0001f3ff"
"""Skin colours."""
_REGIONS = "\U0001f1e6-\U0001f1ff"
"""Letters, two of which make a flag."""
_TAGS = "\U000e0020-\U000e007f"
_SHAPES_BEFORE = re.compile(f"[{_JOINER}{_SELECTORS}{_TONES}{_TAGS}]")
"""What changes the sign before it."""
_MAYBE = re.compile(f"[{_JOINER}{_SELECTORS}{_TAGS}\u0500-\u05ff\u0b00-\u0bff\u1a00-\u1aff\U00010000-\U0010ffff]")
"""A quick look: texts without these, nearly all, are as wide in one terminal as in another."""


def shown(character: str) -> str:
    """Return a visible sign for a character."""
    character = SIGNS.get(character) or drawn(sanitise(character))
    return _UNSEEN + character if cell_len(character) == 0 else character


def drawn(text: str) -> str:
    """Return `text` with each character drawn by itself, as wide in every terminal; there are as many as before."""
    return _MAYBE.sub(lambda found: _by_itself(found[0]), text)


def settled(text: str) -> str:
    """Return `text` such that every terminal draws it in as many cells as rich measures."""
    return _settled(text) if _MAYBE.search(text) else text


@lru_cache(4096)
def _settled(text: str) -> str:
    spans, _ = split_graphemes(text)
    made = "".join(_in_cells(text[begin:end], width) for begin, end, width in spans)
    return set_cell_size(made, cell_len(text))  # of a joiner at the beginning rich says two things


def _in_cells(sign: str, width: int) -> str:
    """Return what can be drawn of a sign in so many cells."""
    kept = _SHAPES_BEFORE.split(sign, maxsplit=1)[0]
    kept = "".join(_narrow(character) for character in kept)
    length = cell_len(kept)
    return kept + " " * (width - length) if length <= width else "?" * width


def _narrow(character: str) -> str:
    if "\U0001f1e6" <= character <= "\U0001f1ff":  # a letter of a flag, for which rich has one cell
        return chr(ord("A") + ord(character) - 0x1F1E6)
    return _by_itself(character)


@lru_cache(4096)
def _by_itself(character: str) -> str:
    """Return the character that stands for one that might make up a sequence, or that not every terminal knows."""
    if _SHAPES_BEFORE.match(character):
        return "▒" if "\U0001f3fb" <= character <= "\U0001f3ff" else _UNSEEN
    if "\U0001f1e6" <= character <= "\U0001f1ff":
        return chr(ord("Ａ") + ord(character) - 0x1F1E6)
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) == "Cn" else character


def in_a_line(text: str) -> str:
    """Return a text in one line, each character by a visible sign, spaces as they are."""
    return "".join(character if character == " " else shown(character) for character in text)


def in_a_row(text: str) -> str:
    """Return a passage in one line, safe to show: only newlines and tabs are shown by signs."""
    return sanitise(text).translate(_IN_A_ROW)


def with_wide_tabs(text: str) -> str:
    """Return a text of several lines with a stretch of spaces for each tab."""
    return text.replace("\t", WIDE_TAB)


def unbroken(text: str) -> str:
    """Return a text in which no line ends within a number such as 65 536."""
    return re.sub(r"(?<=\d) (?=\d{3})", "\u00a0", text)


def fitting(room: int, *versions: str) -> str:
    """Return the first of the versions of a text that takes no more than `room` cells; nothing where none does."""
    return next((version for version in versions if cell_len(version) <= room), "")


def shorten_middle(name: str, columns: int) -> str:
    """Return a name, its middle left out where it is wider than so many columns: both its ends tell it from others."""
    if cell_len(name) <= columns:
        return name
    if columns < 3:
        return "…"[: max(columns, 0)]
    left = set_cell_size(name, columns // 2).rstrip()
    right = name
    while cell_len(right) > columns - cell_len(left) - 1:
        right = right[1:]
    return f"{left}…{right}"
