"""The state of the training run, as screens show it: an immutable value, replaced after each batch of events."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from charlstm_tui.state.job_events import Doing, Earlier, TextRead
from charlstm_tui.state.loss_curve import Curve, Point
from core.events import (
    CheckpointSaved,
    Diverged,
    EpochCompleted,
    Paused,
    RateHalved,
    Resumed,
    RunFinished,
    RunStarted,
    SampleDrawn,
    SavingFailed,
    StepsCompleted,
    ValidationProgressed,
)
from core.reports.diagnosis import Verdict, judge
from core.runs.run import RunConfig

MAX_SAMPLES = 400
"""Samples that are kept; when there are more, every second one is dropped."""

Phase = Literal["idle", "preparing", "training", "paused", "stopping", "finished", "stopped", "failed"]

_FIRST_SAMPLE, _FIRST_STEP = "drawing a first sample", "taking the first steps"

_GLYPHS: dict[Phase, str] = {
    "idle": "○",
    "preparing": "◌",
    "training": "●",
    "paused": "‖",
    "stopping": "◌",
    "finished": "✓",
    "stopped": "■",
    "failed": "✗",
}


class TrainingView(Struct, frozen=True, kw_only=True):
    """A training run as a screen shows it."""

    phase: Phase = "idle"
    doing: str = "no run"
    """The phase in words."""
    config: RunConfig | None = None
    started: RunStarted | None = None
    steps: StepsCompleted | None = None
    epochs: tuple[EpochCompleted, ...] = ()
    curve: Curve = Curve()
    """The training loss against steps."""
    samples: tuple[SampleDrawn, ...] = ()
    """The model's samples, the first one from before the first step."""
    validating: float | None = None
    """The share of the validation part that was read, once an epoch's steps are done."""
    baselines: Any = None
    """What n-grams achieve on the same text, a `Baselines`, once that was counted."""
    finished: RunFinished | None = None
    trouble: str = ""
    """What cannot be saved at present, in words."""
    notice: str = ""
    """Something that happened on the way, in words."""
    error: str = ""

    @property
    def alive(self) -> bool:
        """Whether a run is under way."""
        return self.phase in ("preparing", "training", "paused", "stopping")

    @property
    def can_go_on(self) -> bool:
        """Whether this is a run that was stopped, and can be resumed."""
        return self.phase == "stopped" and self.finished is not None and self.finished.last_checkpoint is not None

    @property
    def can_have_more(self) -> bool:
        """Whether this is a run that is finished, and can be given more epochs."""
        return self.phase == "finished" and self.finished is not None and self.finished.last_checkpoint is not None

    @property
    def status(self) -> str:
        """The phase as a glyph and words."""
        return f"{_GLYPHS[self.phase]} {self.doing}"

    @property
    def state(self) -> str:
        """The phase, and the epoch under way."""
        if self.phase == "training" and self.started and self.steps:
            return f"{self.status} {self.steps.epoch}/{self.started.epochs}"
        return self.status

    @property
    def headline(self) -> str:
        """The run in a few words: its text, its phase, its epoch."""
        return f"{self.config.corpus.name} · {self.state}" if self.config is not None else self.state

    @property
    def best(self) -> EpochCompleted | None:
        """The epoch whose checkpoint is kept as the best."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    @property
    def verdict(self) -> Verdict:
        """What the losses of the run's epochs mean."""
        return judge(self.epochs, self.started.vocabulary if self.started is not None else 0)

    @property
    def done(self) -> float:
        """The share of the run's steps that are taken, 0 to 1."""
        if self.started is None or self.steps is None:
            return 0.0
        by_steps = (self.steps.epoch - 1 + self.steps.step / self.steps.steps) / self.started.epochs
        seconds = self.config.training.seconds if self.config is not None else 0.0
        return max(by_steps, min(self.steps.elapsed_seconds / seconds, 1.0)) if seconds else by_steps

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end at the average speed so far; None while that is unknown."""
        if self.steps is None or self.steps.elapsed_seconds < 1 or not self.done:
            return None
        return self.steps.elapsed_seconds * (1 - self.done) / self.done

    def beside(self, baselines: object) -> "TrainingView":
        """Return this view once it is known what n-grams achieve."""
        return msgspec.structs.replace(self, baselines=baselines)

    def stopping(self) -> "TrainingView":
        """Return this view once the run was told to stop."""
        return msgspec.structs.replace(self, phase="stopping", doing="stopping") if self.alive else self

    def failed(self, error: str) -> "TrainingView":
        """Return this view after the run failed."""
        return msgspec.structs.replace(self, phase="failed", doing="failed", error=error)

    def ended(self) -> "TrainingView":
        """Return this view after the last event: a run that was stopped before it began is no run."""
        return TrainingView() if self.alive else self

    def after(self, events: Iterable[object]) -> "TrainingView":
        """Return this view once these events have come."""
        changes: dict[str, object] = {}
        epochs, samples, points = list[EpochCompleted](), list[SampleDrawn](), list[Point]()
        phase: Phase = self.phase
        doing = self.doing
        for event in events:
            match event:
                case Doing(what=what) if phase != "stopping":
                    doing = what
                case TextRead(corpus=corpus) if self.config is not None:
                    changes["config"] = msgspec.structs.replace(self.config, corpus=corpus)
                case Earlier():
                    samples.extend(event.samples)
                case RunStarted() | Resumed():
                    if isinstance(event, RunStarted):
                        changes["started"] = event
                        epochs.extend(event.history)
                        points.extend(_points_of(event.history))
                    if phase != "stopping":
                        phase, doing = "training", _beginning(event, self.config)
                case Paused() if phase != "stopping":
                    phase, doing = "paused", "paused"
                case StepsCompleted():
                    changes["steps"], changes["validating"] = event, None
                    doing = "training" if doing in (_FIRST_SAMPLE, _FIRST_STEP) else doing
                    points.append(Point(event.total_steps, event.recent_loss))
                case ValidationProgressed(done=done):
                    changes["validating"] = done
                case EpochCompleted():
                    changes["validating"] = None
                    epochs.append(event)
                case SampleDrawn():
                    samples.append(event)
                    doing = _FIRST_STEP if doing == _FIRST_SAMPLE else doing
                case RateHalved():
                    changes["notice"] = event.advice
                case Diverged():
                    changes["error"] = event.advice
                case SavingFailed():
                    changes["trouble"] = event.advice
                case CheckpointSaved(kind="last"):
                    changes["trouble"] = ""
                case RunFinished(reason=reason):
                    changes["finished"] = event
                    phase, doing = reason, f"{reason}, saved" if event.last_checkpoint else reason
                    if event.unsaved:
                        doing, changes["error"] = f"{reason}, not saved", event.unsaved
        return msgspec.structs.replace(
            self,
            phase=phase,
            doing=doing,
            epochs=(*self.epochs, *epochs) if epochs else self.epochs,
            samples=_kept((*self.samples, *samples)) if samples else self.samples,
            curve=self.curve.with_points(points) if points else self.curve,
            **changes,
        )


def _beginning(event: RunStarted | Resumed, config: RunConfig | None) -> str:
    """Return what a run does first after its network is built: on a busy machine each takes seconds."""
    if isinstance(event, Resumed):
        return "training"
    samples = config is not None and config.training.sample_length > 0
    return _FIRST_SAMPLE if samples and not event.elapsed_seconds else _FIRST_STEP


def _points_of(epochs: Iterable[EpochCompleted]) -> list[Point]:
    """Return a curve of epochs whose steps are not recorded: a point in the middle of each."""
    points, before = [], 0
    for epoch in epochs:
        if epoch.total_steps:
            points.append(Point((before + epoch.total_steps) / 2, epoch.train_loss))
            before = epoch.total_steps
    return points


def _kept(samples: tuple[SampleDrawn, ...]) -> tuple[SampleDrawn, ...]:
    """Return the samples to keep: the first, the last, and some between."""
    return samples if len(samples) <= MAX_SAMPLES else (*samples[:-1:2], samples[-1])


def is_training(app: object) -> bool:
    """Tell whether an app trains a run now, which needs the CPU more than other screens do."""
    training = getattr(app, "training", None)
    return isinstance(training, TrainingView) and training.phase == "training"
