"""Numbers at the right edge of a chart, each in the row of its value, without overlap."""

from collections.abc import Sequence
from typing import NamedTuple

from charlstm_tui.formatting.numbers import loss_shown
from charlstm_tui.widgets.training.chart.scale import Scale

ABOVE, BELOW = "▲", "▼"
"""Between a glyph and a value that the chart does not reach."""


class EdgeValue(NamedTuple):
    """A value to be written at the edge."""

    glyph: str
    """What marks it on the chart."""
    loss: float
    role: str
    """Whose colour it has."""


class EdgeLabel(NamedTuple):
    """Where it is written."""

    row: int
    """From the top."""
    text: str
    role: str


def edge_labels(values: Sequence[EdgeValue], scale: Scale) -> list[EdgeLabel]:
    """Return the labels of a chart's rows, given the values with the most important one first.

    Each is in its own row or, if that is taken, in the nearest row that keeps the order. If there are more values than
    rows, the least important are dropped.
    """
    shown = sorted(values[: scale.cells], key=lambda value: -value.loss)
    places = scale.places([value.loss for value in shown])
    last = scale.cells - 1
    rows = _apart([min(max(last - int(place // 1), 0), last) for place in places], scale.cells)
    labels = []
    for value, place, row in zip(shown, places, rows, strict=True):
        beyond = ABOVE if place >= scale.cells else BELOW if place < 0 else " "
        labels.append(EdgeLabel(row, f"{value.glyph}{beyond}{loss_shown(value.loss)}", value.role))
    return labels


def _apart(rows: Sequence[int], count: int) -> list[int]:
    """Return rows, not falling, such that each is used once: those that meet are spread around where they met."""
    groups: list[tuple[list[int], int]] = []  # the rows that a group's members want, and where it begins

    def begin(wanted: Sequence[int]) -> int:
        middle = sum(row - number for number, row in enumerate(wanted)) / len(wanted)
        return min(max(round(middle), 0), count - len(wanted))

    for row in rows:
        wanted = [row]
        while groups and groups[-1][1] + len(groups[-1][0]) > begin(wanted):
            wanted = groups.pop()[0] + wanted
        groups.append((wanted, begin(wanted)))
    return [start + number for wanted, start in groups for number in range(len(wanted))]
