"""The gradient's norm by distance, on a logarithmic axis: the vanishing gradient, drawn."""

import math
from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual.color import Color
from textual_hires_canvas import Canvas

from charlstm_tui.formatting.memory_content import LETTERS
from charlstm_tui.state.preferences import Glyphs
from charlstm_tui.widgets.training.chart.colors import curve_colors
from charlstm_tui.widgets.training.chart.dots import Spot, curve_dots
from charlstm_tui.widgets.training.loss_chart import MODES

LOWEST = 1e-8
"""Smallest norm that is drawn; the curve of smaller ones ends there."""
_TICKS = (10, 20, 25, 50, 100)


class GradientCurve(Struct, frozen=True):
    """A curve: the mean for each distance from 0, and the lower and upper quartile, which may be omitted."""

    mean: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class DecadeAxis(Struct, frozen=True):
    """A logarithmic axis with a tick at the middle of every `every`-th row; row 0 is at the bottom."""

    lowest: int
    """Power of ten at the middle of row 0."""
    decades: int
    """Powers of ten from one tick to the next."""
    every: int
    """Rows from one tick to the next."""
    rows: int

    def place(self, value: float) -> float:
        """Return the position of a positive value in rows from the bottom; row n covers n to n + 1."""
        return (math.log10(value) - self.lowest) / self.decades * self.every + 0.5

    @property
    def labels(self) -> dict[int, str]:
        """The powers of ten at the ticks, by their row."""
        powers = {row: self.lowest + row // self.every * self.decades for row in range(0, self.rows, self.every)}
        return {row: f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{power}" for row, power in powers.items()}


def axis_for(curves: Sequence[GradientCurve], rows: int) -> DecadeAxis:
    """Return the axis with the most rows in use that shows all values; `rows` is at least 2."""
    values = [max(value, LOWEST) for curve in curves for value in (*curve.mean, *curve.low, *curve.high)]
    low, high = math.log10(min(values)), math.log10(max(values))
    best: tuple[float, DecadeAxis] | None = None
    for decades in range(1, 2 * math.ceil(high - low) + 3):
        lowest = math.floor(low / decades) * decades
        every = min(math.floor((rows - 0.5) * decades / max(high - lowest, 1e-9)), rows - 1)
        if every >= 1:
            axis = DecadeAxis(lowest=lowest, decades=decades, every=every, rows=rows)
            used = axis.place(10**high) - axis.place(10**low) - (rows if every == 1 < rows - 1 else 0)
            if best is None or used > best[0]:
                best = (used, axis)
    assert best is not None  # with all decades in one step, there are two ticks
    return best[1]


class GradientChart(Canvas):
    """Draws a curve for each network, with its quartiles, dim, if they are given."""

    DEFAULT_CSS: ClassVar[str] = """
    GradientChart {
        height: 1fr;
        & > .gradient-chart--axis { color: $foreground 40%; }
        & > .gradient-chart--tick { color: $text-muted; }
        & > .gradient-chart--first { color: $accent; }
        & > .gradient-chart--second { color: $success; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "gradient-chart--axis", "gradient-chart--tick", "gradient-chart--first", "gradient-chart--second",
    }  # fmt: skip
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._curves: tuple[GradientCurve, ...] = ()
        self._glyphs: Glyphs = "braille"

    def show(self, curves: Sequence[GradientCurve], glyphs: Glyphs) -> None:
        """Draw curves, all with the same number of distances."""
        self._curves, self._glyphs = tuple(curves), glyphs
        self._draw()

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self._draw()

    def notify_style_update(self) -> None:
        """Redraw in the colours of the new theme."""
        super().notify_style_update()
        self.call_later(self._draw)

    def style_of(self, number: int) -> str:
        """Return the style of a curve, by its number from 0."""
        wanted = [self._color("first"), self._color("second")]
        return curve_colors(self.background_colors[1], wanted, len(LETTERS) - 2)[number].rich_color.name

    def _color(self, name: str) -> Color:
        return Color.from_rich_color(self.get_component_rich_style(f"gradient-chart--{name}").color)

    def _draw(self) -> None:
        if not self.is_attached or self.size.width < 24 or self.size.height < 5 or not self._curves:
            return
        with self.batch_refresh():
            self.reset(self.size)
            axis = axis_for(self._curves, self.size.height - 2)
            left = max(map(len, axis.labels.values())) + 2
            columns = self.size.width - left - 1
            reach = len(self._curves[0].mean) - 1
            self._draw_axes(axis, left, columns, reach)
            for number, curve in enumerate(self._curves):
                for values in filter(None, (curve.low, curve.high)):
                    self._draw_curve(values, axis, left, columns, f"dim {self.style_of(number)}")
            taken: set[tuple[int, int]] = set()
            for number, curve in enumerate(self._curves):
                self._draw_curve(curve.mean, axis, left, columns, self.style_of(number))
                if len(self._curves) > 1:
                    self._draw_letter(number, curve.mean, axis, left, columns, taken)

    def _draw_axes(self, axis: DecadeAxis, left: int, columns: int, reach: int) -> None:
        line, tick = self._color("axis").rich_color.name, self._color("tick").rich_color.name
        labels = axis.labels
        for row in range(axis.rows):
            y = axis.rows - 1 - row
            self.set_pixel(left - 1, y, "┤" if row in labels else "│", line)
            for place, character in enumerate(f"{labels.get(row, ''):>{left - 2}}"):
                self.set_pixel(place, y, character, tick)
        self.set_pixel(left - 1, axis.rows, "└", line)
        step = next((step for step in _TICKS if reach / step * 8 <= columns), max(reach, 1))
        ticks = {math.floor(k / max(reach, 1) * (columns - 1) + 0.5): str(k) for k in range(0, reach + 1, step)}
        for column in range(columns):
            self.set_pixel(left + column, axis.rows, "┬" if column in ticks else "─", line)
        for column, label in ticks.items():
            start = min(left + column - len(label) // 2, self.size.width - len(label))
            for place, character in enumerate(label):
                self.set_pixel(start + place, axis.rows + 1, character, tick)

    def _draw_curve(self, values: Sequence[float], axis: DecadeAxis, left: int, columns: int, style: str) -> None:
        mode, dots = MODES[self._glyphs]
        spots = self._spots(values, axis, columns)
        self.set_hires_pixels([(x + left, y) for x, y in curve_dots(spots, columns, axis.rows, dots)], mode, style)

    def _spots(self, values: Sequence[float], axis: DecadeAxis, columns: int) -> list[Spot]:
        """Return the positions of values in cells, from the top left of the curves' area.

        The curve ends at the first value below `LOWEST`.
        """
        reach = max(len(values) - 1, 1)
        shown = next((k for k, value in enumerate(values) if value < LOWEST), len(values))
        return [
            (k / reach * (columns - 1) + 0.5, axis.rows - axis.place(value)) for k, value in enumerate(values[:shown])
        ]

    def _draw_letter(
        self,
        number: int,
        values: Sequence[float],
        axis: DecadeAxis,
        left: int,
        columns: int,
        taken: set[tuple[int, int]],
    ) -> None:
        """Write a curve's letter on it, in the rightmost cell that has no letter yet."""
        cells = curve_dots(self._spots(values, axis, columns), columns, axis.rows, (1, 1))
        for x, y in reversed(cells):
            cell = (math.floor(x), math.floor(y))
            if cell not in taken:
                taken.update((cell[0] + by, cell[1]) for by in (-1, 0, 1))
                self.set_pixel(left + cell[0], cell[1], LETTERS[number], f"bold {self.style_of(number)}")
                return
