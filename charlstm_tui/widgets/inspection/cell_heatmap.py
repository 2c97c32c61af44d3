"""Heat map of a layer: one row per cell, one column per character of the text.

The height of a block shows the value and its colour the sign, so that the map is legible without colours, too.
"""

from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from charlstm_tui.formatting.characters import fitting, shown
from charlstm_tui.widgets.inspection.cell_rows import CellRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from charlstm_tui.jobs.inspection import Cells

BLOCKS = "▁▂▃▄▅▆▇█"
LABEL = 12
"""Columns of a row's label: the number of the cell, and the value it is sorted by."""


class CellHeatmap(CellRows):
    """Shows the activation of each cell at each character, with one selected cell and one selected character."""

    DEFAULT_CSS = """
    CellHeatmap {
        height: 1fr;
        border: round $foreground 30%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        &:focus { border: round $accent; }
        & > .cell-rows--label { color: $text-muted; }
        & > .cell-rows--chosen { color: $accent; text-style: bold; }
        & > .cell-rows--axis { color: $text-muted; }
        & > .cell-rows--high { color: $accent; }
        & > .cell-rows--low { color: $success; }
        & > .cell-rows--cursor { text-style: reverse; }
        & > .cell-rows--column { background: $primary-muted; }
        &:ansi {
            & > .cell-rows--high { color: ansi_yellow; }
            & > .cell-rows--low { color: ansi_green; }
            & > .cell-rows--column { background: ansi_default; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"cell-rows--{name}" for name in ("label", "chosen", "axis", "high", "low", "cursor", "column")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False, id="heat-map.left"),
        Binding("right", "move(1)", show=False, id="heat-map.right"),
    ]

    chosen: reactive[int] = reactive(0)
    """Rank of the selected cell in the order shown."""
    cursor: reactive[int] = reactive(0)
    """Index of the selected character."""

    class Chosen(Message):
        """Sent when another cell is selected."""

        def __init__(self, rank: int) -> None:
            super().__init__()
            self.rank = rank

    class Moved(Message):
        """Sent when another character is selected."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._text = ""
        self._levels: NDArray | None = None  # type: ignore[type-arg]  # (T, H), 0 to 7
        self._cells: Cells | None = None
        self._is_signed = False
        self._left = 0  # index of the character in the first column
        self._titles: tuple[str, ...] = ()

    def show(self, text: str, scaled: "NDArray", cells: "Cells", *, chosen: int, cursor: int, signed: bool) -> None:  # type: ignore[type-arg]
        """Show cells in the order of `cells`; `scaled` has their activations, shape (T, H), between -1 and 1.

        With `signed`, the value in the label has a sign.
        """
        self._text = "".join(map(_in_a_cell, text))
        self._levels = ((scaled + 1) * (len(BLOCKS) / 2)).astype("int8").clip(0, len(BLOCKS) - 1)
        self._cells, self._is_signed = cells, signed
        self.set_reactive(CellHeatmap.chosen, self.validate_chosen(chosen))
        self.set_reactive(CellHeatmap.cursor, self.validate_cursor(cursor))
        self._scroll()

    def entitle(self, *versions: str) -> None:
        """Show the first title that fits into the border, now and after each resize."""
        self._titles = versions
        self.border_title = fitting(self.size.width - 4, *versions)

    def validate_chosen(self, rank: int) -> int:
        """Limit the rank to the existing cells."""
        return min(max(rank, 0), max(len(self._cells.order) - 1, 0)) if self._cells is not None else 0

    def validate_cursor(self, place: int) -> int:
        """Limit the index to the text."""
        return min(max(place, 0), max(len(self._text) - 1, 0))

    def watch_chosen(self) -> None:
        """Scroll to the selected cell and send `Chosen`."""
        self._scroll()
        self.post_message(self.Chosen(self.chosen))

    def watch_cursor(self) -> None:
        """Scroll to the selected character and send `Moved`."""
        self._scroll()
        self.post_message(self.Moved(self.cursor))

    def on_resize(self) -> None:
        """Keep the selected cell and character visible; fit the title."""
        self._scroll()
        self.entitle(*self._titles)

    @property
    def _columns(self) -> int:
        return max(self.content_size.width - LABEL, 1)

    def _scroll(self) -> None:
        self._scroll_to_row(self.chosen, len(self._cells.order) if self._cells is not None else 0)
        if not self._left <= self.cursor < self._left + self._columns:
            self._left = max(self.cursor - self._columns // 2, 0)
        self._left = max(min(self._left, len(self._text) - self._columns), 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the characters (the first line) or the row of a cell."""
        width = self.content_size.width
        segments = self._axis() if y == 0 else self._row(self._top + y - 1)
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _axis(self) -> list[Segment]:
        style = self.get_component_rich_style("cell-rows--axis")
        shown = self._text[self._left : self._left + self._columns]
        return [Segment(" " * LABEL, style), *self._with_cursor([Segment(shown, style)], "cursor")]

    def _row(self, rank: int) -> list[Segment]:
        if self._cells is None or self._levels is None or rank >= len(self._cells.order):
            return []
        cell, measure = int(self._cells.order[rank]), float(self._cells.measures[rank])
        shown = f"{measure:+.2f}".replace("-", "−") if self._is_signed else f"{measure:.2f}"
        is_chosen = rank == self.chosen
        label = f"{'▸' if is_chosen else ' '}{cell:>4}{shown:>6} "
        style = self.get_component_rich_style(f"cell-rows--{'chosen' if is_chosen else 'label'}")
        levels = self._levels[self._left : self._left + self._columns, cell].tolist()
        drawn = []
        for high, run in groupby(levels, key=lambda level: level >= len(BLOCKS) // 2):
            colour = self.get_component_rich_style(f"cell-rows--{'high' if high else 'low'}")
            drawn.append(Segment("".join(BLOCKS[level] for level in run), colour))
        return [Segment(label, style), *self._with_cursor(drawn, "column")]

    def _with_cursor(self, segments: list[Segment], name: str) -> list[Segment]:
        column = self.cursor - self._left
        strip = Strip(segments)
        if not 0 <= column < strip.cell_length:
            return segments
        parts = list(strip.divide([column, column + 1, strip.cell_length]))
        style = self.get_component_rich_style(f"cell-rows--{name}", partial=True)
        parts[1] = Strip(Segment.apply_style(parts[1], post_style=style), 1)
        return [segment for part in parts for segment in part]

    def action_choose(self, by: int) -> None:
        """Select the cell `by` rows further down."""
        self.chosen += by

    def action_move(self, by: int) -> None:
        """Select the character `by` places to the right."""
        self.cursor += by

    def on_click(self, event: events.Click) -> None:
        """Select the cell and the character under the mouse."""
        if self._cells is None or (offset := event.get_content_offset(self)) is None:
            return
        if offset.y > 0:
            self.chosen = self._top + offset.y - 1
        if offset.x >= LABEL:
            self.cursor = self._left + offset.x - LABEL


def _in_a_cell(character: str) -> str:
    """Return the heading of a character's column, always one terminal cell wide."""
    if character == " ":
        return " "
    named = shown(character)
    return named if cell_len(named) == 1 else "□"
