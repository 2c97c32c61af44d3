"""Axes of the loss chart: the value at the middle of each terminal cell.

1.4 ┤      row 4     Limits and ticks are chosen together for the given number of cells. A tick's value is the
    │      row 3     value at the middle of its row, and the step between two rows divides the interval
1.2 ┤      row 2     between two ticks evenly (here 0.2 / 2 = 0.1). On a logarithmic axis the same holds
    │      row 1     for the logarithms: neighbouring ticks have the same ratio everywhere. So each label
1.0 ┤      row 0     is exact for its own row, and the value of any other row follows by counting rows.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["loss", "steps", "epochs", "characters", "seconds"]
"""Quantity on an axis. Losses are on the vertical axis, all others on the horizontal one."""

GAP = 2
"""Minimum number of empty cells between two labels of the horizontal axis."""
_MIN_TICKS = 2
_FINEST: dict[Kind, float] = {"loss": 1e-4, "steps": 1.0, "epochs": 0.01, "characters": 1.0, "seconds": 0.1}
"""Smallest interval between two ticks."""
_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, *(3600 * hours for hours in (1, 2, 3, 6, 12, 24, 48)))
"""Round intervals of time, in seconds."""
_EXACT = 0.05
"""Maximum rounding error of a label, as a share of a cell; a label without decimals may be off by twice as much."""


class Scale(Struct, frozen=True, kw_only=True):
    """A linear or logarithmic axis with a tick at every `every`-th cell."""

    kind: Kind
    cells: int
    anchor: float
    """Value of one of the ticks: 0 on a linear axis; on a logarithmic axis, the tick's logarithm."""
    interval: float
    """Difference between two ticks; on a logarithmic axis, of their logarithms."""
    every: int
    """Number of cells from one tick to the next."""
    first: int
    """Offset of the axis's first cell from the anchor, in cells."""
    logarithmic: bool = False

    @property
    def step(self) -> float:
        """Difference between two neighbouring cells' values; on a logarithmic axis, of their logarithms."""
        return self.interval / self.every

    @property
    def ticks(self) -> list[int]:
        """Cells that have a tick."""
        return list(range(-self.first % self.every, self.cells, self.every))

    @property
    def tick_values(self) -> list[float]:
        """Values at the middle of the ticks' cells."""
        values = [self.anchor + (self.first + cell) // self.every * self.interval for cell in self.ticks]
        return [math.exp(value) for value in values] if self.logarithmic else values

    @property
    def labels(self) -> list[str]:
        """Labels of the ticks, with as many decimals as the resolution of the chart needs."""
        return _labels(self)

    def places(self, values: Sequence[float]) -> list[float]:
        """Return the positions of values; cell n covers n to n + 1. On a logarithmic axis, values must be positive."""
        measured = [math.log(value) for value in values] if self.logarithmic else values
        step, zero = self.step, 0.5 - self.first
        return [(value - self.anchor) / step + zero for value in measured]

    def place(self, value: float) -> float:
        """Return the position of one value."""
        return self.places([value])[0]

    def value(self, place: float) -> float:
        """Return the value at a position; the inverse of `place`."""
        value = self.anchor + (place - 0.5 + self.first) * self.step
        return math.exp(value) if self.logarithmic else value


def fitting(kind: Kind, low: float, high: float, cells: int, *, logarithmic: bool = False) -> Scale | None:
    """Return the axis from `low` to `high` that uses the most of the cells with round ticks.

    On a logarithmic axis both values must be positive. Return None if there is no room for two ticks.
    """
    if cells < _MIN_TICKS:
        return None
    best, best_score = None, -math.inf
    for anchor, interval, score in _candidates(kind, low, high, cells, logarithmic=logarithmic):
        scale = _largest(kind, anchor, interval, low, high, cells, logarithmic=logarithmic)
        if scale is None or not _is_readable(scale):
            continue
        used = (scale.place(high) - scale.place(low)) / cells
        score += 3 * used + _taste(scale)
        if score > best_score:
            best, best_score = scale, score
    return best


def zoomed(scale: Scale, cell: int, factor: float) -> Scale:
    """Return the axis zoomed out (factor above 1) or in (factor below 1) around a cell, which keeps its value."""
    middle = scale.value(cell + 0.5)
    low, high = scale.value(cell + 0.5 - factor * (cell + 0.5)), scale.value(cell + 0.5 + factor * (scale.cells - cell))
    wanted = scale.step * factor
    best, best_score = scale, -math.inf
    for anchor, interval, score in _candidates(scale.kind, low, high, scale.cells, logarithmic=scale.logarithmic):
        around = (math.log(middle) if scale.logarithmic else middle) - anchor
        for every in range(1, scale.cells):
            step = interval / every
            if (step < scale.step) != (factor < 1) or math.isclose(step, scale.step) or not 0.5 < step / wanted < 2:
                continue
            first = _first(math.floor(around / step + 0.5) - cell, logarithmic=scale.logarithmic)
            other = msgspec.structs.replace(scale, anchor=anchor, interval=interval, every=every, first=first)
            if _is_readable(other):
                total = score - 5 * abs(math.log(step / wanted)) + _taste(other)
                if total > best_score:
                    best, best_score = other, total
    return best


def moved(scale: Scale, cells: int, whole: Scale | None) -> Scale:
    """Return the axis moved by a number of cells, or unmoved if its middle would lie outside the whole axis."""
    later = msgspec.structs.replace(scale, first=_first(scale.first + cells, logarithmic=scale.logarithmic))
    middle = whole.place(later.value(later.cells / 2)) if whole is not None else 0.0
    return later if 0 <= middle <= later.cells else scale


def _first(cells: int, *, logarithmic: bool) -> int:
    """Return the first cell of an axis; a linear axis has no negative values."""
    return cells if logarithmic else max(cells, 0)


def _candidates(
    kind: Kind, low: float, high: float, cells: int, *, logarithmic: bool
) -> Iterator[tuple[float, float, float]]:
    """Yield candidates for the ticks of an axis: an anchor, the interval between ticks, and a score for legibility."""
    span = max(high - low, _FINEST[kind])
    intervals = list(_round_steps(kind, span / cells, 2 * span))
    if not logarithmic:
        yield from ((0.0, interval, 0.0) for interval in intervals)
        return
    yield from ((0.0, decades * math.log(10), 0.3) for decades in (1, 2, 3))
    yield from ((0.0, doublings * math.log(2), 0.15) for doublings in (1, 2))
    for interval in intervals:
        tick = interval * max(math.ceil(low / interval - 1e-9), 1)
        yield math.log(tick), math.log((tick + interval) / tick), 0.0


def _round_steps(kind: Kind, least: float, most: float) -> Iterator[float]:
    """Yield round intervals between `least` and `most`: 1, 2, 5 times powers of ten; for seconds, those of a clock."""
    least = max(least, _FINEST[kind])
    if kind == "seconds" and most >= 1:
        days = (86_400.0 * 10**power * digit for power in range(8) for digit in (1, 2, 5))
        yield from (step for step in (0.1, 0.2, 0.5, *map(float, _TIMES), *days) if least <= step <= most)
        return
    for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1):
        for digit in (1, 2, 5):
            step = digit * 10.0**power
            if least * (1 - 1e-9) <= step <= most:
                yield step


def _largest(
    kind: Kind, anchor: float, interval: float, low: float, high: float, cells: int, *, logarithmic: bool
) -> Scale | None:
    """Return the axis with the most cells between ticks that shows both values and two ticks; None if there is none."""
    low, high = ((math.log(value) if logarithmic else value) - anchor for value in (low, high))
    most = math.floor(cells * interval / max(high - low, interval / cells))
    for every in range(min(most, max(cells - 1, 1)), 0, -1):
        lowest, highest = (math.floor(value * every / interval + 0.5) for value in (low, high))
        spare = cells - (highest - lowest + 1)
        if spare < 0:
            continue
        below = spare // 2 if kind == "loss" else 0
        if not logarithmic and kind == "loss":
            below = max(min(below, lowest + round(anchor / interval * every)), 0)  # no row for negative losses
        for more in (below, lowest % every):  # the second choice begins the axis with a tick
            scale = Scale(
                kind=kind, cells=cells, anchor=anchor, interval=interval, every=every, first=lowest - more,
                logarithmic=logarithmic,
            )  # fmt: skip
            if more <= spare and len(scale.ticks) >= _MIN_TICKS:
                return scale
        if every < most / 4:
            break
    return None


def _is_readable(scale: Scale) -> bool:
    """Return whether the axis has at least two ticks, with distinct labels that do not overlap."""
    if len(scale.ticks) < _MIN_TICKS:
        return False
    labels = scale.labels
    if len(set(labels)) < len(labels):
        return False
    return scale.kind == "loss" or max(map(len, labels)) + GAP <= scale.every


def _taste(scale: Scale) -> float:
    """Return a score for the legibility of an axis: a good number of ticks, and a spacing that is easy to count."""
    cells = scale.cells
    ticks = min(max(cells / 3, 2), 8) if scale.kind == "loss" else min(max(cells / 13, 2), 8)
    countable = 0.1 if scale.every in (1, 2, 4, 5, 10, 20) else 0.0
    crowded = 0.6 if scale.kind == "loss" and scale.every == 1 and cells >= 4 else 0.0
    return countable - crowded - 0.6 * abs(math.log(len(scale.ticks) / ticks))


def _labels(scale: Scale) -> list[str]:
    values = scale.tick_values
    if scale.kind == "seconds" and not scale.logarithmic and scale.interval >= 1:
        return [_clock(value) for value in values]
    unit, suffix = 1.0, ""
    if scale.kind == "characters" and values[-1] >= 1e6:
        unit, suffix = 1e6, "M"
    errors = [_EXACT * (value if scale.logarithmic else 1) * scale.step / unit for value in values]
    values = [value / unit for value in values]
    decimals = [_decimals(value, error) for value, error in zip(values, errors, strict=True)]
    if not scale.logarithmic or values[-1] < 10 * values[0]:
        decimals = [max(decimals)] * len(values)
    return [f"{value:,.{some}f}{suffix if value else ''}" for value, some in zip(values, decimals, strict=True)]


def _decimals(value: float, error: float) -> int:
    """Return the number of decimals that shows a value with at most this error."""
    return next((some for some in range(9) if abs(round(value, some) - value) <= (error if some else 2 * error)), 9)


def _clock(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
