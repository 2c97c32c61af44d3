"""Activations of a model while it reads a text: the text, a heat map of the cells, and one cell in numbers."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Resize

from charlstm_tui.formatting.characters import fitting, shown
from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.jobs.attribution import Method, explained_at
from charlstm_tui.jobs.inspection import relation
from charlstm_tui.state.app_state import AppState
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.widgets.common.cursor_pane import CursorPane
from charlstm_tui.widgets.common.next_char_bars import NextCharBars
from charlstm_tui.widgets.inspection.attribution_lines import METHODS, SHORT_NAMES
from charlstm_tui.widgets.inspection.attribution_panel import AttributionPanel
from charlstm_tui.widgets.inspection.cell_equations import CellEquations
from charlstm_tui.widgets.inspection.cell_heatmap import CellHeatmap
from charlstm_tui.widgets.inspection.cell_text import LEGENDS, CellText
from core.settings.cell_kinds import MEMORY

if TYPE_CHECKING:
    from charlstm_tui.jobs.attribution import Checkpoint
    from charlstm_tui.jobs.inspection import Activations, Cells

BORDERS = (-0.6, -0.2, 0.2, 0.6)
"""Activations at which the five tints of the text meet."""
CHANGE = "variation"
"""Order of the cells by their deviation, which needs no property of the text to correlate with."""


class ActivationsView(Container):
    """Shows one quantity of one layer with its cells in a chosen order, and one selected cell at one character."""

    def __init__(self, hint: str, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._hint = hint
        self._author = ""
        self._cells: Cells | None = None
        self.activations: Activations | None = None
        """Activations on screen; None before the first ones."""
        self.layer_number, self.symbol, self.follow = 0, MEMORY["lstm"], CHANGE
        """Selected layer (from 0), symbol of the selected quantity, and the property by which the cells are ordered."""
        self.method: Method | None = None
        """How the text is tinted: by what mattered at the cursor, in one of two ways; None: by the cell's value."""
        self._checkpoint: Checkpoint | None = None
        self._told_place: int | None = None  # place of the cursor that a lesson was told

    def compose(self) -> ComposeResult:
        """Lay out the text above the heat map, and the numbers."""
        with Vertical(id="maps"):
            yield CellText(self._hint, id="text")
            yield CellHeatmap(id="cells")
        with Vertical(id="side"):
            yield CellEquations(id="numbers")
            yield AttributionPanel(id="mattered")
            yield NextCharBars(id="bars")

    def show(
        self, checkpoint: "Checkpoint", activations: "Activations", author: str, begin: int, *, keep_cell: bool
    ) -> None:
        """Show the activations of a model, with the cursor at character `begin`.

        The selected layer and quantity stay selected if this model has them, the selected cell only if `keep_cell`.
        """
        cell = self.cell if keep_cell and self._cells is not None else None
        layer = min(self.layer_number, activations.config.num_layers - 1)
        if layer != self.layer_number or (cell or 0) >= activations.config.hidden_size:
            cell = None
        if self.symbol not in [one.symbol for one in activations.quantities]:
            self.symbol = MEMORY[activations.config.cell]
        self._checkpoint, self.activations, self._author, self.layer_number = checkpoint, activations, author, layer
        self.add_class("-seen")
        self._arrange(cell, begin)
        text = self.query_one(CellText)
        text.show_text(activations.text[: activations.read], self._tints(), cursor=begin)
        self._retell()
        if text.has_focus:
            self.call_after_refresh(self.go_to_text)  # a flat window shows it in another widget

    def look(self, layer: int, symbol: str, follow: str) -> None:
        """Select a layer, a quantity and an order; a new layer or order selects its first cell."""
        if self.activations is None or (layer, symbol, follow) == (self.layer_number, self.symbol, self.follow):
            return
        stays = (layer, follow) == (self.layer_number, self.follow)
        cell = self.cell if stays else None
        self.layer_number, self.symbol, self.follow = layer, symbol, follow
        self._arrange(cell, self.query_one(CellHeatmap).cursor)

    def go_to_cell(self, layer: int, cell: int) -> None:
        """Select a cell of a layer."""
        if self.activations is not None:
            self.layer_number = layer
            self._arrange(cell, self.query_one(CellHeatmap).cursor)

    def choose(self, by: int) -> None:
        """Select the cell `by` rows further down."""
        self.query_one(CellHeatmap).action_choose(by)

    def can_choose(self, by: int) -> bool:
        """Return whether there is a cell `by` rows further down."""
        rows = self.query_one(CellHeatmap)
        return rows.validate_chosen(rows.chosen + by) != rows.chosen

    def go_to_text(self) -> None:
        """Focus the widget that shows the text: in a flat window, only the heat map shows it, above its rows."""
        flat = self.screen.has_class("-flat") and self.activations is not None
        self.query_one(CellHeatmap if flat else CellText).focus()

    def turn_tint(self) -> None:
        """Tint the text in the next way: by the cell's value, by gradient times input, or exactly."""
        ways: list[Method | None] = [None, *METHODS]
        self.method = ways[(ways.index(self.method) + 1) % len(ways)]
        self.set_class(self.method is not None, "-mattered")
        if self.method is None:
            self.query_one(AttributionPanel).drop()
        self._retell()

    @property
    def cell(self) -> int:
        """Number of the selected cell."""
        assert self._cells is not None
        return int(self._cells.order[self.query_one(CellHeatmap).chosen])

    def _arrange(self, cell: int | None, place: int) -> None:
        """Order the cells and select one of them, or the first if `cell` is None, at a character."""
        assert self.activations is not None
        follow = None if self.follow == CHANGE else self.follow
        self._cells = self.activations.cells(self.layer_number, self.symbol, follow)
        rank = 0 if cell is None else self._cells.order.tolist().index(cell)
        rows = self.query_one(CellHeatmap)
        rows.show(
            self.activations.text[: self.activations.read],
            self.activations.scaled(self.layer_number, self.symbol), self._cells,
            chosen=rank, cursor=place, signed=follow is not None,
        )  # fmt: skip
        self._name_rows()
        self._retell()

    def _name_rows(self) -> None:
        if self.activations is None:
            return
        measure = "deviation" if self.follow == CHANGE else "correlation with it"
        cells = f"{self._quantity}, sorted by {self.follow}"
        self.query_one(CellHeatmap).entitle(f"{cells} ({measure})", cells, self._quantity)

    @property
    def _quantity(self) -> str:
        assert self.activations is not None
        return next(one.name for one in self.activations.quantities if one.symbol == self.symbol)

    def _tints(self) -> bytes:
        assert self.activations is not None
        return self.activations.levels(self.layer_number, self.symbol, self.cell, BORDERS)

    def _retell(self) -> None:
        """Show the selected cell in the text and in numbers."""
        assert self.activations is not None
        text = self.query_one(CellText)
        if self.method is None:
            if len(text.text) == self.activations.read:
                text.tint(self._tints())
            title = f"{self._author}: the text by the {self._quantity} of cell {self.cell}"
            text.border_title = plain_title(title)
        rows = self.query_one(CellHeatmap)
        rows.border_subtitle = ""
        if self.follow != CHANGE and self._cells is not None:
            rows.border_subtitle = relation(self.cell, self.follow, float(self._cells.measures[rows.chosen]))
        self._tell_numbers()

    def _tell_numbers(self) -> None:
        if self.activations is None or self._cells is None:
            return
        place = self.query_one(CellHeatmap).cursor
        if self.method is not None:
            self._explain(self.method, place)
        self.query_one(CellEquations).show(self.activations, place, self.layer_number, self.cell)
        if isinstance(self.app, AppState) and self.app.has_lesson:
            self._tell_lesson(place)
        self.query_one(NextCharBars).show(self.activations.expected(place))

    def _tell_lesson(self, place: int) -> None:
        """Tell a lesson of the cell at the cursor."""
        assert self.activations is not None
        assert self._cells is not None
        now = self.activations.at(place, self.layer_number, self.cell)
        before = self.activations.at(place - 1, self.layer_number, self.cell)
        chosen = self.query_one(CellHeatmap).chosen
        facts: dict[str, float | str | bool | None] = {
            "model": self._author, "characters": float(self.activations.read), "quantity": self.symbol,
            "layer": self.layer_number + 1.0, "cell": float(self.cell), "place": float(place), "sort": self.follow,
            "correlation": float(self._cells.measures[chosen]) if self.follow != CHANGE else None,
            "forget": now.get("f"), "input": now.get("i"), "candidate": now.get("g"), "output": now.get("o"),
            "state": now.get("c"), "state_before": before.get("c"), "hidden": now.get("h"),
        }  # fmt: skip
        for name, factors in {"kept": ("forget", "state_before"), "added": ("input", "candidate")}.items():
            one, other = (facts[factor] for factor in factors)
            facts[name] = one * other if isinstance(one, float) and isinstance(other, float) else None
        moved = place != self._told_place and self._told_place is not None
        self._told_place = place
        counting = ("inspection.moves",) if moved else ()
        named = {f"inspection.{name}": value for name, value in facts.items()}
        self.app.post_message(FactsKnown(named, counting=counting))

    def _explain(self, method: Method, place: int) -> None:
        """Show what mattered for the character after a place, in the text and in numbers."""
        assert self.activations is not None
        assert self._checkpoint is not None
        panel, text = self.query_one(AttributionPanel), self.query_one(CellText)
        panel.consider(self._checkpoint, self.activations, place, method)
        if text.cursor == place and len(text.text) == self.activations.read:
            if panel.found is None:
                text.tint_attribution(legend=LEGENDS[method])
            else:
                attribution = panel.found.attribution
                text.tint_attribution(attribution.begin, attribution.levels(BORDERS), legend=LEGENDS[method])
        explained = explained_at(self.activations, place)
        what = f"what mattered for ‘{shown(explained.character)}’"
        which = f"{what}, which came next" if explained.came_next else f"{what}, the most probable next"
        titles = [f"{which}: {METHODS[method]}", f"{what}: {METHODS[method]}", f"{what}: {SHORT_NAMES[method]}"]
        text.border_title = plain_title(fitting(text.size.width - 4, *titles) or titles[-1])

    @on(AttributionPanel.Changed)
    def _retint(self) -> None:
        self.screen.refresh_bindings()
        if self.activations is not None:
            self._retell()

    # The text and the heat map each have a cursor. When one moves, the other is set to its current position without
    # sending a message: otherwise the two would answer each other's outdated positions forever.

    @on(CursorPane.Moved)
    def _follow_text(self) -> None:
        rows = self.query_one(CellHeatmap)
        with rows.prevent(CellHeatmap.Moved):
            rows.cursor = self.query_one(CellText).cursor
        self._tell_numbers()

    @on(CellHeatmap.Moved)
    def _follow_rows(self) -> None:
        text = self.query_one(CellText)
        with text.prevent(CursorPane.Moved):
            text.cursor = self.query_one(CellHeatmap).cursor
        self._tell_numbers()

    @on(CellHeatmap.Chosen)
    def _look_at_cell(self) -> None:
        if self.activations is not None:
            self._retell()

    def on_resize(self, event: Resize) -> None:
        """Write the numbers for the new size, and move the focus if the text is now in the other widget."""
        if self.query_one(CellText).has_focus:
            self.go_to_text()
        self.call_after_refresh(self._tell_numbers)
        self.call_after_refresh(self.query_one(AttributionPanel).show)
