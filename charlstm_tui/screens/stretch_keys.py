"""Key actions of Inspect that choose a stretch of its text, and that show where else the same cells are on."""

from typing import TYPE_CHECKING

from charlstm_tui.jobs.occurrences import Subject
from charlstm_tui.screens.base import ModeScreen
from charlstm_tui.widgets.inspection.activations_view import ActivationsView
from charlstm_tui.widgets.inspection.cell_text import CellText

if TYPE_CHECKING:
    from charlstm_tui.jobs.inspection import Seen


class StretchKeys(ModeScreen):
    """A screen with the activations of a text. The subclass keeps `_seen` up to date and binds the keys."""

    _seen: "Seen | None"

    def action_mark(self) -> None:
        """Mark the character at the cursor as one end of a stretch, or remove the mark."""
        text = self.query_one(CellText)
        text.focus()
        text.mark()

    def action_where_else(self) -> None:
        """Show where else the cells are on that are on in the stretch or, without one, in the word at the cursor."""
        from charlstm_tui.screens.occurrences import OccurrencesScreen

        view, seen = self.query_one(ActivationsView), self._seen
        if seen is None or view.activations is None:
            return
        begin, end = self.query_one(CellText).stretch_or_word
        self.app.push_screen(OccurrencesScreen(Subject(
            name=seen.what.name, checkpoint=seen.checkpoint, activations=view.activations, begin=begin, end=end,
            layer=view.layer_number, symbol=view.symbol,
        )))  # fmt: skip

    @property
    def can_mark(self) -> bool:
        """Whether there is a text with its activations; in a flat window it is not shown in a pane of its own."""
        return self._seen is not None and self.query_one(CellText).display
