"""A table of names, right-aligned numbers and dim units. It keeps its rightmost column free."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

NAME, NUMBER = 11, 12
"""Widths in columns of a name, and of a number if it fits."""


class Quantity(NamedTuple):
    """A line of the table."""

    name: str
    number: str
    unit: str = ""
    is_told_by_name: bool = True
    """Whether the unit may be omitted, because the name implies it; the unit of a size may not."""


class NumberTable(Static):
    """Shows quantities, one line each."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._quantities: Sequence[Quantity] = ()
        self._shown: object = None

    def show(self, quantities: Sequence[Quantity]) -> None:
        """Replace the quantities."""
        self._quantities = quantities
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._draw()

    def _draw(self) -> None:
        lines = self.lines(self.content_size.width)
        if lines != self._shown:  # without a new layout, which would slow the training: the size stays
            self._shown = lines
            self.update(Content("\n").join(lines), layout=False)

    def lines(self, width: int) -> list[Content]:
        """Return the lines for a width in columns, of which the rightmost stays free."""
        units = max((cell_len(quantity.unit) for quantity in self._quantities), default=0)
        widest = max((cell_len(quantity.number) for quantity in self._quantities), default=0)
        for number in (NUMBER, max(widest, 8)):
            if NAME + number + 1 + units < width:
                return [
                    Content.assemble((f"{one.name:<{NAME}}", "dim"), f"{one.number:>{number}} ", (one.unit, "dim"))
                    for one in self._quantities
                ]
        bare = [one.number if one.is_told_by_name else f"{one.number} {one.unit}" for one in self._quantities]
        room = min(NUMBER, max(width - NAME - 1, 1))
        return [
            Content.assemble((f"{one.name:<{NAME}}", "dim"), f"{number:>{room}}")
            for one, number in zip(self._quantities, bare, strict=True)
        ]
