"""Draws a curve as dots within terminal cells: a braille cell has 2 × 4 dots, a block cell 2 × 2.

All coordinates are in cells: x from the left, y from the top; cell n covers the interval from n to n + 1.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

Spot = tuple[float, float]


def curve_dots(spots: Sequence[Spot], columns: int, rows: int, dots: tuple[int, int]) -> list[Spot]:
    """Return the centres of the dots on the line through `spots`, within an area of columns × rows cells.

    `dots` is the number of dots across and down in a cell. The line is clipped at the edges of the area.
    """
    across, down = dots
    width, height = columns * across, rows * down
    fine = thinned([(x * across, y * down) for x, y in spots])
    passed: dict[tuple[int, int], None] = {}  # an ordered set
    if len(fine) == 1:
        fine = fine * 2
    for start, end in pairwise(fine):
        if 0 <= start[0] <= end[0] < width and 0 <= start[1] < height and 0 <= end[1] < height:
            passed.update(dict.fromkeys(_line(start, end)))
            continue
        piece = _within(start, end, width, height)
        if piece is not None:
            for x, y in _line(*piece):
                passed[min(max(x, 0), width - 1), min(max(y, 0), height - 1)] = None
    return [((x + 0.5) / across, (y + 0.5) / down) for x, y in passed]


def level_dots(y: float, columns: int, rows: int, dots: tuple[int, int]) -> list[Spot]:
    """Return the centres of the dots of a dashed horizontal line, which fills every other cell of a row."""
    across, down = dots
    row = math.floor(y * down)
    if not 0 <= row < rows * down:
        return []
    return [(cell + (dot + 0.5) / across, (row + 0.5) / down) for cell in range(0, columns, 2) for dot in range(across)]


def thinned(spots: Sequence[Spot]) -> list[Spot]:
    """Return the first, highest, lowest and last of the spots in each column of dots.

    A line through them covers the same dots as a line through all spots, so no peak is averaged away. x is in dots and
    must not decrease.
    """
    thin: list[Spot] = []
    start = 0
    while start < len(spots):
        column = math.floor(spots[start][0])
        end = start + 1
        while end < len(spots) and math.floor(spots[end][0]) == column:
            end += 1
        if end - start <= 4:
            thin += spots[start:end]
        else:
            heights = [y for _, y in spots[start:end]]
            lowest, highest = heights.index(min(heights)), heights.index(max(heights))
            thin += [spots[start + place] for place in sorted({0, lowest, highest, end - start - 1})]
        start = end
    return thin


def _within(start: Spot, end: Spot, width: float, height: float) -> tuple[Spot, Spot] | None:
    """Return the part of a line segment inside a rectangle, None if there is none (Liang and Barsky, 1984)."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    begin, stop = 0.0, 1.0
    for direction, room in ((-dx, x0), (dx, width - x0), (-dy, y0), (dy, height - y0)):
        if direction == 0:
            if room < 0:
                return None
        elif direction < 0:
            begin = max(begin, room / direction)
        else:
            stop = min(stop, room / direction)
    if begin > stop:
        return None
    return (x0 + begin * dx, y0 + begin * dy), (x0 + stop * dx, y0 + stop * dy)


def _line(start: Spot, end: Spot) -> Iterable[tuple[int, int]]:
    """Yield the dots of a line segment: both ends, and one dot per step along the axis on which it is longer."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    yield math.floor(x0), math.floor(y0)
    if abs(dx) >= abs(dy):
        if dx:
            low, high = sorted((x0, x1))
            for x in range(math.ceil(low - 0.5), math.floor(high - 0.5) + 1):
                yield x, math.floor(y0 + (x + 0.5 - x0) * dy / dx)
    else:
        low, high = sorted((y0, y1))
        for y in range(math.ceil(low - 0.5), math.floor(high - 0.5) + 1):
            yield math.floor(x0 + (y + 0.5 - y0) * dx / dy), y
    yield math.floor(x1), math.floor(y1)
