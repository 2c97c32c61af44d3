"""The row in which the model is chosen: a run, and its best or its last epoch."""

import contextlib
from pathlib import Path

from msgspec import Struct
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Label, Select

from charlstm_tui.formatting.characters import shorten_middle
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from core.errors import UserError
from core.runs.store import RunStore

NAME_WIDTH = 18
"""Cells for the name of a model in a note."""


class ChosenModel(Struct, frozen=True):
    """A model as it was chosen."""

    name: str
    path: Path
    """Its checkpoint."""


class ModelRow(Horizontal):
    """A list of the models, and a list of the epochs that are saved."""

    DEFAULT_CSS = """
    ModelRow {
        & > #model { width: 1fr; max-width: 70; }
        & > #which { width: 16; margin-left: 1; }
    }
    """

    def __init__(self, store: RunStore, *, classes: str) -> None:
        super().__init__(classes=classes)
        self._store = store

    def compose(self) -> ComposeResult:
        """Lay out the lists."""
        epochs = [("best epoch", "best"), ("last epoch", "last")]
        yield Label("model")
        yield CheckpointSelect(self._store, id="model")
        yield Select(epochs, value="best", allow_blank=False, compact=True, id="which")

    @property
    def chosen(self) -> ChosenModel:
        """The chosen model.

        Raises:
            UserError: there is none.
        """
        models = self.query_one(CheckpointSelect)
        path = models.checkpoint(str(self.query_one("#which", Select).value))
        return ChosenModel(name=models.chosen_name, path=path)

    def note_on(self, author: ChosenModel | None) -> str:
        """Return the name of the model that generated or read the text on screen; "" if it is the chosen one."""
        with contextlib.suppress(UserError):
            if author is not None and self.chosen.path != author.path:
                name = shorten_middle(author.name, NAME_WIDTH)
                return f"its {author.path.stem} epoch" if self.chosen.name == author.name else name
        return ""
