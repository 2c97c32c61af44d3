"""A text pane with a cursor that the keys and the mouse move."""

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
    """Shows a text, each character tinted by its level, with a cursor. Posts `Moved` when the cursor moves."""

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
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("up", "move_rows(-1)", show=False),
        Binding("down", "move_rows(1)", show=False),
        Binding("pageup", "move_pages(-1)", show=False),
        Binding("pagedown", "move_pages(1)", show=False),
        Binding("home", "move_to(0)", show=False),
        Binding("end", "move_to(-1)", show=False),
    ]

    cursor: reactive[int] = reactive(0)
    """Index of the character under the cursor."""

    class Moved(Message):
        """The cursor moved to the character with the index `place`."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, hint: str = "", *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(hint, id=id)
        self.tinted = True

    def show_text(self, text: str, levels: bytes, *, cursor: int = 0) -> None:
        """Show a text from its beginning, with the cursor at an index. `levels` holds a byte, 0 to 4, per character."""
        self.begin("")
        self.following = False
        self.append(text.replace("\t", SIGNS["\t"]), levels)
        self.scroll_home(animate=False)
        self.set_reactive(CursorPane.cursor, self.validate_cursor(cursor))
        self._move(self.cursor)
        self._tell()

    def tint(self, levels: bytes) -> None:
        """Replace the levels, one byte per character."""
        self._levels[:] = levels
        self._strips.clear()
        self.refresh()

    def validate_cursor(self, place: int) -> int:
        """Limit the index to the text."""
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
        """Draw a row, with the cursor if it is in that row."""
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
        """Move by a number of characters."""
        self.cursor += by

    def action_move_rows(self, by: int) -> None:
        """Move by a number of rows, in the same column."""
        row = self._row_of(self.cursor)
        column = cell_len(self._rows[row][1][: self.cursor - self._rows[row][0]])
        wanted = min(max(row + by, 0), len(self._rows) - 1)
        self.cursor = self._place_of(Offset(column, wanted))

    def action_move_pages(self, by: int) -> None:
        """Move by a number of pages, each one row less than the pane's height."""
        self.action_move_rows(by * max(self.scrollable_content_region.height - 1, 1))

    def action_move_to(self, place: int) -> None:
        """Move to an index; -1 is the last character."""
        self.cursor = place if place >= 0 else self._length - 1

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the character under the mouse."""
        if self._length and (offset := event.get_content_offset(self)) is not None:
            self.cursor = self._place_of(Offset(offset.x, offset.y + round(self.scroll_offset.y)))
