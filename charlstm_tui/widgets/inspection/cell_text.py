"""A text tinted by one cell's activation at each character: one colour for low values, another for high values.

Or by what each character before the cursor did to the probability of the next one: one colour if it lowered it, another
if it raised it.
"""

from typing import TYPE_CHECKING, ClassVar

from textual import events

from charlstm_tui.widgets.inspection.stretch_pane import StretchPane

if TYPE_CHECKING:
    from charlstm_tui.jobs.attribution import Method

LEGEND = "this cell's value: underlined high, italic low"
LEGENDS: dict["Method", str] = {
    "gradient": "underlined: more of it raises p; italic: more lowers p",
    "without": "underlined raised its probability, italic lowered it",
}
"""Legend of the tints by what mattered, for each method."""
_PLAIN, _DIM = 2, 5  # levels of a character: no value yet, or a small one; and no value at all


class CellText(StretchPane):
    """Shows a text tinted by the activation of one cell."""

    DEFAULT_CSS = """
    CellText {
        & > .stream-pane--0 { color: $foreground; background: $success-muted; text-style: italic; }
        & > .stream-pane--1 { color: $foreground; background: $success-muted 45%; }
        & > .stream-pane--2 { color: $foreground; background: transparent; }
        & > .stream-pane--3 { color: $foreground; background: $accent-muted 45%; }
        & > .stream-pane--4 { color: $foreground; background: $accent-muted; text-style: underline; }
        & > .stream-pane--5 { color: $text-muted; }
        &:ansi {
            & > .stream-pane--0 { color: ansi_black; background: ansi_green; }
            & > .stream-pane--1 { color: ansi_green; background: ansi_default; }
            & > .stream-pane--2 { color: ansi_default; background: ansi_default; }
            & > .stream-pane--3 { color: ansi_yellow; background: ansi_default; }
            & > .stream-pane--4 { color: ansi_black; background: ansi_yellow; }
            & > .stream-pane--5 { color: ansi_default; text-style: dim; }
        }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"stream-pane--5"}
    _attributes = False  # whether the tints hold for the cursor's present place only
    _legend = LEGENDS["without"]

    def tint(self, levels: bytes) -> None:
        """Tint the characters by the cell's value."""
        self._attributes = False
        super().tint(levels)
        self._tell()

    def tint_attribution(self, begin: int = 0, levels: bytes = b"", *, legend: str = "") -> None:
        """Tint the characters from `begin` to the cursor by `levels`; without levels, none is tinted.

        A `legend` replaces the present one.

        The characters without a value, after the cursor and before `begin`, are dim.
        """
        end = min(self.cursor + 1, self._length)
        levels = levels or bytes([_PLAIN]) * (end - begin)
        super().tint(bytes([_DIM]) * begin + levels + bytes([_DIM]) * (self._length - end))
        self._attributes, self._legend = True, legend or self._legend
        self._tell()

    def watch_cursor(self) -> None:
        """Remove the tints that hold for the cursor's earlier place, before anything is drawn."""
        if self._attributes:
            self.tint_attribution()
        super().watch_cursor()

    def on_resize(self, event: events.Resize) -> None:
        """Show the legend of the tints if there is room."""
        super().on_resize(event)
        event.prevent_default()
        self._tell()

    def _tell(self) -> None:
        legend = self.stretch_note or (self._legend if self._attributes else LEGEND)
        self.border_subtitle = legend if self._length and self.size.width >= len(legend) + 6 else ""
