"""A training run kept as it goes: what it says, and checkpoints as they are due.

Nothing that happens to the disk ends the training. What cannot be written is said once, kept, and tried again; what is
there already stays whole.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.control import Control
from core.events import (
    CheckpointSaved,
    EpochCompleted,
    Event,
    Paused,
    RunFinished,
    RunStarted,
    SavingFailed,
    StepsCompleted,
    ValidationProgressed,
    to_json,
)
from core.files import replace_with
from core.runs.checkpoint_writer import RETRY_SECONDS, Saved, Saver
from core.runs.store import Run, RunConfig
from core.runs.summary import epochs_of

if TYPE_CHECKING:
    from core.checkpoints.training_state import Snapshot
    from core.training.trainer import Trainer

AUTOSAVE_SECONDS = 30.0
"""As much training may be lost when a process is killed."""
BETWEEN_REPORTS = 0.15
"""Seconds, at most, in which there is no occasion to save: a report's and a step's."""


def record(
    run: Run, trainer: "Trainer", control: Control | None = None, *, autosave: float = AUTOSAVE_SECONDS
) -> Iterator[Event]:
    """Run the trainer, pass on what it says, and keep it in the run's folder.

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
    """Writes what a trainer says."""

    def __init__(self, run: Run, config: RunConfig, trainer: "Trainer", autosave: float) -> None:
        self._run = run
        self._config = config
        self._trainer = trainer
        self._autosave = autosave
        self._put: Snapshot | None = None  # the newest one that is not in the folder yet, and when it was taken
        self._hurried = False
        self._put_at = self._kept_at = time.monotonic()  # and when the one was taken that is in the folder
        self._write_seconds = 0.0
        self._metrics = _Metrics(run)
        self._trouble: dict[str, str] = {}  # what cannot be written now, and why
        for leftover in run.path.glob(".*.tmp"):  # of a process that was killed amid a save: nobody else is here
            with contextlib.suppress(OSError):
                leftover.unlink()
        self._saver = Saver(self._write)

    def take(self, event: Event) -> Iterator[Event]:
        """Keep what is to be kept of an event, and pass it on with what there is to say of the keeping."""
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
                self._saver.close()
                yield from self._heard(ending=True)
                event = self._finish(event)
            case _:
                self._metrics.append(event)
        if not isinstance(event, EpochCompleted):
            yield event
        yield from self._heard(ending=isinstance(event, RunFinished))

    def close(self) -> None:
        """Write what is still waiting."""
        self._saver.close()

    def _note_start(self, event: RunStarted) -> None:
        known = {epoch.epoch for epoch in epochs_of(self._run.events())}
        self._metrics.append(msgspec.structs.replace(event, history=()))
        for epoch in event.history:  # this one knows what a full disk did not take, or what another folder has
            if epoch.epoch not in known:
                self._metrics.append(epoch)

    def _is_due(self) -> bool:
        """Tell whether to save now, for the file to be in place before an interval is over since the one there."""
        now = time.monotonic()
        early = min(self._write_seconds + BETWEEN_REPORTS, self._autosave / 2)
        if self._put is not None and self._hurried:  # it will be there in a moment, or there is trouble
            return now - self._put_at >= self._autosave
        return now - self._kept_at >= self._autosave - early

    def _keep(self, *kinds: Saved, hurry: bool = False) -> None:
        self._put, self._hurried = self._trainer.snapshot(), hurry
        for kind in kinds:
            self._saver.put(kind, self._put, hurry=hurry)
        self._put_at = time.monotonic()

    def _write(self, kind: Saved, snapshot: "Snapshot") -> None:
        """Write a checkpoint: in the saver's thread."""
        path = self._run.best_path if kind == "best" else self._run.last_path
        if not self._run.config_path.exists() and self._run.path.exists():  # the folder was taken away and put back
            config = msgspec.json.format(msgspec.json.encode(self._config)) + b"\n"
            replace_with(self._run.config_path, self._run.path / ".config.json.tmp", config)
        replace_with(path, path.with_name(f".{path.name}.tmp"), *snapshot.content(kind, self._config.preset))

    def _heard(self, *, ending: bool = False) -> Iterator[Event]:
        """Tell what came of the writing; at the end, `RunFinished` says what could not be written."""
        quiet = not self._trouble
        for kind, snapshot, seconds, trouble in self._saver.outcomes():
            path = self._run.best_path if kind == "best" else self._run.last_path
            if trouble:
                self._trouble[path.name] = trouble
                continue
            if kind == "last":
                self._kept_at, self._write_seconds = snapshot.taken_at, seconds
                self._put = None if snapshot is self._put else self._put
            self._trouble.pop(path.name, None)
            yield CheckpointSaved(kind=kind, epoch=snapshot.now.counters.epochs, path=str(path))
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


class _Metrics:
    """The lines of a run's metrics: opened for each, so that a folder that was taken away and put back is found."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[bytes] = []
        self._tried_at = 0.0
        self.trouble = ""
        """Why the last lines could not be written; empty if they were."""

    def append(self, event: Event) -> None:
        """Write an event, or keep it until it can be written."""
        self._waiting.append(to_json(event).encode() + b"\n")
        self.try_again()

    def try_again(self, *, now: bool = False) -> None:
        """Write what is waiting, unless the last try is too short ago."""
        if not self._waiting or (self.trouble and not now and time.monotonic() - self._tried_at < RETRY_SECONDS):
            return
        self._tried_at = time.monotonic()
        path = self._run.metrics_path
        try:
            torn = path.exists() and not _ends_a_line(path)
            with path.open("ab", buffering=0) as file:
                written = file.write((b"\n" if torn else b"") + b"".join(self._waiting))
            if written < len(b"".join(self._waiting)) + torn:
                raise OSError(28, "No space left on device")
        except OSError as error:
            self.trouble = error.strerror or str(error)
        else:
            self.trouble = ""
            self._waiting.clear()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"
