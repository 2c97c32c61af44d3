"""The cells of a layer and what silencing each of them costs: one row per cell, with one under the cursor."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from charlstm_tui.formatting.characters import fitting
from charlstm_tui.formatting.silencing_content import signed
from charlstm_tui.widgets.inspection.cell_rows import CellRows
from core.reports.silencing import RankedCell

HEADING = "    cell estimate   exact"
"""Heading of the columns."""


class CellRanking(CellRows):
    """Shows cells with the estimated and the exact cost of their silencing, in nats; marks those that are silenced."""

    DEFAULT_CSS = """
    CellRanking {
        border: round $foreground 30%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        &:focus { border: round $accent; }
        & > .cell-ranking--heading { color: $text-muted; }
        & > .cell-ranking--estimate { color: $text-muted; }
        & > .cell-ranking--chosen { color: $accent; text-style: bold; }
        & > .cell-ranking--silenced { text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"cell-ranking--{name}" for name in ("heading", "estimate", "chosen", "silenced")
    }
    rank: reactive[int] = reactive(0)
    """Rank of the cell under the cursor."""

    class Clicked(Message):
        """Sent when the cell under the cursor is clicked again."""

    def __init__(self, cells: int, chosen: int, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        """Show the numbers of `cells` cells, until their costs are known, with the cursor at the cell `chosen`."""
        super().__init__(id=id)
        self._cells: Sequence[RankedCell | None] = (None,) * cells
        self._numbers: list[int] = list(range(cells))
        self._silenced: frozenset[int] = frozenset()
        self._titles: tuple[str, ...] = ()
        self.set_reactive(CellRanking.rank, chosen)

    @property
    def cell(self) -> int:
        """Number of the cell under the cursor."""
        return self._numbers[self.rank]

    def show(self, cells: Sequence[RankedCell]) -> None:
        """Show these cells in this order; the cursor stays at its cell."""
        cell = self.cell
        self._cells, self._numbers = cells, [one.cell for one in cells]
        self.set_reactive(CellRanking.rank, self._numbers.index(cell) if cell in self._numbers else 0)
        self._scroll()

    def forget(self) -> None:
        """Show the numbers of the cells in this order without costs."""
        self._cells = (None,) * len(self._numbers)
        self.refresh()

    def mark(self, silenced: frozenset[int]) -> None:
        """Mark the silenced cells, given by their numbers."""
        self._silenced = silenced
        self.refresh()

    def entitle(self, *versions: str) -> None:
        """Show the first title that fits into the border, now and after each resize."""
        self._titles = versions
        self.border_title = fitting(self.size.width - 4, *versions)

    def validate_rank(self, rank: int) -> int:
        """Limit the rank to the existing cells."""
        return min(max(rank, 0), len(self._numbers) - 1)

    def watch_rank(self) -> None:
        """Scroll to the cell under the cursor."""
        self._scroll()

    def on_resize(self) -> None:
        """Keep the cursor visible; fit the title."""
        self._scroll()
        self.entitle(*self._titles)

    def _scroll(self) -> None:
        self._scroll_to_row(self.rank, len(self._numbers))
        place = f"{self.rank + 1:,} of {len(self._numbers):,}"
        versions = (f"{place} · Home: first", f"{place} · Home", place) if self._top else (place,)
        self.border_subtitle = fitting(self.size.width - 4, *versions)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the heading (the first line) or the row of a cell."""
        width = self.content_size.width
        if y == 0:
            segments = [Segment(HEADING, self.get_component_rich_style("cell-ranking--heading"))]
        else:
            segments = self._row(self._top + y - 1)
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _row(self, rank: int) -> list[Segment]:
        if rank >= len(self._numbers):
            return []
        number, costs = self._numbers[rank], self._cells[rank]
        is_silenced = number in self._silenced
        estimate = "" if costs is None else _cost(costs.estimate)
        exact = "" if costs is None or costs.exact is None else _cost(costs.exact)
        name = "chosen" if rank == self.rank else "silenced" if is_silenced else ""
        style = self.get_component_rich_style(f"cell-ranking--{name}") if name else self.rich_style
        dim = style if name == "chosen" else self.get_component_rich_style("cell-ranking--estimate")
        marks = f"{'▸' if rank == self.rank else ' '}{'●' if is_silenced else ' '}"
        return [Segment(f"{marks} {number:>5}", style), Segment(f"{estimate:>9}", dim), Segment(f"{exact:>8}", style)]

    def action_choose(self, by: int) -> None:
        """Move the cursor by rows."""
        self.rank += by

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row under the mouse; post `Clicked` if it is there already."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < 1 or self._top + offset.y - 1 >= len(self._numbers):
            return
        rank = self._top + offset.y - 1
        if rank == self.rank:
            self.post_message(self.Clicked())
        self.rank = rank


def _cost(nats: float) -> str:
    """Return a cost in at most seven columns, up to 99,999 nats."""
    return signed(nats, 2 if abs(nats) < 1000 else 0)
