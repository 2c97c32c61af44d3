"""Key actions of Inspect that open the screens Memory and Silence, and show the cell that was chosen in Memory."""

from typing import TYPE_CHECKING

from charlstm_tui.screens.stretch_keys import StretchKeys
from charlstm_tui.state.found_cell import FoundCell
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.inspection.activations_view import ActivationsView
from core.runs.store import RunStore

if TYPE_CHECKING:
    from charlstm_tui.jobs.inspection import Activations


class CellLinks(StretchKeys):
    """A screen with a box for the model and the activations of a text. The subclass reads texts and binds the keys."""

    _store: RunStore
    _wanted: FoundCell | None = None
    """The cell to show once its model has read a text."""

    def action_memory(self) -> None:
        """Open the screen that measures how far back models remember."""
        from charlstm_tui.screens.memory import MemoryScreen

        chosen = self.query_one(CheckpointSelect).chosen_name
        self.app.push_screen(MemoryScreen(self._store, chosen), self._show_found)

    def action_silence(self) -> None:
        """Open the screen that silences cells, beginning with the selected one."""
        from charlstm_tui.screens.silencing import SilencingScreen

        if self._seen is not None:
            self.app.push_screen(SilencingScreen.of(self._seen, self.query_one(ActivationsView)))

    def action_read(self) -> None:
        """Let the chosen model read the typed text."""
        raise NotImplementedError

    def _offer(self, activations: "Activations") -> None:
        """Show the present choices of the view in the boxes."""
        raise NotImplementedError

    def _show_found(self, found: FoundCell | None) -> None:
        """Show a cell of the present text; if that was read by another model, let the cell's model read a text."""
        if found is None:
            return
        self._wanted = found
        if self._seen is not None and self._seen.what.path == found.path:
            self._show_wanted()
            self._offer(self._seen.activations)
        else:
            self.query_one(CheckpointSelect).choose_model(found.model)
            self.action_read()

    def _show_wanted(self) -> None:
        """Select the wanted cell if the text on screen was read by its model."""
        if self._wanted is not None and self._seen is not None and self._seen.what.path == self._wanted.path:
            self.query_one(ActivationsView).go_to_cell(self._wanted.layer, self._wanted.cell)
            self._wanted = None
