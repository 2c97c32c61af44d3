"""Characters that would not be seen, as they are shown: one at a time, or in a text that has to stay on one line."""

import re

from rich.cells import cell_len, set_cell_size

from core.text import sanitise

_NAMES = {" ": "␣", "\n": "⏎", "\t": "⇥", "\u00a0": "⍽"}
"""Of characters that would not be seen."""


def shown(character: str) -> str:
    """Return a character such that it can be seen."""
    return _NAMES.get(character, sanitise(character))


def in_a_line(text: str) -> str:
    """Return a text such that it stays on one line, with its spaces as they are."""
    return "".join(character if character == " " else shown(character) for character in text)


def unbroken(text: str) -> str:
    """Return a text in which no line ends within a number such as 65 536."""
    return re.sub(r"(?<=\d) (?=\d{3})", "\u00a0", text)


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
