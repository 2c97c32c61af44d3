"""Zoom of the loss chart: the part of its axes that the mouse has chosen."""

import msgspec

from charlstm_tui.widgets.training.chart.scale import Scale, moved, zoomed

_STEP = 0.8
"""Share of the visible range that remains after one step of the wheel."""

Axes = tuple[Scale | None, Scale | None]
"""The horizontal and the vertical axis; None if there is no room for one."""


class Zoom:
    """The two axes after zooming and moving; None for an axis that is shown whole."""

    def __init__(self) -> None:
        self.x: Scale | None = None
        self.y: Scale | None = None

    @property
    def active(self) -> bool:
        """Whether at least one axis is zoomed."""
        return self.x is not None or self.y is not None

    def reset(self) -> None:
        """Show both axes whole."""
        self.x = self.y = None

    def turn(self, x: Scale, y: Scale, whole: Axes, *, column: int, row: int, nearer: bool) -> None:
        """Zoom around a cell by one step of the wheel; outside the curves, at an axis, zoom that axis alone."""
        factor = _STEP if nearer else 1 / _STEP
        if 0 <= column < x.cells:
            self.x = _within(zoomed(x, column, factor), whole[0])
        if 0 <= row < y.cells:
            self.y = _within(zoomed(y, y.cells - 1 - row, factor), whole[1])

    def move(self, x: Scale, y: Scale, whole: Axes, *, columns: int, rows: int) -> None:
        """Move the visible part by a number of cells."""
        if columns:
            self.x = moved(x, -columns, whole[0])
        if rows:
            self.y = moved(y, rows, whole[1])

    def x_with(self, cells: int) -> Scale | None:
        """Return the zoomed horizontal axis for a number of cells; None if it is shown whole."""
        return msgspec.structs.replace(self.x, cells=cells) if self.x is not None and cells > 1 else None

    def y_with(self, cells: int) -> Scale | None:
        """Return the zoomed vertical axis; None if it is shown whole or the number of cells has changed."""
        return self.y if self.y is not None and self.y.cells == cells else None


def _within(axis: Scale, whole: Scale | None) -> Scale | None:
    """Return the axis, or None if it would show as much as the whole axis or more."""
    return axis if whole is not None and axis.step < whole.step else None
