"""A text pane with a cursor."""

from bisect import bisect_right
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from charlstm_tui.formatting.characters import SIGNS
from charlstm_tui.widgets.common.stream_pane import StreamPane

_LAST = "\U0010ffff"


class CursorPane(StreamPane):
    """Shows a text, each character tinted by its level, with a cursor; it posts `Moved` when the cursor moves."""

    DEFAULT_CSS = """
    CursorPane {
        & > .cursor-pane--cursor { color: $background; background: $foreground; text-style: bold; }
        &:ansi > .cursor-pane--cursor {
            color: ansi_default; background: ansi_default; text-style: bold reverse;
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"cursor-pane--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False, id="text-cursor.left"),
        Binding("right", "move(1)", show=False, id="text-cursor.right"),
        Binding("up", "move_rows(-1)", show=False, id="text-cursor.up"),
        Binding("down", "move_rows(1)", show=False, id="text-cursor.down"),
        Binding("pageup", "move_pages(-1)", show=False, id="text-cursor.page-up"),
        Binding("pagedown", "move_pages(1)", show=False, id="text-cursor.page-down"),
        Binding("home", "move_to(0)", show=False, id="text-cursor.first"),
        Binding("end", "move_to(-1)", show=False, id="text-cursor.last"),
    ]

    cursor: reactive[int] = reactive(0)
    """Index of the character under the cursor."""

    class Moved(Message):
        """The cursor moved to another character."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, hint: str = "", *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(hint, id=id)
        self.tinted = True

    def show_text(self, text: str, levels: bytes, *, cursor: int = 0) -> None:
        """Show a text, with the cursor at the given index."""
        self.begin("")
        self.following = False
        self.append(text.replace("\t", SIGNS["\t"]), levels)
        self.scroll_home(animate=False)
        self.set_reactive(CursorPane.cursor, self.validate_cursor(cursor))
        self._move(self.cursor)
        self._tell()

    def tint(self, levels: bytes) -> None:
        """Replace the levels of the characters."""
        self._levels[:] = levels
        self._strips.clear()
        self.refresh()

    def validate_cursor(self, place: int) -> int:
        """Keep the cursor within the text."""
        return min(max(place, 0), max(self._length - 1, 0))

    def watch_cursor(self) -> None:
        """Scroll to the cursor and post `Moved`."""
        self._move(self.cursor)

    def _move(self, place: int) -> None:
        if not self._length:
            return
        row = self._row_of(place)
        top, height = round(self.scroll_offset.y), max(self.scrollable_content_region.height, 1)
        if not top <= row < top + height:
            self.scroll_to(y=row - height // 2, animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Moved(place))

    def render_line(self, y: int) -> Strip:
        """Draw a row, with the cursor if it is in it."""
        strip = super().render_line(y)
        place = round(self.scroll_offset.y) + y
        if not self._length or place >= len(self._rows) or self._row_of(self.cursor) != place:
            return strip
        start, text = self._rows[place]
        cell = min(cell_len(text[: self.cursor - start]), strip.cell_length - 1)
        width = max(cell_len(text[self.cursor - start : self.cursor - start + 1]), 1)
        before, under, after = strip.divide([cell, cell + width, max(strip.cell_length, cell + width)])
        style = self.get_component_rich_style("cursor-pane--cursor")
        return Strip.join([before, Strip(Segment.apply_style(under, post_style=style), under.cell_length), after])

    def _row_of(self, place: int) -> int:
        return max(bisect_right(self._rows, (place, _LAST)) - 1, 0)

    def action_move(self, by: int) -> None:
        """Move the cursor by characters."""
        self.cursor += by

    def action_move_rows(self, by: int) -> None:
        """Move the cursor by rows, in the same column."""
        row = self._row_of(self.cursor)
        column = cell_len(self._rows[row][1][: self.cursor - self._rows[row][0]])
        wanted = min(max(row + by, 0), len(self._rows) - 1)
        self.cursor = self._place_of(Offset(column, wanted))

    def action_move_pages(self, by: int) -> None:
        """Move the cursor by the number of visible rows."""
        self.action_move_rows(by * max(self.scrollable_content_region.height - 1, 1))

    def action_move_to(self, place: int) -> None:
        """Move the cursor to an index; -1 is the last character."""
        self.cursor = place if place >= 0 else self._length - 1

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the character under the mouse."""
        if self._length and (offset := event.get_content_offset(self)) is not None:
            self.cursor = self._place_of(Offset(offset.x, offset.y + round(self.scroll_offset.y)))
