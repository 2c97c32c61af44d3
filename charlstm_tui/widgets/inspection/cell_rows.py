"""Rows of cells below a heading, one row under the cursor: what the lists of cells of a layer have in common."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget


class CellRows(Widget, can_focus=True):
    """Scrolls rows, and moves the cursor by keys and by the mouse wheel. A subclass draws the rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", show=False, id="cells.up"),
        Binding("down", "choose(1)", show=False, id="cells.down"),
        Binding("pageup", "choose_page(-1)", show=False, id="cells.page-up"),
        Binding("pagedown", "choose_page(1)", show=False, id="cells.page-down"),
        Binding("home", "choose(-100_000)", show=False, id="cells.first"),
        Binding("end", "choose(100_000)", show=False, id="cells.last"),
    ]

    _top = 0  # rank of the cell in the first row

    @property
    def _shown_rows(self) -> int:
        """Number of rows that fit below the heading."""
        return max(self.content_size.height - 1, 1)

    def _scroll_to_row(self, rank: int, count: int) -> None:
        """Scroll so that the row of this rank is visible, and no row is empty while others are hidden."""
        if not self._top <= rank < self._top + self._shown_rows:
            self._top = max(rank - self._shown_rows // 2, 0)
        self._top = max(min(self._top, count - self._shown_rows), 0)

    def action_choose(self, by: int) -> None:
        """Move the cursor by rows."""
        raise NotImplementedError

    def action_choose_page(self, by: int) -> None:
        """Move the cursor by pages."""
        self.action_choose(by * self._shown_rows)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move the cursor to the next cell."""
        self.action_choose(1)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move the cursor to the previous cell."""
        self.action_choose(-1)
        event.stop()
