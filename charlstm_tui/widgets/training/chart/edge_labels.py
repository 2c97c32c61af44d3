"""Numbers at the right edge of a chart, each in the row of its value, without overlap."""

from collections.abc import Sequence
from typing import NamedTuple

from charlstm_tui.formatting.numbers import loss_shown
from charlstm_tui.widgets.training.chart.scale import Scale

ABOVE, BELOW = "▲", "▼"
"""Arrows between a glyph and its value, for values above or below the chart."""


class EdgeValue(NamedTuple):
    """A value to write at the right edge."""

    glyph: str
    """Character that marks the value on the chart."""
    loss: float
    role: str
    """Style role that gives the colour."""


class EdgeLabel(NamedTuple):
    """A text at the right edge, with its row."""

    row: int
    """Row, counted from the top."""
    text: str
    role: str


def edge_labels(values: Sequence[EdgeValue], scale: Scale) -> list[EdgeLabel]:
    """Return the labels to the right of a chart's rows; `values` come in order of importance, the most important first.

    A label stands in the row of its value or, if that row is taken, in the nearest row that keeps the labels sorted.
    If there are more values than rows, the least important are omitted.
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
    """Return distinct rows for non-decreasing wanted rows; wanted rows that collide are spread around their mean."""
    groups: list[tuple[list[int], int]] = []  # the wanted rows of a group, and its first row

    def begin(wanted: Sequence[int]) -> int:
        middle = sum(row - number for number, row in enumerate(wanted)) / len(wanted)
        return min(max(round(middle), 0), count - len(wanted))

    for row in rows:
        wanted = [row]
        while groups and groups[-1][1] + len(groups[-1][0]) > begin(wanted):
            wanted = groups.pop()[0] + wanted
        groups.append((wanted, begin(wanted)))
    return [start + number for wanted, start in groups for number in range(len(wanted))]
