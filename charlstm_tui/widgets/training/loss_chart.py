"""The loss chart: training loss (dim) with its running mean, validation loss, n-gram level, and other runs."""

import math
from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual import events
from textual.color import Color
from textual_hires_canvas import Canvas, HiResMode

from charlstm_tui.state.compared_runs import LETTERS
from charlstm_tui.state.loss_curve import Point, smoothed
from charlstm_tui.state.preferences import Glyphs, Preferences
from charlstm_tui.widgets.training.chart.colors import curve_colors
from charlstm_tui.widgets.training.chart.dots import Spot, curve_dots, level_dots
from charlstm_tui.widgets.training.chart.edge_labels import EdgeLabel, edge_labels
from charlstm_tui.widgets.training.chart.lines import Line
from charlstm_tui.widgets.training.chart.scale import Scale, fitting
from charlstm_tui.widgets.training.chart.view import MARKER, Curves, edge_values, in_view, loss_limits, x_limits
from charlstm_tui.widgets.training.chart.zoom import Axes, Zoom

MODES: dict[Glyphs, tuple[HiResMode, tuple[int, int]]] = {
    "braille": (HiResMode.BRAILLE, (2, 4)),
    "blocks": (HiResMode.QUADRANT, (2, 2)),
    "ascii": (HiResMode.BRAILLE, (2, 4)),  # the ASCII filter turns braille into dots and colons
}
_MIN_COLUMNS = 24
"""Minimum columns for the curves; if there are fewer, the values at the right edge are omitted."""


class _Drawing(Struct, frozen=True):
    """Layout of one drawing: the axes, the margins, the values at the edge, and the curves."""

    x: Scale
    y: Scale
    left: int
    """Number of columns to the left of the curves."""
    values: list[EdgeLabel]
    """Labels at the right edge."""
    curves: Curves

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Return the column and row, from the top left of the curves' area, of a position on the axes."""
        return math.floor(x), self.y.cells - 1 - math.floor(y)


class LossChart(Canvas):
    """Draws lines. The mouse wheel zooms, dragging moves, and a double click resets the zoom."""

    DEFAULT_CSS: ClassVar[str] = """
    LossChart {
        & > .loss-chart--axis { color: $foreground 40%; }
        & > .loss-chart--tick { color: $text-muted; }
        & > .loss-chart--train { color: $accent; }
        & > .loss-chart--validation { color: $success; }
        & > .loss-chart--baseline { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "loss-chart--axis", "loss-chart--tick", "loss-chart--train", "loss-chart--validation", "loss-chart--baseline",
    }  # fmt: skip
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._drawn: object = None
        self._shown: tuple[Sequence[Line], Preferences, str] | None = None
        self._drawing: _Drawing | None = None
        self._zoom = Zoom()

    # --- what is shown

    def show(self, lines: Sequence[Line], preferences: Preferences, of: str = "") -> None:
        """Draw lines, unless they are on screen already. `of` names the run: a new run or new axes reset the zoom."""
        if self._shown is not None and _view(self._shown[1], self._shown[2]) != _view(preferences, of):
            self._zoom.reset()
        self._shown = (lines, preferences, of)
        self.visible = any(line.points and not line.level for line in lines)  # axes without a curve have no meaning
        if not self.is_attached or not self.size.area:
            return
        colors = [self.style_of(role) for role in ("train", "raw", "validation", "baseline", "tick", "axis")]
        looks = (preferences.glyphs, preferences.smoothing, _view(preferences, of), self.size, colors)
        what = (tuple(lines), looks, self._zoom.x, self._zoom.y)
        if what == self._drawn:
            return
        self._drawn = what
        with self.batch_refresh():
            self.reset(self.size)
            self._drawing = self._lay_out(lines, preferences)
            if self._drawing is not None:
                self._draw_axes(self._drawing)
                self._draw_lines(self._drawing, lines, preferences)

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self._again()

    def notify_style_update(self) -> None:
        """Redraw in the colours of the new theme."""
        super().notify_style_update()
        self.call_later(self._again)

    def style_of(self, role: str) -> str:
        """Return the style for a role: train, raw, validation, baseline, tick, axis, or other-0 to other-5."""
        if role in ("axis", "tick", "baseline"):
            return self._color(role).rich_color.name
        train, validation, *others = curve_colors(
            self.background_colors[1], [self._color("train"), self._color("validation")], len(LETTERS)
        )
        if role == "raw":
            ground = self.background_colors[1]
            return f"dim {train.rich_color.name}" if train.ansi is not None else train.blend(ground, 0.6, 1.0).hex6
        color = {"train": train, "validation": validation}.get(role)
        return (color if color is not None else others[int(role.removeprefix("other-"))]).rich_color.name

    def _color(self, role: str) -> Color:
        color = self.get_component_rich_style(f"loss-chart--{role}").color
        return Color.from_rich_color(color)

    def _again(self) -> None:
        if self._shown is not None and self.is_attached:
            self.show(*self._shown)

    # --- what the mouse does

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom in."""
        self._turn(event, nearer=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom out, at most to the whole axes."""
        self._turn(event, nearer=False)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the visible part while a button is held."""
        event.stop()
        if self._drawing is None or not event.button:
            return
        drawing = self._drawing
        whole = self._whole_axes(drawing)
        self._zoom.move(drawing.x, drawing.y, whole, columns=event.delta_x, rows=event.delta_y)
        self._again()

    def on_click(self, event: events.Click) -> None:
        """Reset the zoom on a double click."""
        if event.chain == 2:
            self._zoom.reset()
            self._again()

    def _turn(self, event: events.MouseScrollDown | events.MouseScrollUp, *, nearer: bool) -> None:
        event.stop()
        if self._drawing is None:
            return
        drawing = self._drawing
        whole = self._whole_axes(drawing)
        column = event.x - drawing.left
        self._zoom.turn(drawing.x, drawing.y, whole, column=column, row=event.y, nearer=nearer)
        self._again()

    def _whole_axes(self, drawing: _Drawing) -> Axes:
        """Return the axes without zoom."""
        assert self._shown is not None
        lines, preferences, _ = self._shown
        x = self._x_axis(drawing.curves, preferences, drawing.x.cells)
        return x, self._loss_axis(drawing.curves, lines, preferences)

    # --- how it is drawn

    def _lay_out(self, lines: Sequence[Line], preferences: Preferences) -> _Drawing | None:
        """Return the layout of the chart, with zoomed or whole axes; None if there is no room."""
        curves = in_view(lines, preferences)
        y = self._loss_axis(curves, lines, preferences)
        if y is None:
            return None
        y = self._zoom.y_with(y.cells) or y
        left = max(map(len, y.labels)) + 2
        values = edge_labels(edge_values(curves, lines, preferences), y)
        right = 1 + max((len(value.text) for value in values), default=0)
        if self.size.width - left - right < _MIN_COLUMNS:
            values, right = [], 1
        columns = self.size.width - left - right
        x = self._zoom.x_with(columns) or self._x_axis(curves, preferences, columns)
        return _Drawing(x=x, y=y, left=left, values=values, curves=curves) if x is not None else None

    def _loss_axis(self, curves: Curves, lines: Sequence[Line], preferences: Preferences) -> Scale | None:
        low, high = loss_limits(curves, lines, preferences)
        return fitting("loss", low, high, self.size.height - 2, logarithmic=preferences.scale == "log")

    def _x_axis(self, curves: Curves, preferences: Preferences, columns: int) -> Scale | None:
        begin, end = x_limits(curves, preferences)
        return fitting(preferences.x_axis, begin, end, columns, logarithmic=preferences.scale == "log")

    def _draw_axes(self, drawing: _Drawing) -> None:
        axis, tick = self.style_of("axis"), self.style_of("tick")
        x, y, left = drawing.x, drawing.y, drawing.left
        labels = dict(zip(y.ticks, y.labels, strict=True))
        for cell in range(y.cells):
            row = y.cells - 1 - cell
            self.set_pixel(left - 1, row, "┤" if cell in labels else "│", axis)
            self._write(left - 2, row, labels.get(cell, ""), tick, align="right")
        ticks = {}
        end = 0
        for cell, label in zip(x.ticks, x.labels, strict=True):
            start = left + cell - len(label) // 2
            if start >= end and start + len(label) <= self.size.width:
                ticks[cell] = label
                end = start + len(label) + 1
                self._write(start, y.cells + 1, label, tick)
        self.set_pixel(left - 1, y.cells, "└", axis)
        for cell in range(x.cells):
            self.set_pixel(left + cell, y.cells, "┬" if cell in ticks else "─", axis)
        units = ["time" if ":" in x.labels[0] else x.kind, *(["chars"] if x.kind == "characters" else [])]
        unit = next((unit for unit in units if end + 1 + len(unit) <= self.size.width), "")
        self._write(self.size.width - 1, y.cells + 1, unit, tick, align="right")
        zoom = "zoomed" if self._zoom.active else ""
        if left + x.cells + len(zoom) < self.size.width:
            self._write(self.size.width - 1, y.cells, zoom, tick, align="right")
        for row, text, role in drawing.values:
            self._write(left + x.cells + 1, row, text, self.style_of(role))

    def _write(self, x: int, y: int, text: str, style: str, *, align: str = "left") -> None:
        start = x if align == "left" else x - len(text) + 1
        for place, character in enumerate(text):
            self.set_pixel(start + place, y, character, style)

    def _draw_lines(self, drawing: _Drawing, lines: Sequence[Line], preferences: Preferences) -> None:
        mode, dots = MODES[preferences.glyphs]
        columns, rows = drawing.x.cells, drawing.y.cells
        shown = drawing.curves

        def draw(spots: Sequence[Spot], role: str) -> None:
            self.set_hires_pixels([(x + drawing.left, y) for x, y in spots], mode, self.style_of(role))

        for line in lines:
            if line.level and line.points[0].loss > 0:
                draw(level_dots(rows - drawing.y.place(line.points[0].loss), columns, rows, dots), line.role)
        for line, points in shown:
            if line.smooth and preferences.smoothing != "off":
                draw(curve_dots(_spots(points, drawing), columns, rows, dots), "raw")
                points = smoothed(points, preferences.smoothing)
            draw(curve_dots(_spots(points, drawing), columns, rows, dots), line.role)
        for line, points in shown:
            if line.marked:
                self._mark(MARKER, points[:: max(1, math.ceil(3 * len(points) / max(columns, 1)))], line.role, drawing)
        taken: set[tuple[int, int]] = set()
        for line, points in shown:
            for mark, point in line.marks:
                if point in points:
                    self._mark(mark, [point], line.role, drawing)
            if line.letter and points:
                self._draw_letter(line, points, drawing, taken)

    def _mark(self, mark: str, points: Sequence[Point], role: str, drawing: _Drawing) -> None:
        style = f"bold {self.style_of(role)}"
        for x, y in zip(
            drawing.x.places([p.x for p in points]), drawing.y.places([p.loss for p in points]), strict=True
        ):
            column, row = drawing.cell(x, y)
            if 0 <= column < drawing.x.cells and 0 <= row < drawing.y.cells:
                self.set_pixel(drawing.left + column, row, mark, style)

    def _draw_letter(self, line: Line, points: Sequence[Point], drawing: _Drawing, taken: set[tuple[int, int]]) -> None:
        """Write a line's letter at its last point, or at the nearest cell before it that has no letter yet."""
        rows = drawing.y.cells
        cells = [(math.floor(x), math.floor(y)) for x, y in _spots(points, drawing)[-1:]]
        path = curve_dots(_spots(points, drawing), drawing.x.cells, rows, (1, 1))
        cells += [(math.floor(x), math.floor(y)) for x, y in reversed(path)]
        for column, row in cells:
            if (column, row) not in taken and 0 <= column < drawing.x.cells and 0 <= row < rows:
                taken.add((column, row))
                self.set_pixel(drawing.left + column, row, line.letter, f"bold {self.style_of(line.role)}")
                return


def _view(preferences: Preferences, of: str) -> tuple[str, str, str, str]:
    return preferences.scale, preferences.range, preferences.x_axis, of


def _spots(points: Sequence[Point], drawing: _Drawing) -> list[Spot]:
    """Return the positions of points in cells, from the top left of the curves' area."""
    xs, ys = drawing.x.places([point.x for point in points]), drawing.y.places([point.loss for point in points])
    rows = drawing.y.cells
    return [(x, rows - y) for x, y in zip(xs, ys, strict=True)]
