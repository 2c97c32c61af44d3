"""Text wrapped to a width in cells, as rows that know their place in the text."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len

_A_CELL_EACH = re.compile("[ -~\u00a0-\u00ac\u00ae-\u02ff]*")
"""Latin letters, accents included: a hundred times quicker to measure than text that may hold wide characters."""


class Row(NamedTuple):
    """A row of the pane: a stretch of the text, without the space or newline at which it was broken."""

    start: int
    """Where it begins in the text."""
    text: str


def wrap(text: str, start: int, width: int) -> Iterator[Row]:
    r"""Wrap text that begins at `start` in the whole to `width` cells, at spaces where it can, and at every `\n`."""
    for paragraph in text.split("\n"):
        yield from (_wrap_latin if _A_CELL_EACH.fullmatch(paragraph) else _wrap_any)(paragraph, start, width)
        start += len(paragraph) + 1


def _wrap_any(paragraph: str, start: int, width: int) -> Iterator[Row]:
    begin = 0  # of the row
    space = 0  # the last place where it may be broken
    for place, character in enumerate(paragraph):
        if character == " ":
            space = place  # one that does not fit hangs over the edge, unseen
            continue
        while place > begin and cell_len(paragraph[begin : place + 1]) > width:
            cut = space if space > begin else place
            while cut > begin + 1 and cell_len(paragraph[cut]) == 0:
                cut -= 1  # an accent or a joiner stays with its letter
            yield Row(start + begin, paragraph[begin:cut])
            begin = cut + (paragraph[cut] == " ")  # and look whether what is left fits: "´ a日" takes two breaks
    yield Row(start + begin, paragraph[begin:])


def _wrap_latin(paragraph: str, start: int, width: int) -> Iterator[Row]:
    """Do the same where each character takes a cell: from row to row, not from character to character."""
    begin = 0
    while len(paragraph) - begin > width:
        place = begin + width
        while place < len(paragraph) and paragraph[place] == " ":
            place += 1  # spaces hang over the edge, unseen
        if place == len(paragraph):
            break
        space = paragraph.rfind(" ", begin + 1, place)
        cut = space if space > 0 else place
        yield Row(start + begin, paragraph[begin:cut])
        begin = cut + (paragraph[cut] == " ")
    yield Row(start + begin, paragraph[begin:])
