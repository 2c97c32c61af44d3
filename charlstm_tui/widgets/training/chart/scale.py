"""Which value lies in the middle of which cell of a chart's axis.

1.4 ┤      row 4     Limits and ticks are chosen together, by the number of cells there are: a tick's value is the
    │      row 3     value of the middle of its row, and a row is a whole fraction of the step between two ticks,
1.2 ┤      row 2     here 0.1. On a logarithmic axis the same holds of logarithms: two ticks have the same ratio
    │      row 1     everywhere. So what a label says is true of its cell, and of every other cell by counting.
1.0 ┤      row 0
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["loss", "steps", "epochs", "characters", "seconds"]
"""What an axis counts; losses go upwards, all others to the right."""

GAP = 2
"""Minimum number of empty cells between two neighbouring labels."""
_MIN_TICKS = 2
_FINEST: dict[Kind, float] = {"loss": 1e-4, "steps": 1.0, "epochs": 0.01, "characters": 1.0, "seconds": 0.1}
"""The smallest step between two ticks."""
_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, *(3600 * hours for hours in (1, 2, 3, 6, 12, 24, 48)))
"""Round steps of a clock, in seconds."""
_EXACT = 0.05
"""Of a cell: how far a label's rounding may move its tick, at most; of a whole number twice as far."""


class Scale(Struct, frozen=True, kw_only=True):
    """An axis of some cells, of which every so many one has a tick."""

    kind: Kind
    cells: int
    anchor: float
    """The value of one of the ticks, 0 where the axis is linear; on a logarithmic axis its logarithm."""
    interval: float
    """From one tick to the next."""
    every: int
    """Cells from one tick to the next."""
    first: int
    """Cells from the anchor to the first cell of the axis."""
    logarithmic: bool = False

    @property
    def step(self) -> float:
        """The difference between two neighbouring cells, of values or, on a logarithmic axis, of their logarithms."""
        return self.interval / self.every

    @property
    def ticks(self) -> list[int]:
        """The cells that have one."""
        return list(range(-self.first % self.every, self.cells, self.every))

    @property
    def tick_values(self) -> list[float]:
        """What lies in the middle of these."""
        values = [self.anchor + (self.first + cell) // self.every * self.interval for cell in self.ticks]
        return [math.exp(value) for value in values] if self.logarithmic else values

    @property
    def labels(self) -> list[str]:
        """The ticks' values in words, as exact as can be told apart in the picture."""
        return _labels(self)

    def places(self, values: Sequence[float]) -> list[float]:
        """Return where values lie: cell n reaches from n to n + 1. On a logarithmic axis they must be positive."""
        measured = [math.log(value) for value in values] if self.logarithmic else values
        step, zero = self.step, 0.5 - self.first
        return [(value - self.anchor) / step + zero for value in measured]

    def place(self, value: float) -> float:
        """Return where one value lies."""
        return self.places([value])[0]

    def value(self, place: float) -> float:
        """Return the value of a place."""
        value = self.anchor + (place - 0.5 + self.first) * self.step
        return math.exp(value) if self.logarithmic else value


def fitting(kind: Kind, low: float, high: float, cells: int, *, logarithmic: bool = False) -> Scale | None:
    """Return the axis that shows these values and all between, as large as round steps allow.

    On a logarithmic axis both must be positive. None where there is no room for two ticks.
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
    """Return an axis on which a cell shows more (a factor above 1) or less, and one cell keeps its value."""
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
    """Return the axis that begins so many cells later, unless its middle would leave the axis that shows all."""
    later = msgspec.structs.replace(scale, first=_first(scale.first + cells, logarithmic=scale.logarithmic))
    middle = whole.place(later.value(later.cells / 2)) if whole is not None else 0.0
    return later if 0 <= middle <= later.cells else scale


def _first(cells: int, *, logarithmic: bool) -> int:
    """Return where an axis begins: none counts less than nothing."""
    return cells if logarithmic else max(cells, 0)


def _candidates(
    kind: Kind, low: float, high: float, cells: int, *, logarithmic: bool
) -> Iterator[tuple[float, float, float]]:
    """Yield a tick, a step between ticks, and how much a reader likes such ticks."""
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
    """Yield 1, 2 and 5 times powers of ten, or, of a time, steps of a clock."""
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
    """Return the axis with the most cells from tick to tick that has room for both values, and two ticks."""
    low, high = ((math.log(value) if logarithmic else value) - anchor for value in (low, high))
    most = math.floor(cells * interval / max(high - low, interval / cells))
    for every in range(min(most, max(cells - 1, 1)), 0, -1):
        lowest, highest = (math.floor(value * every / interval + 0.5) for value in (low, high))
        spare = cells - (highest - lowest + 1)
        if spare < 0:
            continue
        below = spare // 2 if kind == "loss" else 0
        if not logarithmic and kind == "loss":
            below = max(min(below, lowest + round(anchor / interval * every)), 0)  # no row of a loss below zero
        for more in (below, lowest % every):  # or to begin with a tick
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
    """Tell whether there are two ticks, whose labels have room."""
    if len(scale.ticks) < _MIN_TICKS:
        return False
    labels = scale.labels
    if len(set(labels)) < len(labels):
        return False
    return scale.kind == "loss" or max(map(len, labels)) + GAP <= scale.every


def _taste(scale: Scale) -> float:
    """Tell how near an axis is to what one likes to read."""
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
    """Return how many a value needs to be told this exactly."""
    return next((some for some in range(9) if abs(round(value, some) - value) <= (error if some else 2 * error)), 9)


def _clock(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
