"""The training run as screens show it: an immutable value that is replaced after each batch of events."""

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
    ThreadsChanged,
    ValidationProgressed,
)
from core.reports.diagnosis import Verdict, judge
from core.runs.run import RunConfig

MAX_SAMPLES = 400
"""Most samples that are kept; when there are more, every second one is dropped."""

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
    """A training run as screens show it."""

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
    """Share of the validation part that was read, 0 to 1, after the steps of an epoch; otherwise None."""
    baselines: Any = None
    """The `Baselines` of n-grams on the same text, once they are counted."""
    finished: RunFinished | None = None
    trouble: str = ""
    """Message about a file that cannot be saved at present."""
    load: str = ""
    """Message about fewer threads, while other programs use the CPU, or about another number of processes."""
    notice: str = ""
    """Message about an event during the run, such as a halved learning rate."""
    error: str = ""

    @property
    def alive(self) -> bool:
        """Whether a run is in progress."""
        return self.phase in ("preparing", "training", "paused", "stopping")

    @property
    def can_go_on(self) -> bool:
        """Whether the run was stopped and can be resumed."""
        return self.phase == "stopped" and self.finished is not None and self.finished.last_checkpoint is not None

    @property
    def can_have_more(self) -> bool:
        """Whether the run is finished and can have more epochs."""
        return self.phase == "finished" and self.finished is not None and self.finished.last_checkpoint is not None

    @property
    def status(self) -> str:
        """The phase, as a glyph and in words."""
        return f"{_GLYPHS[self.phase]} {self.doing}"

    @property
    def state(self) -> str:
        """The phase and the current epoch."""
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
        """The diagnosis of the run, from the losses of its epochs."""
        return judge(self.epochs, self.started.vocabulary if self.started is not None else 0)

    @property
    def done(self) -> float:
        """Share of the run that is done, 0 to 1: by steps, or by time if that ends the run earlier."""
        if self.started is None or self.steps is None:
            return 0.0
        by_steps = (self.steps.epoch - 1 + self.steps.step / self.steps.steps) / self.started.epochs
        seconds = self.config.training.seconds if self.config is not None else 0.0
        return max(by_steps, min(self.steps.elapsed_seconds / seconds, 1.0)) if seconds else by_steps

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end, at the average speed so far; None while unknown."""
        if self.steps is None or self.steps.elapsed_seconds < 1 or not self.done:
            return None
        return self.steps.elapsed_seconds * (1 - self.done) / self.done

    def with_baselines(self, baselines: object) -> "TrainingView":
        """Return this view with the losses of n-grams."""
        return msgspec.structs.replace(self, baselines=baselines)

    def stopping(self) -> "TrainingView":
        """Return this view after the run was asked to stop."""
        return msgspec.structs.replace(self, phase="stopping", doing="stopping") if self.alive else self

    def failed(self, error: str) -> "TrainingView":
        """Return this view after the run failed."""
        return msgspec.structs.replace(self, phase="failed", doing="failed", error=error)

    def ended(self) -> "TrainingView":
        """Return this view after the last event; an empty view if the run was stopped before it started."""
        return TrainingView() if self.alive else self

    def after(self, events: Iterable[object]) -> "TrainingView":
        """Return this view after these events."""
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
                        changes["load"] = event.advice
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
                case ThreadsChanged():
                    changes["load"] = event.advice if event.threads < event.before else ""
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
    """Return the status of a run that has just started: on a busy machine its first sample or step takes seconds."""
    if isinstance(event, Resumed):
        return "training"
    samples = config is not None and config.training.sample_length > 0
    return _FIRST_SAMPLE if samples and not event.elapsed_seconds else _FIRST_STEP


def _points_of(epochs: Iterable[EpochCompleted]) -> list[Point]:
    """Return the points of epochs whose steps are not recorded: one in the middle of each."""
    points, before = [], 0
    for epoch in epochs:
        if epoch.total_steps:
            points.append(Point((before + epoch.total_steps) / 2, epoch.train_loss))
            before = epoch.total_steps
    return points


def _kept(samples: tuple[SampleDrawn, ...]) -> tuple[SampleDrawn, ...]:
    """Return the samples to keep: if there are too many, every second one and the last."""
    return samples if len(samples) <= MAX_SAMPLES else (*samples[:-1:2], samples[-1])


def is_training(app: object) -> bool:
    """Return whether the app is training now: other work then leaves the CPU to the training."""
    training = getattr(app, "training", None)
    return isinstance(training, TrainingView) and training.phase == "training"
