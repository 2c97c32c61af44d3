"""A text as a heat map: each character the warmer, the less the model expected it, and a cursor to ask about one."""

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from charlstm_tui.widgets.cursor_pane import CursorPane
from charlstm_tui.widgets.stream_pane import LEVELS

if TYPE_CHECKING:
    from core.surprises import Surprises

_LEGEND = "arrows move, n and p go to the next and the last surprise"


class SurpriseMap(CursorPane):
    """Shows what a model made of a text."""

    DEFAULT_CSS = """
    SurpriseMap {
        & > .stream-pane--0 { color: $foreground; }
        & > .stream-pane--1 { color: $foreground; background: $warning-muted 45%; }
        & > .stream-pane--2 { color: $foreground; background: $warning-muted; }
        & > .stream-pane--3 { color: $foreground; background: $error-muted; }
        & > .stream-pane--4 { color: $foreground; background: $error-muted; text-style: bold underline; }
        &:ansi {  /* sixteen colours, which cannot be mixed, and whose brightness nobody knows */
            & > .stream-pane--1 { color: ansi_yellow; background: ansi_default; }
            & > .stream-pane--2 { color: ansi_black; background: ansi_yellow; }
            & > .stream-pane--3, & > .stream-pane--4 { color: ansi_black; background: ansi_red; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "find(1)", "Next surprise", show=False),
        Binding("N,p", "find(-1)", "Last surprise", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._surprises: Surprises | None = None

    def show(self, surprises: "Surprises") -> None:
        """Show a text from its beginning."""
        self._surprises = surprises
        self.show_text(surprises.text, surprises.levels(LEVELS))

    def _tell(self) -> None:
        self.border_subtitle = _LEGEND if self._length else ""

    def action_find(self, direction: int) -> None:
        """Move to the next place, or the last one before, that the model was surprised at most."""
        if self._surprises is None:
            return
        place = self._surprises.next_above(LEVELS[-1], self.cursor, backwards=direction < 0)
        if place is not None:
            self.cursor = place
