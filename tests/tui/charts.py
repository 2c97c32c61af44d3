"""What a chart shows, as a person reads it: from what is drawn on the screen, and from nothing else."""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from charlstm_tui.widgets.training.loss_chart import LossChart

NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})*)(\.\d+)?(M?)")
CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d)")


class Read(NamedTuple):
    """A label in words, and in numbers."""

    text: str
    value: Fraction


class Axis(NamedTuple):
    """The scale that the labels of an axis tell, in cells from the first tick that has one."""

    cells: list[int]
    labels: list[Read]
    logarithmic: bool
    across: bool

    def measure(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value

    @property
    def per_cell(self) -> float:
        values = [self.measure(float(label.value)) for label in self.labels]
        return (values[-1] - values[0]) / (self.cells[-1] - self.cells[0])

    def cell(self, value: float) -> float:
        """Where a value lies: the middle of cell n is n."""
        first = self.measure(float(self.labels[0].value))
        return self.cells[0] + (self.measure(value) - first) / self.per_cell

    def value(self, cell: float) -> float:
        """What lies in the middle of a cell."""
        first = self.measure(float(self.labels[0].value))
        value = first + (cell - self.cells[0]) * self.per_cell
        return math.exp(value) if self.logarithmic else value

    @property
    def slack(self) -> float:
        """By how much of a cell the rounding of the labels may move what they say; of linear ones, none is rounded."""
        return (0.2 if self.across else 0.1) if self.logarithmic else 1e-6


class Picture(NamedTuple):
    """A chart, taken apart."""

    x: Axis
    y: Axis
    left: int
    columns: int
    rows: int
    cells: dict[tuple[int, int], tuple[str, str]]
    """By column and row on the screen: the character, and its colour."""
    edge: list[tuple[int, str]]
    """By row, what stands at the right."""

    def around(self, point: tuple[float, float]) -> str:
        """Return the characters within half a cell of a place, or nothing where it is beyond what is shown."""
        column, row = self.x.cell(point[0]), self.y.cell(point[1])
        wide, high = 0.5 + self.x.slack, 0.5 + self.y.slack
        if not (high - 1 < row < self.rows - high and wide - 1 < column - self.left < self.columns - wide):
            return ""
        return "".join(
            self.cells.get((x, y), (" ", ""))[0]
            for x in range(math.ceil(column - wide), math.floor(column + wide) + 1)
            for y in range(math.ceil(row - high), math.floor(row + high) + 1)
        )


def picture(chart: LossChart) -> list[str]:
    """Return the rows of a chart."""
    return [chart.render_line(row).text for row in range(chart.size.height)]


def taken_apart(chart: LossChart, *, logarithmic: bool) -> Picture:
    """Read a chart: find its axes, their ticks and labels."""
    rows = picture(chart)
    axis = next(place for place, row in enumerate(rows) if "└" in row)
    assert axis == len(rows) - 2
    left = rows[axis].index("└") + 1
    columns = len(re.match(r"[─┬]*", rows[axis][left:])[0])  # type: ignore[index]
    ticks = [(place, row[: left - 1].strip()) for place, row in enumerate(rows[:axis]) if row[left - 1] == "┤"]
    assert all(row[left - 1] in "┤│" for row in rows[:axis])
    assert [row for row in range(axis) if rows[row][: left - 1].strip()] == [row for row, _ in ticks]
    y = Axis([place for place, _ in ticks], [read(text) for _, text in ticks], logarithmic, across=False)
    words = [(found.start(), found.end(), found[0]) for found in re.finditer(r"\S+", rows[-1])]
    marked = [column for column, character in enumerate(rows[axis]) if character == "┬"]
    under = [next((word for start, end, word in words if start <= column < end), "") for column in marked]
    numbers = [word for _, _, word in words if word[0].isdigit()]
    assert under == numbers, "each tick has a label beneath it, and each label a tick"
    x = Axis(marked, [read(word) for word in under], logarithmic, across=True)
    cells = {}
    for row in range(axis):
        column = 0
        for text, style, _ in chart.render_line(row):
            for character in text:
                color = style.color.name if style is not None and style.color is not None else ""
                cells[column, row] = character, color
                column += 1
    edge = [(row, rows[row][left + columns :].strip()) for row in range(axis) if rows[row][left + columns :].strip()]
    return Picture(x, y, left, columns, axis, cells, edge)


def read(text: str) -> Read:
    """Read a label; one that was cut off or runs into another is none."""
    clock = CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return Read(text, Fraction(3600 * hours + 60 * minutes + seconds))
    number = NUMBER.fullmatch(text)
    assert number, f"{text} is no whole number"
    whole, decimals, millions = number.groups()
    unit = 1_000_000 if millions else 1
    return Read(text, Fraction(whole.replace(",", "") + (decimals or "")) * unit)


def assert_labels_are_right(axis: Axis) -> None:
    """Labels are distinct and evenly spaced, in the scale's own sense, and there are two at least."""
    texts = [label.text for label in axis.labels]
    assert len(texts) >= 2, texts
    assert len(set(texts)) == len(texts), texts
    assert len({b - a for a, b in pairwise(axis.cells)}) == 1, axis.cells
    if axis.logarithmic:
        for cell, label in zip(axis.cells, axis.labels, strict=True):
            assert abs(axis.cell(float(label.value)) - cell) <= axis.slack, f"{texts} are not evenly spaced"
    else:
        assert len({b.value - a.value for a, b in pairwise(axis.labels)}) == 1, f"{texts} are not evenly spaced"


def dots(character: str) -> list[tuple[float, float]]:
    """Return where the dots of a braille character are, in cells from its top left."""
    bits = ord(character) - 0x2800
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    return [((x + 0.5) / 2, (y + 0.5) / 4) for bit, (x, y) in enumerate(places) if bits >> bit & 1]


def assert_dots_are_level(shown: Picture, color: str, loss: float) -> None:
    """Each dot of a colour is within half a cell of a loss."""
    row = shown.y.cell(loss)
    assert all(abs(y - row) <= 0.5 + shown.y.slack for _, y in _dots_of(shown, color))


def assert_dots_follow(shown: Picture, color: str, curve: Sequence[tuple[float, float]]) -> None:
    """Each dot of a colour is within half a cell of the curve, as the labels tell where that is."""
    spots = [(shown.x.cell(x), shown.y.cell(y)) for x, y in curve]
    spots = spots if len(spots) != 1 else spots * 2
    xs = [x for x, _ in spots]
    wide, high = 0.5 + shown.x.slack, 0.5 + shown.y.slack
    for x, y in _dots_of(shown, color):
        first, last = bisect_left(xs, x - wide), bisect_right(xs, x + wide)
        pieces = pairwise(spots[max(first - 1, 0) : last + 1])
        near = any(_touches(start, end, (x - wide, x + wide), (y - high, y + high)) for start, end in pieces)
        assert near, f"a dot at {x:.2f}, {y:.2f} is not on the curve"


def _dots_of(shown: Picture, color: str) -> list[tuple[float, float]]:
    """Return where the dots of a colour are, in cells from the middle of the first one on the screen."""
    return [
        (column + x - 0.5, row + y - 0.5)
        for (column, row), (character, drawn) in shown.cells.items()
        if drawn == color and "\u2800" < character <= "\u28ff"
        for x, y in dots(character)
    ]


def _touches(
    start: tuple[float, float], end: tuple[float, float], xs: tuple[float, float], ys: tuple[float, float]
) -> bool:
    """Tell whether a line from one place to another passes a box."""
    (x0, y0), (x1, y1) = start, end
    if max(x0, x1) < xs[0] or min(x0, x1) > xs[1]:
        return False
    begin, stop = 0.0, 1.0
    for at, by, (low, high) in ((x0, x1 - x0, xs), (y0, y1 - y0, ys)):
        if by == 0:
            if not low <= at <= high:
                return False
            continue
        first, last = sorted(((low - at) / by, (high - at) / by))
        begin, stop = max(begin, first), min(stop, last)
    return begin <= stop


def assert_marks_are_right(shown: Picture, glyph: str, color: str, points: Sequence[tuple[float, float]]) -> int:
    """Each of such marks is within half a cell of one of the points. Returns how many there are."""
    spots = [(shown.x.cell(x), shown.y.cell(y)) for x, y in points]
    count = 0
    for (column, row), (character, drawn) in shown.cells.items():
        inside = shown.left <= column < shown.left + shown.columns
        if inside and (character, drawn) == (glyph, color):
            count += 1
            assert any(
                abs(x - column) <= 0.5 + shown.x.slack and abs(y - row) <= 0.5 + shown.y.slack for x, y in spots
            ), f"{glyph} at {column}, {row} marks nothing that is there"
    return count
