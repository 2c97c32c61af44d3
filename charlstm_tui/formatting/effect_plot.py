"""The effect of a setting as lines of text: for each value the mean loss and its spread on a common axis."""

from collections.abc import Sequence

from core.experiments.findings import Effect, Point
from core.text import count_of

LEAST_AXIS = 12
"""Least number of cells of the axis."""
MOST_AXIS = 60
"""Largest number of cells of the axis."""
_INDENT, _GAP = 2, 2


def effect_lines(effects: Sequence[Effect], width: int) -> list[list[str]]:
    """Return the lines of each effect, at most `width` cells wide if there is room for the shortest axis.

    All effects have the same axis, so that their sizes can be compared. Each has a line with its name and the ends of
    the axis, and a line for each value: the mean is a dot, the standard deviation over the seeds a line through it.
    """
    points = [point for effect in effects for point in effect.points]
    if not points:
        return [[] for _ in effects]
    low, high = _ends(points)
    labels = max(len(text) for effect in effects for text in _labels(effect))
    results = max(len(with_spread(point)) for point in points)
    axis = min(max(width - labels - results - 2 * _GAP, LEAST_AXIS), MOST_AXIS)
    drawn: list[list[str]] = []
    for effect in effects:
        if not effect.points:
            drawn.append([])
            continue
        ends = f"{low:.3f}", f"{high:.3f}"
        scale = ends[0] + " " * max(axis - len(ends[0]) - len(ends[1]), 1) + ends[1]
        lines = [f"{effect.title:<{labels}}{' ' * _GAP}{scale}"]
        for point in effect.points:
            label = " " * _INDENT + point.label
            plot = _plot(point, low, high, axis)
            lines.append(f"{label:<{labels}}{' ' * _GAP}{plot}{' ' * _GAP}{with_spread(point)}")
        drawn.append(lines)
    return drawn


def with_spread(point: Point) -> str:
    """Return the mean with the standard deviation over the seeds and the number of runs: `1.512 ± 0.004 (9 runs)`."""
    spread = "" if point.spread is None else f" ± {point.spread:.3f}"
    return f"{point.mean:.3f}{spread} ({count_of(point.runs, 'run')})"


def cell_of(value: float, low: float, high: float, width: int) -> int:
    """Return the cell of an axis of `width` cells in which a value lies; the ends lie in the outermost cells."""
    share = (value - low) / (high - low) if high > low else 0.5
    return min(max(round(share * (width - 1)), 0), width - 1)


def _plot(point: Point, low: float, high: float, width: int) -> str:
    middle, spread = point.mean, point.spread or 0.0
    first, last = (cell_of(value, low, high, width) for value in (middle - spread, middle + spread))
    cells = ["·"] * width
    cells[first : last + 1] = "─" * (last + 1 - first)
    cells[cell_of(middle, low, high, width)] = "●"
    return "".join(cells)


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    lows = [point.mean - (point.spread or 0.0) for point in points]
    highs = [point.mean + (point.spread or 0.0) for point in points]
    return min(lows), max(highs)


def _labels(effect: Effect) -> list[str]:
    return [effect.title, *(" " * _INDENT + point.label for point in effect.points)] if effect.points else [""]
