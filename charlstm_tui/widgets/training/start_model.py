"""The line of the form that chooses what a run starts from: random weights, or the weights of a model."""

from pathlib import Path

from msgspec import structs
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Label, Select

from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from core.errors import UserError
from core.runs import bundled_model
from core.runs.origin import origin_of
from core.runs.run import Origin, Run
from core.runs.store import RunStore
from core.settings.config import ModelConfig

RANDOM = "random weights"
"""What a run starts from, unless a model is chosen."""


class StartModel(Horizontal):
    """Chooses the model that a run starts from. Sends `Changed` when the user has chosen another one."""

    DEFAULT_CSS = """
    StartModel { & > CheckpointSelect { width: 1fr; max-width: 44; } }
    """

    class Changed(Message):
        """Another model was chosen, or random weights."""

    def __init__(self, store: RunStore, origin: Origin | None, model: ModelConfig) -> None:
        super().__init__(classes="line")
        self.origin = origin
        """The chosen model; None for random weights."""
        self.model = model
        """Its network; of no meaning for random weights."""
        self._store = store

    def compose(self) -> ComposeResult:
        """Lay out the label and the list of models."""
        yield Label("start from")
        yield CheckpointSelect(self._store, id="start-model", none=RANDOM)

    def on_mount(self) -> None:
        """Show the model of the remembered settings."""
        self.show(self.origin, self.model)

    def show(self, origin: Origin | None, model: ModelConfig) -> None:
        """Show a model, or None for random weights, without a message."""
        self.origin, self.model = origin, model
        with self.prevent(Select.Changed):
            if origin is None:
                self._select.clear()
                return
            path = Path(origin.path)
            run = Run(path.parent)
            is_best_of_run = path == run.best_path and self._store.has(run.name)
            self._select.choose_place(run.path if is_best_of_run else path, origin.name)

    def choose_bundled_model(self) -> None:
        """Choose the bundled model, if there is one."""
        self._select.choose_model(bundled_model.NAME)

    def look_again(self) -> None:
        """Read the chosen model's description again: its run may have been trained since it was chosen.

        Raises:
            UserError: the model is gone, or its network is another one.
        """
        if self.origin is None:
            return
        origin, model = origin_of(self._store, self.origin.path, keeps_vocabulary=self.origin.keeps_vocabulary)
        if model != self.model:
            raise UserError(f"{self.origin.name} has another network now. Choose the model to start from again.")
        self.origin = structs.replace(origin, name=self.origin.name)

    @property
    def _select(self) -> CheckpointSelect:
        return self.query_one(CheckpointSelect)

    @on(events.DescendantFocus)
    def _list_models(self) -> None:
        with self.prevent(Select.Changed):
            self._select.refresh_runs()

    @on(Select.Changed)
    def _take_model(self, event: Select.Changed) -> None:
        event.stop()
        chosen, before = self._select.selection, self.origin
        if chosen is None:
            self.origin = None
        else:
            try:
                self.origin, self.model = origin_of(self._store, str(chosen))
            except UserError as error:
                self.app.notify(str(error), severity="error")
                self.show(before, self.model)
                return
        if self.origin != before:
            self.post_message(self.Changed())
