"""The lines that the loss chart draws, for the run on screen and for earlier runs."""

import math
from collections.abc import Iterable

from msgspec import Struct

from charlstm_tui.state.compared_runs import ComparedRun, Kind
from charlstm_tui.state.loss_curve import Point
from charlstm_tui.state.milestones import milestones
from charlstm_tui.state.preferences import XAxis
from charlstm_tui.state.run_progress import Progress, after_epoch
from charlstm_tui.state.training import TrainingView
from core.events import EpochCompleted

BEST, BEAT = "◆", "✓"
"""Marks of the epoch with the lowest validation loss, and of the first epoch below the best n-gram model."""


class Line(Struct, frozen=True, kw_only=True):
    """A curve or a horizontal level on the chart."""

    name: str
    short: str = ""
    """Shorter name for narrow windows; empty if there is none."""
    role: str
    """Name of the chart's style: train, validation, baseline, or other-0 to other-5."""
    points: tuple[Point, ...]
    kind: Kind | None = None
    """Kind of loss, if the name does not say it."""
    level: bool = False
    """Whether it is a horizontal line through its only point."""
    marked: bool = False
    """Whether points are marked: all of them, or every n-th where they are dense."""
    marks: tuple[tuple[str, Point], ...] = ()
    """Marks and the single points that they mark."""
    smooth: bool = False
    """Whether to draw the running mean on top of the raw points."""
    letter: str = ""
    """Letter at the end of the curve, which identifies it without colour."""


def lines_of(training: TrainingView, by: XAxis = "steps") -> list[Line]:
    """Return the lines of the run on screen: training loss, validation loss, and the level of the best n-gram model."""
    lines = []
    if training.baselines is not None:
        best = training.baselines.best
        on = " on test" if training.baselines.part == "test" else ""
        name, short = f"{best.name} {best.loss:.3f}{on}", f"{best.name}{on}"
        lines.append(Line(name=name, short=short, role="baseline", points=(Point(0, best.loss),), level=True))
    if training.config is None:
        return lines
    settings = training.config.training
    progress = Progress(training.epochs, training.steps, settings, by)
    losses = tuple(Point(progress.after(point.x), point.loss) for point in training.curve.points)
    lines.append(Line(name="train", role="train", points=losses, smooth=True))

    def place(epoch: EpochCompleted) -> Point | None:
        x = after_epoch(epoch, settings, by)
        return Point(x, epoch.val_loss) if x is not None and epoch.val_loss is not None else None

    validated = _finite(place(epoch) for epoch in training.epochs)
    if validated:
        beat = milestones(training.epochs, training.baselines).beat
        marks = [
            (BEAT, place(beat) if beat is not None else None),
            (BEST, min(validated, key=lambda point: point.loss)),
        ]
        shown = tuple((mark, point) for mark, point in marks if point is not None)
        lines.append(Line(name="validation", role="validation", points=validated, marked=True, marks=shown))
    return lines


def line_of(other: ComparedRun, by: XAxis = "steps") -> Line:
    """Return the line of an earlier run: its validation losses, or its training losses if it has no validation."""
    settings = other.run.config.training
    losses = [
        (after_epoch(epoch, settings, by), epoch.val_loss if other.kind == "validation" else epoch.train_loss)
        for epoch in other.run.epochs
    ]
    points = _finite(Point(x, loss) if x is not None and loss is not None else None for x, loss in losses)
    return Line(name=other.name, role=other.role, points=points, kind=other.kind, letter=other.letter)


def _finite(points: Iterable[Point | None]) -> tuple[Point, ...]:
    return tuple(point for point in points if point is not None and math.isfinite(point.loss))
