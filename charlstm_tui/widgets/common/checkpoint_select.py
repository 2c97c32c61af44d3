"""A list to choose a model from: the runs with a checkpoint, newest first, and the bundled model."""

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
"""Start of a speech in a play, in the format of the known texts; the escapes are as typed."""


class CheckpointSelect(Select[Path]):
    """Chooses the folder of a run, or the file of the bundled model. `refresh_runs` updates the list.

    A new run is chosen automatically, unless `none` is given: the text shown while no model is chosen.
    """

    def __init__(self, store: RunStore, *, id: str | None = None, none: str = "") -> None:  # noqa: A002 (Textual's own)
        super().__init__([], prompt=none or "no run yet", compact=True, id=id)
        self._store = store
        self._allows_none = bool(none)
        self._shown: list[tuple[Content, Path]] = []

    @property
    def checkpoint_path(self) -> Path:
        """The best checkpoint of the chosen run, or the file of the bundled model.

        Raises:
            UserError: no model is chosen.
        """
        return self.checkpoint("best")

    def checkpoint(self, which: str) -> Path:
        """Return the `best` or the `last` checkpoint of the chosen run, or the file of the bundled model.

        Raises:
            UserError: no model is chosen.
        """
        if self.selection is None:
            raise UserError("There is no model yet. Train one first: F2.")
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
        """A prompt for the chosen model, with escapes: the run's sample prompt, or a speaker's name for a play."""
        if self.selection is None:
            return ""
        if self.selection == bundled_model.shipped_path():
            return SPEAKER
        with contextlib.suppress(UserError):
            config = self._store.get(self.selection.name).config()
            return with_escapes(config.training.sample_prompt) or (SPEAKER if config.corpus.source in KNOWN else "")
        return ""

    def refresh_runs(self) -> None:
        """Update the list of models. Choose the newest run if it is new, unless no model may be chosen."""
        options = []
        for run in self._store.all():
            if run.checkpoint_path.exists():
                with contextlib.suppress(UserError):  # a damaged run cannot be used
                    summary = summarise(run)
                    epochs = count_of(summary.epochs, "epoch")
                    options.append((Content(in_one_line(f"{run.name} · {summary.corpus} · {epochs}")), run.path))
        if (model := bundled_model.shipped_path()) is not None:
            options.append((Content(f"{bundled_model.NAME} · shipped"), model))
        if options == self._shown:
            return
        paths = [path for _, path in options]
        new = bool(paths) and paths[0] not in [path for _, path in self._shown] and paths[0] != model
        chosen = self.selection
        self._shown = options
        self.set_options(options)
        if chosen in paths and (self._allows_none or not new):
            self.value = chosen
        elif options and not self._allows_none:
            self.value = paths[0]

    def choose(self, name: str) -> None:
        """Choose a run by its name, if it has a checkpoint."""
        self.refresh_runs()
        path = self._store.root / name
        if path in [known for _, known in self._shown]:
            self.value = path
