"""Losses against steps: kept in bounded room, smoothed, and cut to what is to be shown."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from charlstm_tui.state.preferences import Range, Smoothing

MAX_POINTS = 1_000
"""Of a curve: more than a terminal has columns of dots, and little enough to copy ten times a second."""
RECENT = 0.25
"""Share of the steps so far that is the recent range."""
_MEMORY: dict[Smoothing, float] = {"off": 0.0, "light": 0.01, "strong": 0.05}
"""Share of the steps shown by which a smoothed curve lags behind."""


class Point(NamedTuple):
    """The mean loss of some steps."""

    x: float
    """How far the run was: the last of these steps, counted from its beginning, or what else a chart goes by."""
    loss: float


class Curve(Struct, frozen=True):
    """A loss as it goes. However long the run, it keeps at most `MAX_POINTS`: when they are full, pairs are merged."""

    points: tuple[Point, ...] = ()
    every: float = 0.0
    """Steps that a point stands for, at least."""

    def with_points(self, more: Iterable[Point]) -> "Curve":
        """Return the curve with points after those it has; points that are no numbers are left out.

        A run that went back to an earlier place forgets what came after it.
        """
        points, every = list(self.points), self.every
        for point in more:
            if not math.isfinite(point.loss):
                continue
            while points and points[-1].x >= point.x:
                points.pop()
            if len(points) > 1 and points[-1].x - points[-2].x < every:  # the last one is not full yet
                points[-1] = _merged(points[-2].x, points[-1], point)
            else:
                points.append(point)
            if len(points) > MAX_POINTS:
                starts = (points[0].x, *(pair[1].x for pair in _pairs(points[1:])))
                points = [
                    points[0],
                    *(_merged(start, *pair) for start, pair in zip(starts, _pairs(points[1:]), strict=False)),
                ]
                every = 2 * max(every, (points[-1].x - points[0].x) / MAX_POINTS)
        return Curve(tuple(points), every)


def smoothed(points: Sequence[Point], smoothing: Smoothing) -> list[Point]:
    """Return the running mean of a curve, each point with an exponentially falling memory of those before it."""
    memory = _MEMORY[smoothing]
    if not memory or len(points) < 2:
        return list(points)
    steps = (points[-1].x - points[0].x) * memory
    smooth: list[Point] = []
    total = weight = 0.0
    before = points[0].x
    for step, loss in points:
        fade = math.exp(-(step - before) / max(steps, 1e-9))
        total, weight, before = total * fade + loss, weight * fade + 1, step
        smooth.append(Point(step, total / weight))
    return smooth


def in_range(points: Sequence[Point], range_: Range, last: float) -> list[Point]:
    """Return the points to show, of a chart that reaches to `last`."""
    first = (1 - RECENT) * last if range_ == "recent" else -math.inf
    return [point for point in points if point.x >= first]


def _pairs(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Return neighbours two by two; a last one without a neighbour is its own."""
    return [(points[i], points[min(i + 1, len(points) - 1)]) for i in range(0, len(points), 2)]


def _merged(start: float, first: Point, second: Point) -> Point:
    """Return the point of the steps of two, the first of which begins after step `start`."""
    steps, more = max(first.x - start, 1e-9), second.x - first.x
    return Point(second.x, (first.loss * steps + second.loss * more) / (steps + more))
