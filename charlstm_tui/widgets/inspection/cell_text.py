"""A text tinted by one cell's activation at each character: one colour for low values, another for high values."""

from textual import events

from charlstm_tui.widgets.common.cursor_pane import CursorPane

LEGEND = "this cell's value: underlined high, italic low"


class CellText(CursorPane):
    """Shows a text tinted by the activation of one cell."""

    DEFAULT_CSS = """
    CellText {
        & > .stream-pane--0 { color: $foreground; background: $success-muted; text-style: italic; }
        & > .stream-pane--1 { color: $foreground; background: $success-muted 45%; }
        & > .stream-pane--2 { color: $foreground; }
        & > .stream-pane--3 { color: $foreground; background: $accent-muted 45%; }
        & > .stream-pane--4 { color: $foreground; background: $accent-muted; text-style: underline; }
        &:ansi {
            & > .stream-pane--0 { color: ansi_black; background: ansi_green; }
            & > .stream-pane--1 { color: ansi_green; background: ansi_default; }
            & > .stream-pane--3 { color: ansi_yellow; background: ansi_default; }
            & > .stream-pane--4 { color: ansi_black; background: ansi_yellow; }
        }
    }
    """

    def on_resize(self, event: events.Resize) -> None:
        """Show the legend of the tints if there is room."""
        super().on_resize(event)
        event.prevent_default()
        self._tell()

    def _tell(self) -> None:
        self.border_subtitle = LEGEND if self._length and self.size.width >= len(LEGEND) + 6 else ""
