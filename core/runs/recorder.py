"""Recording a training run: its events, and checkpoints at regular times.

Disk errors do not end the training. A failed write is reported once and tried again; files that were already written
stay intact.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
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
from core.runs.step_rows import StepRows
from core.runs.summary import epochs_of

AUTOSAVE_SECONDS = 30.0
"""Maximum number of seconds of training that are lost when the process is killed."""
BETWEEN_REPORTS = 0.15
"""Maximum number of seconds between two events at which a checkpoint can be saved: a report and a step."""


class RecordedTrainer(Protocol):
    """Interface of a trainer that can be recorded."""

    @property
    def best_epoch(self) -> int:
        """Epoch of the best model that an earlier process saved; 0 if there is none."""

    def run(self, control: Control | None = None) -> Iterator[Event]:
        """Train, yielding events."""

    def snapshot(self) -> Savable:
        """Return a copy of the run's current state."""


class Listener(Protocol):
    """Takes the events of a run as they are recorded, for example for a dashboard. It must not raise an error."""

    def take(self, event: Event) -> Iterator[Event]:
        """Handle an event. Yields further events to report, such as `SavingFailed`, which come before it."""


def record(
    run: Run,
    trainer: RecordedTrainer,
    control: Control | None = None,
    *,
    autosave: float = AUTOSAVE_SECONDS,
    listeners: Sequence[Listener] = (),
) -> Iterator[Event]:
    """Run the trainer, yield its events, and record them in the run's folder; the listeners take each event too.

    Raises:
        UserError: another process trains this run, or its folder cannot be written to at the start.
    """
    with run.locked():
        recorder = _Recorder(run, run.config(), trainer, autosave)
        try:
            for event in trainer.run(control):
                for recorded in recorder.take(event):
                    for listener in listeners:
                        yield from listener.take(recorded)
                    yield recorded
        finally:
            recorder.close()


class _Recorder:
    """Writes a trainer's events and checkpoints."""

    def __init__(self, run: Run, config: RunConfig, trainer: RecordedTrainer, autosave: float) -> None:
        self._run = run
        self._config = config
        self._trainer = trainer
        self._autosave = autosave
        self._unwritten: Savable | None = None  # newest snapshot that is not in the folder yet
        self._hurried = False
        self._taken_at = self._saved_at = time.monotonic()  # when that one was taken, and the one in the folder
        self._write_seconds = 0.0
        self._metrics, self._steps = MetricsLog(run.metrics_path), MetricsLog(run.steps_path)
        self._rows = StepRows()
        self._failures: dict[str, str] = {}  # reason of the last failed write, by file name
        for leftover in run.path.glob(".*.tmp"):  # from a process killed during a save; the lock is ours
            with contextlib.suppress(OSError):
                leftover.unlink()
        self._writer = CheckpointWriter(self._write)

    def take(self, event: Event) -> Iterator[Event]:
        """Record an event and yield it, followed by events on checkpoints that were saved or could not be saved."""
        if (row := self._rows.take(event)) is not None:
            self._steps.append(row)
        match event:
            case RunStarted():
                event = msgspec.structs.replace(event, run=self._run.name)
                self._note_start(event)
            case EpochCompleted(best=best, epoch=epoch, val_loss=val_loss):
                self._metrics.append(event)
                yield event
                best = best and (val_loss is not None or epoch > self._trainer.best_epoch)
                self._save(*(("best", "last") if best else ("last",)))
            case StepsCompleted() | ValidationProgressed():
                if self._is_due():
                    self._save("last", hurry=True)
                self._metrics.try_again()
                self._steps.try_again()
            case Paused():  # the user may switch the machine off during a pause
                self._save("last")
                self._metrics.append(event)
            case RunFinished(reason=reason):
                if reason == "stopped":
                    self._save("last")
                self._writer.close()
                yield from self._report_saves(ending=True)
                event = self._finish(event)
            case _:
                self._metrics.append(event)
        if not isinstance(event, EpochCompleted):
            yield event
        yield from self._report_saves(ending=isinstance(event, RunFinished))

    def close(self) -> None:
        """Write the snapshots that are still waiting."""
        self._writer.close()

    def _note_start(self, event: RunStarted) -> None:
        known = {epoch.epoch for epoch in epochs_of(self._run.events())}
        self._metrics.append(msgspec.structs.replace(event, history=()))
        for epoch in event.history:  # epochs that a full disk lost, or that another folder has
            if epoch.epoch not in known:
                self._metrics.append(epoch)

    def _is_due(self) -> bool:
        """Return whether to save now, so that the file is never older than `autosave` seconds, the write included."""
        now = time.monotonic()
        early = min(self._write_seconds + BETWEEN_REPORTS, self._autosave / 2)
        if self._unwritten is not None and self._hurried:  # its write is under way, or failed
            return now - self._taken_at >= self._autosave
        return now - self._saved_at >= self._autosave - early

    def _save(self, *kinds: SavedKind, hurry: bool = False) -> None:
        self._unwritten, self._hurried = self._trainer.snapshot(), hurry
        for kind in kinds:
            self._writer.put(kind, self._unwritten, hurry=hurry)
        self._taken_at = time.monotonic()

    def _write(self, kind: SavedKind, snapshot: Savable) -> None:
        """Write a checkpoint. Called in the writer's thread."""
        path = self._run.best_path if kind == "best" else self._run.last_path
        if not self._run.config_path.exists() and self._run.path.exists():  # the folder was removed and made again
            config = msgspec.json.format(msgspec.json.encode(self._config)) + b"\n"
            replace_with(self._run.config_path, self._run.path / ".config.json.tmp", config)
        replace_with(path, path.with_name(f".{path.name}.tmp"), *snapshot.content(kind, self._config.preset))

    def _report_saves(self, *, ending: bool = False) -> Iterator[Event]:
        """Yield an event for each saved checkpoint, and one if saving fails; at the end, `RunFinished` reports that."""
        all_was_well = not self._failures
        for kind, snapshot, seconds, failure in self._writer.outcomes():
            path = self._run.best_path if kind == "best" else self._run.last_path
            if failure:
                self._failures[path.name] = failure
                continue
            if kind == "last":
                self._saved_at, self._write_seconds = snapshot.taken_at, seconds
                self._unwritten = None if snapshot is self._unwritten else self._unwritten
            self._failures.pop(path.name, None)
            yield CheckpointSaved(kind=kind, epoch=snapshot.epochs, path=str(path))
        for log in (self._metrics, self._steps):
            self._failures.pop(log.path.name, None)
            if log.failure:
                self._failures[log.path.name] = log.failure
        if all_was_well and self._failures and not ending:
            why = next(iter(self._failures.values()))
            yield SavingFailed(path=str(self._run.path), why=why, again_after=RETRY_SECONDS)

    def _finish(self, event: RunFinished) -> RunFinished:
        best, last = (str(path) if path.exists() else None for path in (self._run.best_path, self._run.last_path))
        event = msgspec.structs.replace(
            event, run=self._run.name, best_checkpoint=best, last_checkpoint=last, unsaved=self._unsaved()
        )
        self._metrics.append(event)
        self._metrics.try_again(now=True)
        self._steps.try_again(now=True)
        if self._metrics.failure or self._steps.failure:
            return msgspec.structs.replace(event, unsaved=self._unsaved())
        return event

    def _unsaved(self) -> str:
        for log in (self._metrics, self._steps):
            if log.failure:
                self._failures[log.path.name] = log.failure
        if not self._failures:
            return ""
        names, why = ", ".join(sorted(self._failures)), next(iter(self._failures.values()))
        return f"Not written in {self._run.path} ({why}): {names}."
