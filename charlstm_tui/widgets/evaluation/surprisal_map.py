"""A text as a heat map of surprisal: the less expected a character, the warmer its colour. A cursor selects one."""

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from charlstm_tui.formatting.characters import fitting
from charlstm_tui.formatting.surprisal import LEVELS, legend
from charlstm_tui.widgets.common.cursor_pane import CursorPane

if TYPE_CHECKING:
    from charlstm_tui.jobs.evaluation import Surprisals

_KEYS = ("arrows move, n and p find the next and previous surprise", "n, p: next and previous surprise")


class SurprisalMap(CursorPane):
    """Shows a text coloured by the surprisal of each character, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "find(1)", "Next surprise", show=False, id="surprises.next"),
        Binding("N,p", "find(-1)", "Previous surprise", show=False, id="surprises.previous"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._surprisals: Surprisals | None = None

    def show(self, surprisals: "Surprisals") -> None:
        """Show a text from its beginning."""
        self._surprisals = surprisals
        self.show_text(surprisals.text, surprisals.levels(LEVELS))

    def _tell(self) -> None:
        self.border_title = legend(self.size.width - 6).markup if self._length else ""
        self.border_subtitle = fitting(self.size.width - 4, *_KEYS) if self._length else ""

    def action_find(self, direction: int) -> None:
        """Move to the next (1) or the previous (-1) character at the highest level of surprisal."""
        if self._surprisals is None:
            return
        place = self._surprisals.next_above(LEVELS[-1], self.cursor, backwards=direction < 0)
        if place is not None:
            self.cursor = place
