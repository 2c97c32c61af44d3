"""Choice of what the loss chart shows: the points in range, the limits of its axes, and the values at its edge."""

from collections.abc import Sequence

from charlstm_tui.state.loss_curve import Point, in_range, smoothed
from charlstm_tui.state.preferences import Preferences
from charlstm_tui.widgets.training.chart.edge_labels import EdgeValue
from charlstm_tui.widgets.training.chart.lines import BEST, Line

MARKER, DASH, STROKE = "•", "╌", "━"
"""Glyphs for a validation loss, a level, and a curve without marks."""
_FALLS_OFF = 1.25
"""Top of the chart, as a multiple of the loss after a tenth of a run; the first losses would flatten the rest."""
_FAR = 2.0
"""A level is omitted if it lies above the chart by more than this multiple of its height, for the same reason."""
_MIN_HEIGHT = 0.02
"""Minimum height of a chart in nats; on a logarithmic axis, as a share of the lowest loss."""

Curves = list[tuple[Line, list[Point]]]
"""The lines except levels, each with its visible points."""


def in_view(lines: Sequence[Line], preferences: Preferences) -> Curves:
    """Return the curves to draw; on logarithmic axes, points without a logarithm are omitted."""
    last = max((line.points[-1].x for line in lines if line.points and not line.level), default=0.0)
    shown = [(line, in_range(line.points, preferences.range, last)) for line in lines if not line.level]
    if preferences.scale == "linear":
        return shown
    return [(line, [point for point in points if point.x > 0 and point.loss > 0]) for line, points in shown]


def x_limits(curves: Curves, preferences: Preferences) -> tuple[float, float]:
    """Return the lowest and the highest value of the horizontal axis."""
    logarithmic = preferences.scale == "log"
    first = min((points[0].x for _, points in curves if points), default=1.0)
    begin = first if logarithmic or preferences.range == "recent" else 0.0
    end = max((points[-1].x for _, points in curves if points), default=begin)
    return begin, end if end > begin else begin * 1.1 if logarithmic else begin + 1


def loss_limits(curves: Curves, lines: Sequence[Line], preferences: Preferences) -> tuple[float, float]:
    """Return the lowest and the highest loss to show."""
    losses = [point.loss for _, points in curves for point in points]
    if not losses:
        return 1.0, 2.0
    low, high = min(losses), max(losses)
    settled = [points[len(points) // 10].loss for _, points in curves if len(points) >= 10]
    if settled:
        ends = [points[-1].loss for _, points in curves if points]
        high = min(high, _FALLS_OFF * max(*settled, *ends))
    for line in lines:
        level = line.points[0].loss if line.level else 0.0
        if 0 < level < high + _FAR * max(high - low, 0.1):
            low, high = min(low, level), max(high, level)
    least = _MIN_HEIGHT * low if preferences.scale == "log" else _MIN_HEIGHT
    if high - low < least:
        low = max((low + high - least) / 2, 0.0)
        high = low + least
    return low, high


def edge_values(curves: Curves, lines: Sequence[Line], preferences: Preferences) -> list[EdgeValue]:
    """Return the values to write at the edge, most important first.

    The order is: best losses, last validation losses, last training losses, n-gram levels, other runs.
    """
    best, validated, trained, others = (list[EdgeValue]() for _ in range(4))
    for line, points in curves:
        lowest = next((point for mark, point in line.marks if mark == BEST), None)
        if lowest is not None:
            best.append(EdgeValue(BEST, lowest.loss, line.role))
        if points and points[-1] != lowest:
            last = smoothed(points, preferences.smoothing)[-1] if line.smooth else points[-1]
            value = EdgeValue(line.letter or (MARKER if line.marked else STROKE), last.loss, line.role)
            (others if line.letter else validated if line.marked else trained).append(value)
    levels = [EdgeValue(DASH, line.points[0].loss, line.role) for line in lines if line.level]
    return [value for value in (*best, *validated, *trained, *levels, *others) if value.loss > 0]
