"""A choice among the models there are: the runs that have a checkpoint, newest first."""

from pathlib import Path

from textual.content import Content
from textual.widgets import Select

from core.errors import UserError
from core.runs import RunStore, summarise
from core.text import sanitise


class ModelSelect(Select[Path]):
    """Chooses the folder of a run. `refresh_runs` looks again; a run that is new is chosen."""

    def __init__(self, store: RunStore, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__([], prompt="no run yet", compact=True, id=id)
        self._store = store
        self._known: list[Path] = []

    @property
    def checkpoint_path(self) -> Path:
        """The checkpoint of the chosen run.

        Raises:
            UserError: there is none to choose.
        """
        if self.selection is None:
            raise UserError("There is no model yet. Train one first: F2.")
        return self._store.get(self.selection.name).checkpoint_path

    def refresh_runs(self) -> None:
        """Look which runs there are now."""
        runs = [run for run in self._store.all() if run.checkpoint_path.exists()]
        paths = [run.path for run in runs]
        if paths == self._known:
            return
        options = []
        for run in runs:
            try:
                summary = summarise(run)
            except UserError:
                continue
            options.append((Content(sanitise(f"{run.name} · {summary.corpus} · {summary.epochs} epochs")), run.path))
        new = bool(paths) and paths[0] not in self._known
        chosen = self.selection
        self._known = paths
        self.set_options(options)
        if options:
            self.value = options[0][1] if new or chosen not in paths else chosen
