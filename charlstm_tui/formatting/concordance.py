"""A place of a text in one line, with the characters around it: places in a list are below each other."""

from rich.cells import cell_len
from textual.content import Content

from charlstm_tui.formatting.characters import drawn, in_a_row, shorten_middle

FOUND = "bold underline $accent"
"""Style of the stretch; its column, and the underline, show it without colours."""


def in_context(before: str, stretch: str, after: str, width: int) -> Content:
    """Return a line of `width` cells in which a stretch begins at the same column whatever is before it.

    Args:
        before: the text before the stretch.
        stretch: the stretch; if it is longer than half of the line, its middle is cut.
        after: the text after it.
        width: number of cells.
    """
    before, stretch, after = (drawn(in_a_row(part)) for part in (before, stretch, after))
    stretch = shorten_middle(stretch, max(width // 2, 1))
    room = max(width - cell_len(stretch), 0)
    left, right = room // 2, room - room // 2
    before = before[-left:] if left else ""
    while cell_len(before) > left:
        before = before[1:]
    after = after[:right]
    while cell_len(after) > right:
        after = after[:-1]
    return Content.assemble(
        " " * (left - cell_len(before)), (before, "$text-muted"), (stretch, FOUND), (after, "$text-muted")
    )
