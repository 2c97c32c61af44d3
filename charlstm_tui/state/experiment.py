"""An experiment as its screen shows it: the trials, those in progress, and what was found."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from charlstm_tui.state.job_events import Doing
from core.experiments.experiment import Experiment
from core.experiments.findings import Findings
from core.experiments.results import TrialResult
from core.experiments.trial_events import TrialEnded, TrialEpoch, TrialProgressed, TrialStarted, WorkerFailed
from core.text import count_of

Phase = Literal["idle", "preparing", "running", "stopping", "stopped", "finished", "failed"]


class TrialsRead(Struct, frozen=True, kw_only=True):
    """The state of an experiment in its storage."""

    experiment: Experiment
    trials: tuple[TrialResult, ...]
    findings: Findings
    """What the finished trials say. The job computes it: with thousands of trials it takes a quarter of a second."""
    importances: dict[str, float] = {}
    used_seconds: float = 0.0
    """Seconds that the experiment has taken on this machine."""


class WorkersStarted(Struct, frozen=True, kw_only=True):
    """The workers of an experiment were started."""

    workers: int
    threads: int
    """Number of threads of each worker."""


class ExperimentView(Struct, frozen=True, kw_only=True):
    """Everything that the Experiments screen shows."""

    phase: Phase = "idle"
    doing: str = ""
    """What is being prepared."""
    read: TrialsRead | None = None
    workers: WorkersStarted | None = None
    in_progress: dict[int, float] = {}
    """Share that is done of each trial in progress, by number."""
    epochs: dict[int, dict[int, float]] = {}
    """Validation losses of the trials in progress, by number and epoch."""
    began_with: float = 0.0
    """Number of runs that were over when this session began, in parts of a run."""
    began_used: float = 0.0
    """Seconds that were used before this session."""
    error: str = ""

    @property
    def alive(self) -> bool:
        """Whether workers train, or are about to, or are being stopped."""
        return self.phase in ("preparing", "running", "stopping")

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """The trials that were begun, best first; those without an epoch last."""
        if self.read is None:
            return ()
        current = [self._with_news(trial) for trial in self.read.trials]
        return tuple(
            sorted(current, key=lambda trial: (trial.best_so_far is None, trial.best_so_far or 0.0, trial.number))
        )

    @property
    def begun(self) -> int:
        """Number of trials that were begun."""
        return len(self.read.trials) if self.read is not None else 0

    @property
    def findings(self) -> Findings | None:
        """What was found so far; None before the trials were read."""
        return self.read.findings if self.read is not None else None

    @property
    def over(self) -> int:
        """Number of trials that are over."""
        return sum(trial.is_over for trial in self.read.trials) if self.read is not None else 0

    @property
    def done(self) -> float:
        """Number of runs that are done, in parts of a run."""
        return self.over + sum(self.in_progress.values())

    @property
    def share(self) -> float:
        """Share of the experiment that is done, 0 to 1."""
        return min(self.done / self.read.experiment.runs, 1.0) if self.read is not None else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds left, from the speed of this session; None before enough is done to tell."""
        if self.read is None or self.phase != "running" or self.done - self.began_with < 0.05:
            return None
        speed = (self.done - self.began_with) / max(self.read.used_seconds - self.began_used, 0.001)
        left = (self.read.experiment.runs - self.done) / speed
        limit = self.read.experiment.seconds
        return min(left, max(0.0, limit - self.read.used_seconds)) if limit else left

    @property
    def state(self) -> str:
        """The state in a few words, for the top line."""
        if self.read is None:
            return self.doing or "no experiment"
        done = f"{self.over} of {count_of(self.read.experiment.runs, 'run')}"
        return f"{self.phase}, {done}" if self.phase != "idle" else done

    def after(self, items: Iterable[object]) -> "ExperimentView":
        """Return the view after some items of the job."""
        view = self
        for item in items:
            view = view._after(item)
        return view

    def _after(self, item: object) -> "ExperimentView":
        replace = msgspec.structs.replace
        match item:
            case Doing(what=what):
                return replace(self, doing=what)
            case TrialsRead():
                return replace(self, read=item)
            case WorkersStarted():
                used = self.read.used_seconds if self.read is not None else 0.0
                return replace(self, phase="running", doing="", workers=item, began_with=self.done, began_used=used)
            case TrialStarted(trial=number):
                return replace(self, in_progress={**self.in_progress, number: 0.0})
            case TrialProgressed(trial=number, done=done):
                return replace(self, in_progress={**self.in_progress, number: done})
            case TrialEpoch(trial=number, epoch=epoch, val_loss=loss):
                losses = {**self.epochs.get(number, {}), epoch: loss}
                return replace(self, epochs={**self.epochs, number: losses})
            case TrialEnded(trial=number, unsaved=unsaved):
                left = {other: done for other, done in self.in_progress.items() if other != number}
                return replace(self, in_progress=left, error=unsaved or self.error)
            case WorkerFailed(why=why):
                return replace(self, error=why)
        return self

    def stopping(self) -> "ExperimentView":
        """Return the view after the workers were asked to stop."""
        return msgspec.structs.replace(self, phase="stopping") if self.alive else self

    def ended(self, error: str = "") -> "ExperimentView":
        """Return the view after the job has ended."""
        error = error or self.error
        is_over = self.read is not None and self.over >= self.read.experiment.runs
        phase: Phase = "failed" if error else "finished" if is_over else "stopped"
        return msgspec.structs.replace(self, phase=phase, doing="", error=error, in_progress={}, epochs={})

    def _with_news(self, trial: TrialResult) -> TrialResult:
        """Return a trial with the losses that its worker has reported since the trials were read."""
        news = self.epochs.get(trial.number)
        if trial.is_over or not news:
            return trial
        return msgspec.structs.replace(trial, losses={**trial.losses, **news})
