"""A text pane with a cursor in which a stretch of the text can be chosen."""

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.selection import Selection
from textual.strip import Strip

from charlstm_tui.widgets.common.cursor_pane import CursorPane
from core.text import count_of


class StretchPane(CursorPane):
    """Chooses a stretch with Shift and the arrow keys, with the mouse, or from a marked character to the cursor.

    The stretch is drawn in reverse video. It contains the characters at both of its ends.
    """

    DEFAULT_CSS = """
    StretchPane > .stretch-pane--stretch { text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"stretch-pane--stretch"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+left", "extend(-1)", "Extend the stretch to the left", show=False, id="stretch.left"),
        Binding("shift+right", "extend(1)", "Extend the stretch to the right", show=False, id="stretch.right"),
        Binding("shift+up", "extend_rows(-1)", "Extend the stretch by a row upwards", show=False, id="stretch.up"),
        Binding("shift+down", "extend_rows(1)", "Extend the stretch by a row downwards", show=False, id="stretch.down"),
    ]

    _anchor: int | None = None  # the end of the stretch that is not at the cursor; None without a stretch
    _is_marked = False  # whether every movement of the cursor extends the stretch
    _extends = False  # whether the present movement does

    @property
    def stretch(self) -> tuple[int, int] | None:
        """The first index of the chosen stretch and the index after its last character; None if none is chosen."""
        if self._anchor is None or not self._length:
            return None
        return min(self._anchor, self.cursor), max(self._anchor, self.cursor) + 1

    @property
    def stretch_or_word(self) -> tuple[int, int]:
        """The chosen stretch; without one, the word at the cursor, or the character there if that is no letter."""
        if self.stretch is not None:
            return self.stretch
        text, begin, end = self.text, self.cursor, self.cursor + 1
        if text[begin:end].isalpha():
            while begin > 0 and text[begin - 1].isalpha():
                begin -= 1
            while end < len(text) and text[end].isalpha():
                end += 1
        return begin, end

    @property
    def stretch_note(self) -> str:
        """A note for the frame: the length of the stretch, and what can be done with it; empty without a stretch."""
        if self.stretch is None:
            return ""
        begin, end = self.stretch
        return f"stretch of {count_of(end - begin, 'character')}: o shows where else"

    def mark(self) -> None:
        """Begin a stretch at the cursor, which every movement extends; a second call ends this, without a stretch."""
        self._is_marked = not self._is_marked
        self._anchor = self.cursor if self._is_marked else None
        self._show_stretch()

    def show_text(self, text: str, levels: bytes, *, cursor: int = 0) -> None:
        """Show a text without a stretch, with the cursor at the given index."""
        self._anchor, self._is_marked = None, False
        super().show_text(text, levels, cursor=cursor)

    def watch_cursor(self) -> None:
        """End the stretch, unless this movement extends it."""
        if not self._extends:
            self._release()
        super().watch_cursor()
        if self._is_marked:
            self._show_stretch()

    def action_move(self, by: int) -> None:
        """Move the cursor by characters."""
        self._release()
        super().action_move(by)

    def action_move_rows(self, by: int) -> None:
        """Move the cursor by rows."""
        if not self._extends:
            self._release()
        super().action_move_rows(by)

    def action_move_to(self, place: int) -> None:
        """Move the cursor to an index; -1 is the last character."""
        self._release()
        super().action_move_to(place)

    def action_extend(self, by: int) -> None:
        """Extend the stretch by characters."""
        self._extend_to(self.cursor + by)

    def action_extend_rows(self, by: int) -> None:
        """Extend the stretch by rows."""
        self._begin()
        self._extends = True
        super().action_move_rows(by)
        self._extends = False
        self._show_stretch()

    def _release(self) -> None:
        if not self._is_marked and self._anchor is not None:
            self._anchor = None
            self._show_stretch()

    def _begin(self) -> None:
        if self._anchor is None and self._length:
            self._anchor = self.cursor

    def _extend_to(self, place: int) -> None:
        self._begin()
        self._extends = True
        self.cursor = place
        self._extends = False
        self._show_stretch()

    def _show_stretch(self) -> None:
        """Draw the stretch, and update the note in the frame."""
        self.refresh()
        self._tell()

    def selection_updated(self, selection: Selection | None) -> None:
        """Choose what is selected with the mouse."""
        super().selection_updated(selection)
        if selection is None or not self._length:
            return
        begin = 0 if selection.start is None else self._place_of(selection.start)
        end = self._length if selection.end is None else self._place_of(selection.end)
        if begin < end:
            self._anchor, self._is_marked = begin, False
            self._extend_to(end - 1)

    def on_click(self, event: events.Click) -> None:
        """Keep the stretch that was selected with the mouse; any other click ends it and moves the cursor."""
        if self.text_selection is not None:
            event.prevent_default()
        else:
            self._release()

    def render_line(self, y: int) -> Strip:
        """Draw a row, with its part of the stretch."""
        strip = super().render_line(y)
        place = round(self.scroll_offset.y) + y
        if not self._length or place >= len(self._rows):
            return strip
        begin, end = self.stretch or (0, 0)
        start, text = self._rows[place]
        style = self.get_component_rich_style("stretch-pane--stretch", partial=True)
        for first, last in ((begin, min(end, self.cursor)), (max(begin, self.cursor + 1), end)):  # around the cursor
            left, right = (cell_len(text[: max(index - start, 0)]) for index in (first, last))
            if left < right:
                before, inside, after = strip.divide([left, right, max(strip.cell_length, right + 1)])
                strip = Strip.join([before, Strip(Segment.apply_style(inside, post_style=style)), after])
        return strip.apply_offsets(0, place)  # again, since the row was cut: the mouse selects by them
