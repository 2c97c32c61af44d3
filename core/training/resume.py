"""Resuming a run: reading it, and checking that its settings, state and text fit together."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from core.checkpoints.file_format import DamagedCheckpointError, opened
from core.checkpoints.training_state import Snapshot, TrainingState, load_snapshot
from core.data.corpus import Corpus, CorpusConfig
from core.data.text_files import changes_between
from core.errors import UserError
from core.model.device import ComputeSettings, works_here
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of, outcome
from core.settings.config import configure
from core.text import count_of, in_one_line, shortened
from core.training.process_group import ProcessGroup
from core.training.starting_model import start_of
from core.training.trainer import Trainer

_OF_THE_MACHINE = ("device", "precision", "threads")


@dataclass(frozen=True)
class Resumption:
    """A run that is ready to be resumed."""

    run: Run | None
    """Run in the store; None if a file is resumed as a new run."""
    config: RunConfig
    snapshot: Snapshot | None
    """State to continue from; None if the run was interrupted before its first save, so that it starts again."""
    compute: ComputeSettings | None
    """Device, precision and threads used before; None if this machine lacks them or the user changes them."""

    def trainer(
        self, corpus: Corpus, compute: ComputeSettings | None = None, group: ProcessGroup | None = None
    ) -> Trainer:
        """Return a trainer that continues the run, on `compute` or by default on what was used before.

        Raises:
            UserError: the corpus is not the one that the run was trained on, or a run without a state began with a
                model that is missing or has changed.
        """
        known = self.config.corpus.sha256
        if known and corpus.text.sha256 != known:
            raise UserError(
                f"{corpus.config.shown} is not the text that the run was trained on"
                f"{changes_between(self.config.corpus.files, corpus.config.files)}. Give that text with --corpus, or "
                "start a new run."
            )
        config = self.config
        start = start_of(config, corpus) if self.snapshot is None else None
        return Trainer(
            corpus, config.model, config.training, compute or self.compute, self.snapshot, group, start=start
        )

    def begin(self, store: RunStore, name: str | None = None) -> Run:
        """Write the new settings and return the run, which is created if a file is resumed as a new one.

        Raises:
            UserError: the run cannot be written.
        """
        if self.run is None:
            return store.create(self.config, name)
        if self.run.config() != self.config:
            self.run.rewrite(self.config)
        return self.run


def run_of(store: RunStore, named: str) -> Run | None:
    """Return the run that `named` refers to, by name, folder or last checkpoint; None for a file elsewhere.

    Raises:
        UserError: there is no run and no file of this name.
    """
    if store.has(named.rstrip("/")):
        return store.get(named.rstrip("/"))
    if (run := store.run_in(named)) is not None:
        return run
    path = store.checkpoint_path(named)
    run = Run(path.absolute().parent)
    return run if path.name == run.last_path.name and run.config_path.is_file() else None


def resume(
    store: RunStore,
    named: str,
    run: Run | None,
    changes: Mapping[str, object],
    corpus: Sequence[str] = (),
    *,
    skip_unreadable: bool = False,
) -> Resumption:
    """Read a run to be resumed, and change its settings.

    Args:
        store: the folder of the runs.
        named: name of a run, or path of a checkpoint.
        run: the result of `run_of(store, named)`; the caller holds its lock.
        changes: training settings to change, such as the number of epochs or the device.
        corpus: new paths of the text, if it has moved.
        skip_unreadable: pass over files that cannot be read, which may have been added since.

    Raises:
        UserError: the checkpoint is damaged or belongs to another run, the run is already finished, or the text
            no longer exists.
    """
    path = run.last_path if run is not None else store.checkpoint_path(named)
    if run is not None:
        _check_that_it_can_resume(run)
    snapshot = load_snapshot(path) if run is None or path.exists() else None
    config = run.config() if run is not None else _config_of(path, snapshot)
    if "epochs" in changes and "seconds" not in changes:
        changes = {**changes, "seconds": 0.0}  # a run by time continues by epochs
    config = msgspec.structs.replace(config, training=configure(config.training, changes))
    if corpus:
        config = msgspec.structs.replace(config, corpus=config.corpus.at(CorpusConfig.typed(corpus)))
    if skip_unreadable:
        config = msgspec.structs.replace(config, corpus=msgspec.structs.replace(config.corpus, skip_unreadable=True))
    if snapshot is not None:
        snapshot = _with_best_of(run, snapshot)
        _check_that_something_is_left(run.name if run is not None else path.name, config, snapshot)
    _check_that_the_text_is_there(named, config.corpus)
    free = not any(name in changes for name in _OF_THE_MACHINE)
    compute = snapshot.compute if snapshot is not None and free and works_here(snapshot.compute) else None
    return Resumption(run, config, snapshot, compute)


def _check_that_the_text_is_there(named: str, corpus: CorpusConfig) -> None:
    """Raise a `UserError` if the text no longer exists, which explains how to give its new path."""
    path = corpus.missing
    if path is not None:
        every = " Give all its files and folders, each with --corpus." if corpus.more_sources else ""
        raise UserError(
            f"The text of {in_one_line(named)} is no longer at {shortened(path)}. If it was moved, give its new "
            f"path: charlstm-tui train --resume {in_one_line(named)} --corpus FILE.{every}"
        )


def _check_that_it_can_resume(run: Run) -> None:
    """Raise a `UserError` if the run failed or was imported, or if its last checkpoint is missing.

    A run that was interrupted before its first save has no checkpoint and no completed epoch. It may start again.
    """
    if run.config().is_imported:
        raise UserError(
            f"{run.name} was imported, so it has no training state to resume. `charlstm-tui train --from {run.name}` "
            "trains it further."
        )
    events = run.events()
    ended = outcome(events)
    if ended is not None and ended.reason == "failed":
        raise UserError(f"{run.name} failed: its loss diverged. Start a new run with a lower learning rate.")
    if run.last_path.exists() or not (run.best_path.exists() or epochs_of(events)):
        return
    model = " Its best model can still be evaluated and used to generate." if run.best_path.exists() else ""
    raise UserError(
        f"{run.name} cannot be resumed: {run.last_path.name}, which holds the state of its training, is missing. "
        f"Put the file back, or start a new run.{model}"
    )


def _with_best_of(run: Run | None, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the validation loss of the best checkpoint, so that no worse model replaces it.

    If the run's folder has no best checkpoint, or a damaged one, the next epoch is the best.

    Raises:
        UserError: the best checkpoint cannot be read now, or belongs to another run.
    """
    best: float | None = None
    best_epoch = 0
    if run is not None and run.best_path.exists():
        with contextlib.suppress(DamagedCheckpointError), opened(run.best_path) as file:
            best_epoch = file.header.epoch
            of_file, known = file.header.val_loss, snapshot.now.counters.best_val_loss
            best = min((loss for loss in (of_file, known) if loss is not None), default=None)

    def with_best(training_state: TrainingState) -> TrainingState:
        return TrainingState(
            msgspec.structs.replace(training_state.counters, best_val_loss=best), training_state.tensors
        )

    good = with_best(snapshot.good) if snapshot.good is not None else None
    return replace(snapshot, now=with_best(snapshot.now), good=good, best_epoch=best_epoch)


def _config_of(path: Path, snapshot: Snapshot | None) -> RunConfig:
    assert snapshot is not None
    preset = snapshot.preset or "resumed"
    return RunConfig(
        preset=preset,
        corpus=snapshot.corpus,
        model=snapshot.model,
        training=snapshot.training,
        origin=snapshot.origin,
    )


def _check_that_something_is_left(name: str, config: RunConfig, snapshot: Snapshot) -> None:
    """Raise a `UserError` if the run is finished, or has already trained longer than the settings allow."""
    done, training, before = snapshot.now.counters, config.training, snapshot.training
    extended = (training.epochs, training.seconds) != (before.epochs, before.seconds)
    if training.seconds:
        over = done.elapsed >= training.seconds or (
            not extended and snapshot.plan is not None and done.epochs >= snapshot.plan.epochs
        )
        had, more = f"{count_of(round(done.elapsed), 'second')} of training", "--seconds"
    else:
        over = done.epochs >= training.epochs
        had, more = count_of(done.epochs, "epoch"), "--epochs"
    impatient = not extended and 0 < training.patience <= done.without_better
    if over or impatient:
        why = (
            f", without an improvement in the last {count_of(done.without_better, 'epoch')}"
            if impatient and not over
            else ""
        )
        raise UserError(f"{name} is finished after {had}{why}. To train it further, give a larger {more}.")
