"""Loss curves: bounded in size, smoothed, and cut to the range that is shown."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from charlstm_tui.state.preferences import Range, Smoothing

MAX_POINTS = 1_000
"""Most points of a curve: more than a terminal has columns of dots, and few enough to copy ten times a second."""
RECENT = 0.25
"""Share of the steps so far that the recent range covers."""
_MEMORY: dict[Smoothing, float] = {"off": 0.0, "light": 0.01, "strong": 0.05}
"""Length of the exponential memory, as a share of the steps shown."""


class Point(NamedTuple):
    """The mean loss of some steps."""

    x: float
    """Place on the x axis: the last of these steps, counted from the run's beginning, or the same in the axis' unit."""
    loss: float


class Curve(Struct, frozen=True):
    """A loss curve with at most `MAX_POINTS` points, however long the run: if there are more, pairs are merged."""

    points: tuple[Point, ...] = ()
    every: float = 0.0
    """Least number of steps that a point covers."""

    def with_points(self, more: Iterable[Point]) -> "Curve":
        """Return the curve with more points at its end; points whose loss is not finite are dropped.

        If the run was rolled back to an earlier step, the points after that step are removed.
        """
        points, every = list(self.points), self.every
        for point in more:
            if not math.isfinite(point.loss):
                continue
            while points and points[-1].x >= point.x:
                points.pop()
            if (
                len(points) > 1 and points[-1].x - points[-2].x < every
            ):  # the last point does not cover enough steps yet
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
    """Return the exponential moving average of a curve, with a memory in proportion to its length in steps."""
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
    """Return the points in the range to show; `last` is the right end of the chart."""
    first = (1 - RECENT) * last if range_ == "recent" else -math.inf
    return [point for point in points if point.x >= first]


def _pairs(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Return the points in pairs of neighbours; the last of an odd number is paired with itself."""
    return [(points[i], points[min(i + 1, len(points) - 1)]) for i in range(0, len(points), 2)]


def _merged(start: float, first: Point, second: Point) -> Point:
    """Return one point for the steps of two neighbours; the steps of the first begin after `start`."""
    steps, more = max(first.x - start, 1e-9), second.x - first.x
    return Point(second.x, (first.loss * steps + second.loss * more) / (steps + more))
