"""Records a training run while it is trained: its events, and checkpoints as they are due.

Nothing that happens to the disk ends the training. What cannot be written is reported once, kept, and tried again; what
is there already stays whole.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

import msgspec

from core.control import Control
from core.events import (
    CheckpointSaved,
    EpochCompleted,
    Event,
    Paused,
    RunFinished,
    RunStarted,
    SavedKind,
    SavingFailed,
    StepsCompleted,
    ValidationProgressed,
)
from core.files import replace_with
from core.runs.checkpoint_writer import RETRY_SECONDS, CheckpointWriter, Savable
from core.runs.metrics_log import MetricsLog
from core.runs.run import Run, RunConfig
from core.runs.summary import epochs_of

AUTOSAVE_SECONDS = 30.0
"""So many seconds of training are lost, at most, when a process is killed."""
BETWEEN_REPORTS = 0.15
"""Seconds, at most, between two events at which a checkpoint can be saved: a report and a step."""


class RecordedTrainer(Protocol):
    """What a recorder needs of a trainer."""

    @property
    def best_epoch(self) -> int:
        """The epoch of the best model that an earlier process saved; 0 where there is none."""

    def run(self, control: Control | None = None) -> Iterator[Event]:
        """Train, yielding events."""

    def snapshot(self) -> Savable:
        """Return the run as it stands."""


def record(
    run: Run, trainer: RecordedTrainer, control: Control | None = None, *, autosave: float = AUTOSAVE_SECONDS
) -> Iterator[Event]:
    """Run the trainer, pass its events on, and record them in the run's folder.

    Raises:
        UserError: another process trains this run, or nothing can be written there from the start.
    """
    with run.locked():
        recorder = _Recorder(run, run.config(), trainer, autosave)
        try:
            for event in trainer.run(control):
                yield from recorder.take(event)
        finally:
            recorder.close()


class _Recorder:
    """Writes a trainer's events and checkpoints."""

    def __init__(self, run: Run, config: RunConfig, trainer: RecordedTrainer, autosave: float) -> None:
        self._run = run
        self._config = config
        self._trainer = trainer
        self._autosave = autosave
        self._put: Savable | None = None  # the newest snapshot that is not in the folder yet
        self._hurried = False
        self._put_at = self._kept_at = time.monotonic()  # when each was taken: that one, and the one in the folder
        self._write_seconds = 0.0
        self._metrics = MetricsLog(run.metrics_path)
        self._trouble: dict[str, str] = {}  # what cannot be written now, and why
        for leftover in run.path.glob(".*.tmp"):  # of a process that was killed amid a save: nobody else is here
            with contextlib.suppress(OSError):
                leftover.unlink()
        self._writer = CheckpointWriter(self._write)

    def take(self, event: Event) -> Iterator[Event]:
        """Record an event, and yield it, with events of its own where something was saved or could not be."""
        match event:
            case RunStarted():
                event = msgspec.structs.replace(event, run=self._run.name)
                self._note_start(event)
            case EpochCompleted(best=best, epoch=epoch, val_loss=val_loss):
                self._metrics.append(event)
                yield event
                best = best and (val_loss is not None or epoch > self._trainer.best_epoch)
                self._keep(*(("best", "last") if best else ("last",)))
            case StepsCompleted() | ValidationProgressed():
                if self._is_due():
                    self._keep("last", hurry=True)
                self._metrics.try_again()
            case Paused():  # who pauses may close the lid
                self._keep("last")
                self._metrics.append(event)
            case RunFinished(reason=reason):
                if reason == "stopped":
                    self._keep("last")
                self._writer.close()
                yield from self._heard(ending=True)
                event = self._finish(event)
            case _:
                self._metrics.append(event)
        if not isinstance(event, EpochCompleted):
            yield event
        yield from self._heard(ending=isinstance(event, RunFinished))

    def close(self) -> None:
        """Write what is still waiting."""
        self._writer.close()

    def _note_start(self, event: RunStarted) -> None:
        known = {epoch.epoch for epoch in epochs_of(self._run.events())}
        self._metrics.append(msgspec.structs.replace(event, history=()))
        for epoch in event.history:  # it has epochs that a full disk did not take, or that another folder has
            if epoch.epoch not in known:
                self._metrics.append(epoch)

    def _is_due(self) -> bool:
        """Tell whether to save now, so that a file is never older than an interval, the time to write it included."""
        now = time.monotonic()
        early = min(self._write_seconds + BETWEEN_REPORTS, self._autosave / 2)
        if self._put is not None and self._hurried:  # it will be there in a moment, or there is trouble
            return now - self._put_at >= self._autosave
        return now - self._kept_at >= self._autosave - early

    def _keep(self, *kinds: SavedKind, hurry: bool = False) -> None:
        self._put, self._hurried = self._trainer.snapshot(), hurry
        for kind in kinds:
            self._writer.put(kind, self._put, hurry=hurry)
        self._put_at = time.monotonic()

    def _write(self, kind: SavedKind, snapshot: Savable) -> None:
        """Write a checkpoint: in the writer's thread."""
        path = self._run.best_path if kind == "best" else self._run.last_path
        if not self._run.config_path.exists() and self._run.path.exists():  # the folder was taken away and put back
            config = msgspec.json.format(msgspec.json.encode(self._config)) + b"\n"
            replace_with(self._run.config_path, self._run.path / ".config.json.tmp", config)
        replace_with(path, path.with_name(f".{path.name}.tmp"), *snapshot.content(kind, self._config.preset))

    def _heard(self, *, ending: bool = False) -> Iterator[Event]:
        """Yield an event for each checkpoint saved, and one if saving fails; at the end `RunFinished` tells instead."""
        quiet = not self._trouble
        for kind, snapshot, seconds, trouble in self._writer.outcomes():
            path = self._run.best_path if kind == "best" else self._run.last_path
            if trouble:
                self._trouble[path.name] = trouble
                continue
            if kind == "last":
                self._kept_at, self._write_seconds = snapshot.taken_at, seconds
                self._put = None if snapshot is self._put else self._put
            self._trouble.pop(path.name, None)
            yield CheckpointSaved(kind=kind, epoch=snapshot.epochs, path=str(path))
        self._trouble.pop(self._run.metrics_path.name, None)
        if self._metrics.trouble:
            self._trouble[self._run.metrics_path.name] = self._metrics.trouble
        if quiet and self._trouble and not ending:
            why = next(iter(self._trouble.values()))
            yield SavingFailed(path=str(self._run.path), why=why, again_after=RETRY_SECONDS)

    def _finish(self, event: RunFinished) -> RunFinished:
        best, last = (str(path) if path.exists() else None for path in (self._run.best_path, self._run.last_path))
        event = msgspec.structs.replace(
            event, run=self._run.name, best_checkpoint=best, last_checkpoint=last, unsaved=self._unsaved()
        )
        self._metrics.append(event)
        self._metrics.try_again(now=True)
        yet = self._metrics.trouble
        return msgspec.structs.replace(event, unsaved=self._unsaved()) if yet else event

    def _unsaved(self) -> str:
        if self._metrics.trouble:
            self._trouble[self._run.metrics_path.name] = self._metrics.trouble
        if not self._trouble:
            return ""
        names, why = ", ".join(sorted(self._trouble)), next(iter(self._trouble.values()))
        return f"Not written in {self._run.path} ({why}): {names}."
