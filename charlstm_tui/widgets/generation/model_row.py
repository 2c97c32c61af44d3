"""The row in which the model is chosen: a run, and its best or its last epoch."""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label, Select

from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from core.runs.store import RunStore


class ModelRow(Horizontal):
    """A list of the models, and a list of the epochs that are saved."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(classes="row")
        self._store = store

    def compose(self) -> ComposeResult:
        """Lay out the lists."""
        epochs = [("best epoch", "best"), ("last epoch", "last")]
        yield Label("model")
        yield CheckpointSelect(self._store, id="model")
        yield Select(epochs, value="best", allow_blank=False, compact=True, id="which")

    @property
    def path(self) -> Path:
        """Path of the chosen checkpoint.

        Raises:
            UserError: there is none.
        """
        return self.query_one(CheckpointSelect).checkpoint(str(self.query_one("#which", Select).value))
