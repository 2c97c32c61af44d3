"""The chart of losses against steps: what was measured, dim; its running mean; validation; baselines; other runs."""

import math
from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual_hires_canvas import HiResMode
from textual_plot import PlotWidget
from textual_plot.axis_formatter import AxisFormatter, NumericAxisFormatter

from charlstm_tui.curves import Point, in_range, smoothed, thinned
from charlstm_tui.preferences import Glyphs, Preferences

_MODES: dict[Glyphs, HiResMode] = {
    "braille": HiResMode.BRAILLE,
    "blocks": HiResMode.QUADRANT,
    "ascii": HiResMode.BRAILLE,  # which the filter for such terminals turns into dots and colons
}
MARKER, BEST_MARKER, DASH = "•", "◆", "╌"
_FALLS_OFF = 1.25
"""A chart begins below this many times the loss of its first epoch: the first steps' would flatten all others."""


class Line(Struct, frozen=True, kw_only=True):
    """Something to draw."""

    name: str
    role: str
    """Which of the chart's styles: train, validation, baseline, or other-0 to other-5."""
    points: tuple[Point, ...]
    level: bool = False
    """Whether it is a horizontal line through its only point."""
    marked: bool = False
    """Whether each point is marked."""
    best: Point | None = None
    smooth: bool = False
    """Whether to draw its running mean over it."""
    letter: str = ""
    """Written at its end, to know it by without its colour."""


class _LogFormatter(AxisFormatter):
    """Ticks of an axis whose values are logarithms to the base 10."""

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        decades = range(math.floor(min_), math.ceil(max_) + 1)
        for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
            ticks = [decade + math.log10(digit) for decade in decades for digit in digits]
            within = [tick for tick in ticks if min_ <= tick <= max_]
            if len(within) >= 3:
                break
        return within[:: max(1, math.ceil(len(within) / max_ticks))]

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return [f"{10**tick:,.0f}" if tick >= 1 else f"{10**tick:.1f}" for tick in ticks]


class _StepsFormatter(NumericAxisFormatter):
    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return [f"{tick:,.0f}" for tick in ticks]


class LossChart(PlotWidget):
    """Draws lines. The mouse wheel zooms and dragging pans."""

    DEFAULT_CSS: ClassVar[str] = """
    LossChart {
        & > .plot--axis { color: $foreground 40%; }
        & > .plot--tick { color: $text-muted; text-style: none; }
        & > .loss-chart--train { color: $accent; }
        & > .loss-chart--validation { color: $success; }
        & > .loss-chart--baseline { color: $foreground 60%; }
        & > .loss-chart--raw { color: $accent 40%; }
        & > .loss-chart--other-0 { color: $primary; }
        & > .loss-chart--other-1 { color: $error; }
        & > .loss-chart--other-2 { color: $success; }
        & > .loss-chart--other-3 { color: $warning; }
        & > .loss-chart--other-4 { color: $secondary; }
        & > .loss-chart--other-5 { color: $foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "loss-chart--train", "loss-chart--raw", "loss-chart--validation", "loss-chart--baseline",
        *(f"loss-chart--other-{number}" for number in range(6)),
    }  # fmt: skip
    BINDINGS: ClassVar = []

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self.can_focus = False  # its keys are the screen's
        self.set_reactive(LossChart.margin_top, 0)
        self.set_reactive(LossChart.margin_bottom, 1)
        self.set_reactive(LossChart.margin_left, 7)
        self._drawn: object = None
        self._shown: tuple[Sequence[Line], float, Preferences] | None = None

    def on_resize(self) -> None:
        """Draw for the room there is now."""
        if self._shown is not None:
            self.show(*self._shown)

    def style_of(self, role: str) -> str:
        """Return the colour that a role is drawn in."""
        color = self.get_component_rich_style(f"loss-chart--{role}").color
        return color.name if color is not None else "default"

    def show(self, lines: Sequence[Line], last_step: float, preferences: Preferences) -> None:
        """Draw some lines, up to a step; the same ones again cost nothing."""
        self._shown = (lines, last_step, preferences)
        self.visible = any(line.points and not line.level for line in lines)  # axes without a line say nothing
        looks = (preferences.glyphs, preferences.smoothing, preferences.range, preferences.scale, self.app.theme)
        what = (tuple(lines), last_step, looks, self.size)
        if what == self._drawn or not self.is_attached:
            return
        self._drawn = what
        logarithmic = preferences.scale == "log"
        shown = [(line, in_range(line.points, preferences.range, last_step)) for line in lines if not line.level]
        first = min((points[0].step for _, points in shown if points), default=0.0)
        begin = max(first, 1.0) if logarithmic else (first if preferences.range == "recent" else 0.0)
        end = max(last_step, begin + 1)
        self.clear()
        self._set_scale(begin, end, *self._heights(shown, lines), logarithmic=logarithmic)
        for line in lines:
            if line.level:
                self._draw_level(line, preferences)
        for line, points in shown:
            if line.smooth and preferences.smoothing != "off":
                self._draw(points, "raw" if line.role == "train" else line.role, preferences)
                points = smoothed(points, preferences.smoothing)
            self._draw(points, line.role, preferences)
        for line, points in shown:
            if line.marked and len(points) <= self.size.width // 3:
                self._mark(points, MARKER, line.role, preferences)
            if line.letter and points:
                self._mark(points[-1:], line.letter, line.role, preferences)
            if line.best is not None and line.best in points:
                self._mark([line.best], BEST_MARKER, line.role, preferences)

    def _heights(self, shown: Sequence[tuple[Line, list[Point]]], lines: Sequence[Line]) -> tuple[float, float]:
        """Return the lowest and the highest loss to show."""
        losses = [point.loss for _, points in shown for point in points]
        if not losses:
            return 0.0, 1.0
        low, high = min(losses), max(losses)
        settled = [points[len(points) // 10].loss for _, points in shown if len(points) >= 10]
        if settled:
            high = min(high, max(*settled, *(low, low)) * _FALLS_OFF)
        for line in lines:
            if line.level and line.points[0].loss < high + 2 * max(
                high - low, 0.1
            ):  # one that is far away would flatten the rest
                low, high = min(low, line.points[0].loss), max(high, line.points[0].loss)
        room = 0.04 * max(high - low, 0.02)
        return max(low - room, 1e-3), high + room

    def _set_scale(self, begin: float, end: float, low: float, high: float, *, logarithmic: bool) -> None:
        scale = math.log10 if logarithmic else float
        self.set_xlimits(scale(begin), scale(end))
        self.set_ylimits(scale(low), scale(high))
        self.set_x_formatter(_LogFormatter() if logarithmic else _StepsFormatter())
        self.set_y_formatter(_LogFormatter() if logarithmic else NumericAxisFormatter())

    def _draw(self, points: Sequence[Point], role: str, preferences: Preferences) -> None:
        points = thinned(points, max(2 * self.size.width, 20))
        xs, ys = _scaled(points, preferences)
        if len(xs) > 1:
            self.plot(xs, ys, line_style=self.style_of(role), hires_mode=_MODES[preferences.glyphs])

    def _draw_level(self, line: Line, preferences: Preferences) -> None:
        """Draw a dash in every column, at the height of the line's only point."""
        columns = max(self.size.width - self.margin_left - 2, 2)
        xs = [self._x_min + (column + 0.5) / columns * (self._x_max - self._x_min) for column in range(columns)]
        loss = line.points[0].loss
        ys = [math.log10(loss) if preferences.scale == "log" else loss] * columns
        self.scatter(xs, ys, marker=DASH, marker_style=self.style_of(line.role))

    def _mark(self, points: Sequence[Point], marker: str, role: str, preferences: Preferences) -> None:
        xs, ys = _scaled(points, preferences)
        self.scatter(xs, ys, marker=marker, marker_style=f"bold {self.style_of(role)}")


def _scaled(points: Sequence[Point], preferences: Preferences) -> tuple[list[float], list[float]]:
    if preferences.scale == "linear":
        return [point.step for point in points], [point.loss for point in points]
    points = [point for point in points if point.step >= 1 and point.loss > 0]
    return [math.log10(point.step) for point in points], [math.log10(point.loss) for point in points]
