"""A box that chooses a model: the runs that have a checkpoint, newest first, and the bundled model."""

import contextlib
from pathlib import Path

from textual.content import Content
from textual.widgets import Select

from core.data.known_texts import KNOWN, MOLIERE
from core.errors import UserError
from core.runs import bundled_model
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.text import count_of, in_one_line, with_escapes

SPEAKER = r"HARPAGON.\n\n"
"""The beginning of a speech, in the format of the known plays."""


class CheckpointSelect(Select[Path]):
    """Select box whose value is the folder of a run, or the bundled model's file. A new run is chosen when it appears.

    If a text for `none` is given, nothing is chosen without the user.
    """

    def __init__(self, store: RunStore, *, id: str | None = None, none: str = "") -> None:  # noqa: A002 (Textual's own)
        super().__init__([], prompt=none or "no run yet", compact=True, id=id)
        self._store = store
        self._allows_none = bool(none)
        self._shown: list[tuple[Content, Path]] = []

    @property
    def checkpoint_path(self) -> Path:
        """The best checkpoint of the chosen run, or the bundled model's.

        Raises:
            UserError: there is no model to choose.
        """
        return self.checkpoint("best")

    def checkpoint(self, which: str) -> Path:
        """Return the chosen run's checkpoint, `best` or `last`; the best one if there is no last one.

        Raises:
            UserError: there is no model to choose.
        """
        if self.selection is None:
            raise UserError("Choose a model." if self._shown else "There is no model yet. Train one first: F2.")
        if self.selection == bundled_model.shipped_path():
            return self.selection
        run = self._store.get(self.selection.name)
        return run.last_path if which == "last" and run.last_path.exists() else run.checkpoint_path

    @property
    def chosen_name(self) -> str:
        """Name of the chosen model; empty if none is chosen."""
        if self.selection is None:
            return ""
        return bundled_model.NAME if self.selection == bundled_model.shipped_path() else self.selection.name

    @property
    def text_is_missing(self) -> bool:
        """Whether the chosen model was trained on Molière's plays and these are not downloaded."""
        if self.selection is None or MOLIERE.here:
            return False
        if self.selection == bundled_model.shipped_path():
            return True
        with contextlib.suppress(UserError):
            return self._store.get(self.selection.name).config().corpus.source == MOLIERE.name
        return False

    @property
    def suggested_prompt(self) -> str:
        """Prompt for the chosen model, with escapes: a speaker's name, or the prompt of the run's samples."""
        if self.selection is None:
            return ""
        if self.selection == bundled_model.shipped_path():
            return SPEAKER
        with contextlib.suppress(UserError):
            config = self._store.get(self.selection.name).config()
            return with_escapes(config.training.sample_prompt) or (SPEAKER if config.corpus.source in KNOWN else "")
        return ""

    def refresh_runs(self) -> None:
        """Refresh the list of runs."""
        options = [(Content(line), place) for line, _, place in models_in(self._store)]
        model = bundled_model.shipped_path()
        if options == self._shown:
            return
        paths = [path for _, path in options]
        new = bool(paths) and paths[0] not in [path for _, path in self._shown] and paths[0] != model
        chosen = self.selection
        self._shown = options
        if options and not self._allows_none:
            self.prompt = "choose a model"
        self.set_options(options)
        if chosen in paths and (self._allows_none or not new):
            self.value = chosen
        elif options and not self._allows_none:
            self.value = paths[0]

    def choose_place(self, place: Path, name: str) -> None:
        """Choose a model by its place, which need not be in the list."""
        self.refresh_runs()
        if place not in [known for _, known in self._shown]:
            self._shown.append((Content(in_one_line(name)), place))
            self.set_options(self._shown)
        self.value = place

    def choose(self, name: str) -> None:
        """Choose a run by its name, if it has a checkpoint."""
        self.refresh_runs()
        path = self._store.root / name
        if path in [known for _, known in self._shown]:
            self.value = path

    def choose_model(self, name: str) -> None:
        """Choose a model by its name: a run, or the bundled model."""
        shipped = bundled_model.shipped_path()
        if name == bundled_model.NAME and shipped is not None:
            self.refresh_runs()
            self.value = shipped
        else:
            self.choose(name)


def models_in(store: RunStore) -> list[tuple[str, str, Path]]:
    """Return a line, the name and the place of each model: the folder of a run, or the bundled model's file."""
    models = []
    for run in store.all():
        if run.checkpoint_path.exists():
            with contextlib.suppress(UserError):  # a damaged run cannot be used
                summary = summarise(run)
                epochs = "imported" if summary.state == "imported" else count_of(summary.epochs, "epoch")
                models.append((in_one_line(f"{run.name} · {summary.corpus} · {epochs}"), run.name, run.path))
    if (path := bundled_model.shipped_path()) is not None:
        models.append((f"{bundled_model.NAME} · bundled", bundled_model.NAME, path))
    return models
