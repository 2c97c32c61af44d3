"""A list of keys and what each does, in two columns.

One widget: as a list in Markdown, each key had four, and a help page took a third longer to appear.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from charlstm_tui.formatting.lesson_text import marked, wrapped

GAP = 2
"""Cells between the columns."""


class KeyList(Widget):
    """Shows keys as they are displayed, each with a description in which `names` are set off."""

    DEFAULT_CSS: ClassVar[str] = "KeyList { height: auto; margin: 0 0 0 2; }"

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.rows = tuple(rows)
        self._indent = max((cell_len(key) for key, _ in rows), default=0) + GAP

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines for a width in cells."""
        return self._lines(width).plain.count("\n") + 1

    def on_resize(self) -> None:
        """Break the lines for the new width."""
        self.refresh()

    def render(self) -> Content:
        """Return the lines for the present width."""
        return self._lines(self.content_size.width)

    def _lines(self, width: int) -> Content:
        lines = []
        for key, does in self.rows:
            first, *further = wrapped(marked(does), width - self._indent).split("\n")
            space = " " * (self._indent - cell_len(key))
            lines.append(Content.assemble((key, "bold $accent"), space, first))
            lines += [Content.assemble(" " * self._indent, line) for line in further]
        return Content("\n").join(lines)
