"""The lists of the screen "Where else": the cells that are looked for, and the places where they are on."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from charlstm_tui.formatting.characters import drawn, with_wide_tabs
from charlstm_tui.formatting.concordance import FOUND, in_context
from charlstm_tui.widgets.common.plain_text import PlainText
from core.text import count_of, sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charlstm_tui.jobs.occurrences import CellOn, Found, Place

CONTEXT = 1_000
"""Number of characters shown before and after a place in the pane of one place."""


class CellList(OptionList):
    """The cells that are on throughout the stretch. A chosen cell is one that is looked for."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._cells: list[CellOn] = []
        self._dropped: set[int] = set()  # cells that are not looked for
        self._shares: dict[int, float] = {}

    @property
    def all(self) -> "tuple[CellOn, ...]":
        """The cells of the list."""
        return tuple(self._cells)

    @property
    def chosen(self) -> "tuple[CellOn, ...]":
        """The chosen cells."""
        return tuple(one for one in self._cells if one.cell not in self._dropped)

    def show(self, cells: "Sequence[CellOn]") -> None:
        """Show other cells; those that were not chosen before stay so."""
        self._cells, self._shares = list(cells), {}
        at = self.highlighted or 0
        self.clear_options()
        self.add_options([Option(self._line(one)) for one in cells])
        if cells:
            self.highlighted = min(at, len(cells) - 1)
        self.border_title = f"{count_of(len(cells), 'cell')} on"
        self.border_subtitle = "on elsewhere" if cells else ""

    def show_shares(self, shares: dict[int, float]) -> None:
        """Show the share of the part's characters at which each of these cells is on."""
        self._shares = shares
        self.border_subtitle = "on in the part"
        self._redraw()

    def turn(self) -> None:
        """Choose the cell under the cursor, or no longer."""
        if self.highlighted is not None and self.highlighted < len(self._cells):
            self._dropped ^= {self._cells[self.highlighted].cell}
            self._redraw()

    def _redraw(self) -> None:
        for place, one in enumerate(self._cells):
            self.replace_option_prompt_at_index(place, self._line(one))

    def _line(self, one: "CellOn") -> Content:
        share = self._shares.get(one.cell, one.elsewhere)
        if one.cell in self._dropped:
            return Content.styled(f"[ ] {one.cell:>5} {share:>8.1%}", "$text-muted")
        return Content.assemble(("[x]", "bold"), f" {one.cell:>5} ", (f"{share:>8.1%}", "$text-muted"))


class PlaceList(OptionList):
    """The places at which the most cells are on, each in a line with the stretch in the same column."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._found: Found | None = None

    @property
    def place(self) -> "Place | None":
        """The place under the cursor."""
        if self._found is None or self.highlighted is None:
            return None
        places = self._found.occurrences.places
        return places[self.highlighted] if self.highlighted < len(places) else None

    def show(self, found: "Found | None") -> None:
        """Show what was found; None for nothing."""
        self._found = found
        self.clear_options()
        self.border_title, self.border_subtitle = "places", ""
        if found is not None:
            places = found.occurrences.places
            self.add_options([Option(self._line(place)) for place in places])
            if places:
                self.highlighted = 0
            self.border_title = f"the {len(places)} best places in the {found.read.part} part"
            self.border_subtitle = "how many cells are on" if places else ""

    def on_resize(self, event: Resize) -> None:
        """Write the lines for the new width."""
        if self._found is not None:
            for number, place in enumerate(self._found.occurrences.places):
                self.replace_option_prompt_at_index(number, self._line(place))

    def _line(self, place: "Place") -> Content:
        assert self._found is not None
        count = f"{place.agreeing:>2} of {len(place.on)} "
        text, end = self._found.read.text, place.begin + len(self._found.asked.stretch)
        width = max(self.scrollable_content_region.width - len(count), 20)
        line = in_context(
            text[max(place.begin - width, 0) : place.begin], text[place.begin : end], text[end : end + width], width
        )
        return Content.assemble(count, line)


class PlacePane(VerticalScroll):
    """One place with more of the text around it."""

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield PlainText(id="around")

    def show(self, found: "Found | None", place: "Place | None") -> None:
        """Show a place; None for nothing."""
        around = self.query_one(PlainText)
        if found is None or place is None:
            around.update("")
            self.border_title = "the place"
            return
        text, end = found.read.text, place.begin + len(found.asked.stretch)
        parts = (text[max(place.begin - CONTEXT, 0) : place.begin], text[place.begin : end], text[end : end + CONTEXT])
        before, stretch, after = (drawn(with_wide_tabs(sanitise(part))) for part in parts)
        around.update(Content.assemble((before, "$text-muted"), (stretch, FOUND), (after, "$text-muted")))
        missing = [str(one.cell) for one, on in zip(found.asked.cells, place.on, strict=True) if not on]
        self.border_title = f"characters {place.begin + 1:,} to {end:,} of the {found.read.part} part"
        self.border_subtitle = f"not on here: {', '.join(missing)}" if missing else "all cells are on here"
        self.call_after_refresh(self._centre_on, before)

    def _centre_on(self, before: str) -> None:
        """Scroll so that the stretch is in the middle."""
        around = self.query_one(PlainText)
        rows = around.get_content_height(self.size, self.app.size, max(around.size.width, 1))
        above = Content(before).get_height({}, max(around.size.width, 1))
        self.scroll_to(y=min(above, rows) - 1 - self.scrollable_content_region.height // 2, animate=False)
