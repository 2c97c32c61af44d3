"""Where else: the places of the model's text at which the same cells are on as in a stretch of Inspect's text."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input, OptionList, Select

from charlstm_tui.formatting.characters import in_a_row, shorten_middle
from charlstm_tui.jobs import occurrences
from charlstm_tui.jobs.job import WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.jobs.occurrences import Asked, Found, PartRead, PartReader, Reading, Subject, Unkept
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.job_events import Doing
from charlstm_tui.widgets.common.fitting_text import FittingText
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.evaluation.progress_line import ProgressLine
from charlstm_tui.widgets.inspection.occurrence_choices import OccurrenceChoices
from charlstm_tui.widgets.inspection.occurrence_lists import CellList, PlaceList, PlacePane
from core.errors import UserError
from core.settings.number_parsing import read_number

NO_CELLS = "No cell is on throughout this stretch. Lower the threshold, or choose a shorter stretch."
NONE_CHOSEN = "No cell is chosen. Space chooses the one under the cursor."


class OccurrencesScreen(FitsWindow, Screen[None]):
    """Screen that shows the cells which are on in a stretch, and the best places of a part of the model's text."""

    CSS_PATH = "occurrences.tcss"
    HELP_PAGE = "where_else"
    AUTO_FOCUS = "#cells-on"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "turn_cell",
            "Cell",
            key_display="Space",
            tooltip="look for this cell, or not",
            id="where-else.cell",
        ),
        Binding("c,enter", "context", "Context", tooltip="more of the text around the place", id="where-else.context"),
        Binding("r", "read", "Read", tooltip="read the rest of the part", id="where-else.read"),
        Binding("p", "part", "Part", tooltip="search the next part of the model's text", id="where-else.part"),
        Binding("t", "threshold", "Threshold", tooltip="the value from which a cell is on", id="where-else.threshold"),
        Binding(
            "o", "around", "Around", tooltip="whether cells must be off right before and after", id="where-else.around"
        ),
        Binding("escape", "leave_field", "Leave the field", show=False, id="where-else.back"),
        Binding("escape", "stop", "Stop", key_display="Esc", id="where-else.back"),
        Binding("escape", "leave", "Back", key_display="Esc", id="where-else.back"),
    ]

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject
        self._threshold = occurrences.default_threshold()
        self._reader = PartReader(subject)
        self._reading = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._searching = LatestJob(self, on_items=self._show, on_end=self._end_search)
        self._read: PartRead | None = None
        self._found: Found | None = None
        self._note = ""  # why the values could not be kept

    def compose(self) -> ComposeResult:
        """Lay out the choices, the two lists and the pane of one place."""
        with Vertical(id="page"):
            yield FittingText(*self._titles(), id="occurrences-of")
            yield OccurrenceChoices(self._threshold, id="occurrences-choices")
            with Horizontal(id="cells-and-places"):
                yield CellList(id="cells-on")
                with Vertical():
                    yield PlaceList(id="places")
                    yield PlacePane(id="place", can_focus=False)
            yield ProgressLine(id="progress")
            yield PlainText(id="occurrences-status")
            yield KeyBar()

    def on_mount(self) -> None:
        """Choose the cells and start to read."""
        self._choose_cells()

    def on_unmount(self) -> None:
        """Stop all worker threads."""
        self._reading.drop()
        self._searching.drop()

    def _titles(self) -> list[str]:
        """Return the title, the longest version first: the stretch, and what is looked at."""
        subject = self._subject
        of = f" · {in_a_row(subject.name)}, layer {subject.layer + 1}, {subject.quantity}"
        stretches = [f"where else “{shorten_middle(in_a_row(subject.stretch), width)}”" for width in (80, 40, 20)]
        return [*(stretch + of for stretch in stretches), stretches[-1]]

    @property
    def cells(self) -> CellList:
        """The cells that are on throughout the stretch."""
        return self.query_one(CellList)

    @property
    def places(self) -> PlaceList:
        """The places that were found."""
        return self.query_one(PlaceList)

    @property
    def choices(self) -> OccurrenceChoices:
        """The part, the threshold, and what is around a place."""
        return self.query_one(OccurrenceChoices)

    # --- key actions

    @on(OptionList.OptionSelected, "#cells-on")
    def action_turn_cell(self) -> None:
        """Look for the cell under the cursor, or no longer."""
        self.cells.turn()
        self._search()

    @on(OptionList.OptionSelected, "#places")
    def action_context(self) -> None:
        """Show or hide the pane with more of the text around the place."""
        self.toggle_class("-context")
        self._show_place()

    def action_part(self) -> None:
        """Search the next part."""
        self.choices.turn_part()

    def action_threshold(self) -> None:
        """Focus the box of the threshold."""
        self.choices.focus_threshold()

    def action_around(self) -> None:
        """Require, or no longer, that the cells are off right before and right after the stretch and a place."""
        self.choices.turn_around()

    def action_read(self) -> None:
        """Read the rest of the part."""
        self._look()

    def action_stop(self) -> None:
        """Stop reading; what was read so far is searched."""
        self._reading.stop()

    def action_leave_field(self) -> None:
        """Leave the box of the threshold."""
        self.cells.focus()

    def action_leave(self) -> None:
        """Return to Inspect."""
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        if not self.is_mounted:
            return False
        match action:
            case "turn_cell":
                return self.cells.has_focus and bool(self.cells.option_count)
            case "context":
                return self.places.place is not None
            case "read":
                return not self._reading.running and not self._is_read and bool(self.cells.option_count)
            case "stop":
                return self._reading.running
            case "leave_field":
                return isinstance(self.focused, Input)
            case "threshold":
                return not isinstance(self.focused, Input)
        return True

    # --- reading and searching

    @on(Select.Changed, "#around-it")
    def _choose_cells(self) -> None:
        """Show the cells that are on throughout the stretch, and look for them."""
        self._forget()
        self.cells.show(occurrences.cells_of(self._subject, self._threshold, bounded=self.choices.bounded))
        self._look()

    @on(Select.Changed, "#part")
    def _choose_part(self) -> None:
        if self._read is None or self._read.part != self.choices.part:
            self._forget()
            self._look()

    @on(Input.Submitted, "#threshold")
    def _submit_threshold(self) -> None:
        self.cells.focus()

    @on(Input.Blurred, "#threshold")
    def _take_threshold(self, event: Input.Blurred) -> None:
        try:
            threshold = read_number(event.value, float)
        except UserError as error:
            self._say(str(error), trouble=True)
            return
        if threshold != self._threshold:
            self._threshold = threshold
            self._choose_cells()

    def _forget(self) -> None:
        """Remove what was found for an earlier question."""
        self._searching.drop()
        self._found = None
        self._say("")
        self.places.show(None)
        self._show_place()

    @property
    def _is_read(self) -> bool:
        """Whether all cells of the list were recorded over the whole part."""
        read = self._read
        return (
            read is not None and read.part == self.choices.part and read.is_complete
            and read.has(one.cell for one in self.cells.all)
        )  # fmt: skip

    def _look(self) -> None:
        """Read the part unless that was done, and search it."""
        cells = [one.cell for one in self.cells.all]
        if not cells:
            self._reading.drop()
            self._finish_reading()
            self._say(NO_CELLS)
        elif self._is_read:
            self._search()
        else:
            self._note = ""
            self.query_one(ProgressLine).begin()
            self.add_class("-reading")
            self._say("")
            read = partial(self._reader.read, part=self.choices.part, cells=cells)
            self._reading.start(read, name="occurrences", interval=WRITING_INTERVAL)
            self.refresh_bindings()

    def _follow(self, items: tuple[object, ...]) -> None:
        progress = self.query_one(ProgressLine)
        for item in items:
            match item:
                case Doing(what=what):
                    progress.show(what, None)
                case Reading(done=done):
                    progress.show(f"reading the {self.choices.part} part", done)
                case Unkept(why=why):
                    self._note = f"{why} The values are in memory only."
                case PartRead():
                    self._read = item
                    self._search()

    def _end(self, ending: Ending) -> None:
        self._finish_reading()
        if ending.error:
            self._say(ending.error, trouble=True)
        elif ending.stopped and self._found is None:
            self._say("Stopped before anything could be searched. r reads.")

    def _finish_reading(self) -> None:
        self.remove_class("-reading")
        self.refresh_bindings()

    def _search(self) -> None:
        """Search what was read for the chosen cells."""
        read, cells = self._read, self.cells.chosen
        if read is None or read.part != self.choices.part or not read.has(one.cell for one in self.cells.all):
            return
        if not cells:
            self._forget()
            self._say(NONE_CHOSEN)
            return
        bounded, stretch = self.choices.bounded, self._subject.stretch
        asked = Asked(cells=cells, threshold=self._threshold, bounded=bounded, stretch=stretch)
        self._searching.start(
            partial(occurrences.search, read=read, asked=asked), name="search", interval=WRITING_INTERVAL
        )

    def _show(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, Found):
                self._found = item
                shares = zip(item.asked.cells, item.occurrences.shares, strict=True)
                self.cells.show_shares({one.cell: share for one, share in shares})
                self.places.show(item)
                self._say(f"{item.sentence} {self._note}".strip())
                self._show_place()
                self.refresh_bindings()

    def _end_search(self, ending: Ending) -> None:
        if ending.error:
            self._say(ending.error, trouble=True)

    @on(OptionList.OptionHighlighted, "#places")
    def _show_place(self) -> None:
        self.query_one(PlacePane).show(self._found, self.places.place)

    def _say(self, text: str, *, trouble: bool = False) -> None:
        status = self.query_one("#occurrences-status", PlainText)
        status.update(text)
        status.display = bool(text)
        status.set_class(trouble, "-trouble")
