"""A choice among the models there are: the runs that have a checkpoint, newest first, and the shipped one."""

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
"""How a speech of a play begins, in the form of the texts that have a name."""


class CheckpointSelect(Select[Path]):
    """Chooses the folder of a run, or the shipped model's file. `refresh_runs` looks again; a new run is chosen.

    One that has words for choosing `none` leaves the choice to the user.
    """

    def __init__(self, store: RunStore, *, id: str | None = None, none: str = "") -> None:  # noqa: A002 (Textual's own)
        super().__init__([], prompt=none or "no run yet", compact=True, id=id)
        self._store = store
        self._leaves_it = bool(none)
        self._shown: list[tuple[Content, Path]] = []

    @property
    def checkpoint_path(self) -> Path:
        """The best checkpoint of the chosen run, or the shipped model's.

        Raises:
            UserError: there is none to choose.
        """
        return self.checkpoint("best")

    def checkpoint(self, which: str) -> Path:
        """Return the chosen run's checkpoint, the `best` or the `last` there is.

        Raises:
            UserError: there is none to choose.
        """
        if self.selection is None:
            raise UserError("There is no model yet. Train one first: F2.")
        if self.selection == bundled_model.shipped_path():
            return self.selection
        run = self._store.get(self.selection.name)
        return run.last_path if which == "last" and run.last_path.exists() else run.checkpoint_path

    @property
    def chosen_name(self) -> str:
        """What the chosen model is called; empty where none is."""
        if self.selection is None:
            return ""
        return bundled_model.NAME if self.selection == bundled_model.shipped_path() else self.selection.name

    @property
    def text_is_missing(self) -> bool:
        """Whether the chosen model learnt from Molière's plays, which were not fetched."""
        if self.selection is None or MOLIERE.here:
            return False
        if self.selection == bundled_model.shipped_path():
            return True
        with contextlib.suppress(UserError):
            return self._store.get(self.selection.name).config().corpus.source == MOLIERE.name
        return False

    @property
    def suggested_prompt(self) -> str:
        """A prompt, as typed, for the chosen model: a speaker's name for a play, or what its run was sampled from."""
        if self.selection is None:
            return ""
        if self.selection == bundled_model.shipped_path():
            return SPEAKER
        with contextlib.suppress(UserError):
            config = self._store.get(self.selection.name).config()
            return with_escapes(config.training.sample_prompt) or (SPEAKER if config.corpus.source in KNOWN else "")
        return ""

    def refresh_runs(self) -> None:
        """Look which runs there are now."""
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
        if chosen in paths and (self._leaves_it or not new):
            self.value = chosen
        elif options and not self._leaves_it:
            self.value = paths[0]

    def choose(self, name: str) -> None:
        """Choose a run by its name, if it has a checkpoint."""
        self.refresh_runs()
        path = self._store.root / name
        if path in [known for _, known in self._shown]:
            self.value = path
