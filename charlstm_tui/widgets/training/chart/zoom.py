"""Which part of a chart's axes is shown: all, until the mouse zooms or moves them."""

import msgspec

from charlstm_tui.widgets.training.chart.scale import Scale, moved, zoomed

_STEP = 0.8
"""What a turn of the wheel leaves of an axis."""

Axes = tuple[Scale | None, Scale | None]
"""The horizontal and the vertical axis; None where there is no room for one."""


class Zoom:
    """The two axes as the mouse left them; None for one that is shown whole."""

    def __init__(self) -> None:
        self.x: Scale | None = None
        self.y: Scale | None = None

    @property
    def active(self) -> bool:
        """Whether an axis is not shown whole."""
        return self.x is not None or self.y is not None

    def reset(self) -> None:
        """Show both axes whole."""
        self.x = self.y = None

    def turn(self, x: Scale, y: Scale, whole: Axes, *, column: int, row: int, nearer: bool) -> None:
        """Zoom around a cell by one turn of the wheel; on the axis labels, zoom only that axis."""
        factor = _STEP if nearer else 1 / _STEP
        if 0 <= column < x.cells:
            self.x = _within(zoomed(x, column, factor), whole[0])
        if 0 <= row < y.cells:
            self.y = _within(zoomed(y, y.cells - 1 - row, factor), whole[1])

    def move(self, x: Scale, y: Scale, whole: Axes, *, columns: int, rows: int) -> None:
        """Move what is shown by so many cells."""
        if columns:
            self.x = moved(x, -columns, whole[0])
        if rows:
            self.y = moved(y, rows, whole[1])

    def x_with(self, cells: int) -> Scale | None:
        """Return the horizontal axis for so many cells; None where it is shown whole."""
        return msgspec.structs.replace(self.x, cells=cells) if self.x is not None and cells > 1 else None

    def y_with(self, cells: int) -> Scale | None:
        """Return the vertical axis; None where it is shown whole, or where there are more or fewer cells now."""
        return self.y if self.y is not None and self.y.cells == cells else None


def _within(axis: Scale, whole: Scale | None) -> Scale | None:
    """Return an axis, or None where it would show all or more."""
    return axis if whole is not None and axis.step < whole.step else None
