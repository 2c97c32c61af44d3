"""Memory: how far back one to four models remember, opened from Inspect."""

from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from charlstm_tui.formatting.memory_content import (
    NO_CONTEXT,
    cell_line,
    context_lines,
    histogram_lines,
    names_of,
    notes_of,
    states_of,
)
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.jobs.memory import NamedModel, measure_models
from charlstm_tui.lessons.collect import facts_of_memory
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.found_cell import FoundCell
from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.state.preferences import Glyphs, Preferences
from charlstm_tui.widgets.common.checkpoint_select import models_in
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.inspection.gradient_chart import GradientChart, GradientCurve
from core.reports.memory import MAX_MODELS, MemoryReport, ModelMemory, Spread
from core.reports.results import Stage
from core.runs.store import RunStore
from core.text import count_of, in_one_line, shortened

HINT = f"""Space marks up to {MAX_MODELS} models, and Enter measures them on the same text.

  · the gradient: how much an earlier state moves a loss
  · the context: how many earlier characters the model uses
  · the cells of an LSTM that remember longest"""
LISTED = 40
"""Number of cells that are listed, the longest time constant first."""
INTERVAL = 1 / 15
"""Seconds between two updates of the progress."""


class ModelList(SelectionList[int]):
    """A list of models to mark: Space marks, and Enter measures."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.measure", "Measure", id="memory-list.measure")]

    def render_line(self, y: int) -> Strip:
        """Draw a model without its mark unless it is marked: Textual only changes the mark's colour."""
        left, mark, *rest = super().render_line(y)
        place = round(self.scroll_offset.y) + y
        is_marked = place < self.option_count and self.get_option_at_index(place).value in self.selected
        return Strip([left, mark if is_marked else Segment(" ", mark.style), *rest])


class Histogram(Static):
    """Shows how many cells of each model remember for how long, in bars for its own width."""

    _models: tuple[ModelMemory, ...] = ()

    def show(self, models: tuple[ModelMemory, ...]) -> None:
        """Show these models; those without cells that have a time constant are omitted."""
        self._models = tuple(model for model in models if model.time_constants)
        self._draw_bars()

    def on_resize(self) -> None:
        """Draw for the new width: it is known only once the widget was laid out."""
        self._draw_bars()

    def _draw_bars(self) -> None:
        lines = []
        for model in self._models:
            if len(self._models) > 1:
                lines.append(Content.styled(shortened(model.name, 30), "bold"))
            lines += [Content(line) for line in histogram_lines(model, self.content_size.width or 30)]
        self.update(Content("\n").join(lines))


class MemoryScreen(FitsWindow, Screen[FoundCell | None]):
    """Screen that measures how far back models remember. It returns the cell that was chosen, or None."""

    CSS_PATH = "memory.tcss"
    HELP_PAGE = "memory"
    TAKES_LESSONS = True
    AUTO_FOCUS = "#models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "measure", "Measure", id="memory.measure"),
        Binding(
            "escape",
            "leave",
            "Back",
            tooltip="stop measuring; if nothing is measured, go back to Inspect",
            id="memory.back",
        ),
        Binding("tab", "app.focus_next", "Next part", show=False, id="memory.next-part"),
    ]

    def __init__(self, store: RunStore, chosen: str = "") -> None:
        """Set it up; the model called `chosen` is marked."""
        super().__init__()
        self._models = [
            (line, NamedModel(name, store.get(name).checkpoint_path if place.is_dir() else place))
            for line, name, place in models_in(store)
        ]
        self._glyphs: Glyphs = "braille"
        self._chosen = chosen
        self._measured: tuple[NamedModel, ...] = ()
        self._report: MemoryReport | None = None
        self._cells: list[tuple[NamedModel, ModelMemory, int]] = []
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)

    def compose(self) -> ComposeResult:
        """Lay out the list of models, and what was measured."""
        with Vertical(id="page"):
            yield ModelList(
                *(
                    Selection(Content(in_one_line(line)), number, model.name == self._chosen)
                    for number, (line, model) in enumerate(self._models)
                ),
                id="models", compact=True,
            )  # fmt: skip
            yield PlainText(HINT, id="hint")
            with VerticalScroll(id="found"):
                yield PlainText(id="sentences")
                with Horizontal(id="upper"):
                    with Vertical(id="gradients"):
                        yield Static(id="legend")
                        yield GradientChart(id="chart")
                    yield Static(id="contexts")
                with Horizontal(id="lower"):
                    yield Histogram(id="histogram")
                    yield OptionList(id="cells", compact=True)
            yield PlainText(id="status")
            yield KeyBar()

    def on_mount(self) -> None:
        """Name the parts."""
        for name, title in (
            ("models", f"models, at most {MAX_MODELS}"),
            ("gradients", "gradient by distance"),
            ("contexts", "loss by characters of context"),
            ("histogram", "time constants of the forget gates, characters"),
            ("cells", "the cells that remember longest"),
        ):
            self.query_one(f"#{name}").border_title = title
        self.query_one("#cells").border_subtitle = "Enter shows one in Inspect"
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw())
        self.watch(self.app, "preferences", self._look_differently)

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self._job.drop()

    def on_resize(self, event: Resize) -> None:
        """Draw for the new size."""
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    # --- key actions

    def action_measure(self) -> None:
        """Measure the marked models; if none is marked, the one under the cursor."""
        models = self.query_one(ModelList)
        marked = sorted(models.selected) or [models.highlighted or 0]
        if not self._models:
            self._say("There is no model yet. Train one first.", trouble=True)
            return
        if self._job.running:
            return
        self._measured = tuple(self._models[number][1] for number in marked)
        self._job.start(partial(measure_models, models=self._measured), name="memory", interval=INTERVAL)
        self._say("")
        self.refresh_bindings()

    def action_leave(self) -> None:
        """Stop measuring; if nothing is measured, close the screen."""
        if self._job.running:
            self._job.stop()
        else:
            self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        return not self._job.running if action == "measure" else True

    # --- messages of the widgets and the job

    @on(SelectionList.SelectedChanged)
    def _limit(self, event: "SelectionList.SelectedChanged[int]") -> None:
        """Take the last mark back if there are too many."""
        marked = event.selection_list.selected
        if len(marked) > MAX_MODELS:
            event.selection_list.deselect(marked[-1])
            self._say(f"At most {MAX_MODELS} models can be compared.", trouble=True)

    @on(OptionList.OptionSelected, "#cells")
    def _show_cell(self, event: OptionList.OptionSelected) -> None:
        model, memory, rank = self._cells[event.option_index]
        one = memory.time_constants[rank]
        self.dismiss(FoundCell(model.name, model.path, one.layer, one.cell))

    def _take(self, items: tuple[object, ...]) -> None:
        for item in items:
            match item:
                case Doing(what=what):
                    self._say(what)
                case Stage(doing=doing, done=done):
                    self._say(f"{doing}, {done:.0%}")
                case MemoryReport():
                    self.show(self._measured, item)

    def _end(self, ending: Ending) -> None:
        if ending.error:
            self._say(ending.error, trouble=True)
        elif ending.stopped:
            self._say("Stopped.")
        self.refresh_bindings()

    def _say(self, text: str, *, trouble: bool = False) -> None:
        status = self.query_one("#status", PlainText)
        status.update(text)
        status.set_class(trouble, "-trouble")

    # --- how it is drawn

    def show(self, models: tuple[NamedModel, ...], report: MemoryReport) -> None:
        """Show what was measured; of the given models, the cells can be chosen."""
        self._report = report
        self.post_message(FactsKnown(facts_of_memory(report), counting=("memory.count",)))
        self.set_class(True, "-measured")
        self.set_class(any(model.time_constants for model in report.models), "-cells")
        self._cells = [
            (named, memory, rank)
            for named, memory in zip(models, report.models, strict=False)
            for rank in range(min(LISTED, len(memory.time_constants)))
        ]
        cells = self.query_one("#cells", OptionList)
        cells.clear_options()
        several = sum(bool(model.time_constants) for model in report.models) > 1
        cells.add_options(
            Option(Content(in_one_line(f"{named.name}, " if several else "") + cell_line(memory, rank)))
            for named, memory, rank in self._cells
        )
        cells.highlighted = 0 if self._cells else None
        measured = f"{count_of(report.places, 'place')}, {count_of(report.characters, 'scored character')}"
        about = f"{in_one_line(report.corpus)}, {report.part} part"
        self._say(" · ".join([about, measured, *notes_of(report)]))
        self._draw()
        self.call_after_refresh(self._draw)  # the widths of what was hidden until now
        self.query_one("#found").focus()

    def _look_differently(self, preferences: Preferences) -> None:
        self._glyphs = preferences.glyphs
        self._draw()

    def _draw(self) -> None:
        report = self._report
        if report is None:
            return
        between = "\n" if self.has_class("-wide") else " "
        self.query_one("#sentences", PlainText).update(between.join(report.sentences))
        chart = self.query_one(GradientChart)
        alone = len(report.models) == 1
        chart.show([_curve(model.carried, quartiles=alone) for model in report.models], self._glyphs)
        self.query_one("#legend", Static).update(self._legend(report, chart))
        note = Content.styled(NO_CONTEXT, "dim")
        self.query_one("#contexts", Static).update(Content("\n").join([_aligned(context_lines(report)), note]))
        self.query_one(Histogram).show(report.models)

    def _legend(self, report: MemoryReport, chart: GradientChart) -> Content:
        """Return the names of the curves: of one model its mean and its quartiles, of several their means."""
        if len(report.models) == 1:
            state = "cell state" if report.models[0].cell_state else "hidden state"
            return Content.assemble(
                (f"with respect to the {state}: ", "dim"), ("mean", f"bold {chart.style_of(0)}"), (", quartiles", "dim")
            )
        names = [
            Content.styled(name, f"bold {chart.style_of(place)}") for place, name in enumerate(names_of(report, 16))
        ]
        return Content("   ").join([*names, Content.styled(f"({states_of(report)})", "dim")])


def _curve(spreads: tuple[Spread, ...], *, quartiles: bool) -> GradientCurve:
    means = tuple(one.mean for one in spreads)
    if not quartiles:
        return GradientCurve(means)
    return GradientCurve(means, tuple(one.low for one in spreads), tuple(one.high for one in spreads))


def _aligned(lines: list[str]) -> Content:
    """Return the lines of a table, its heading dim."""
    return Content("\n").join([Content.styled(lines[0], "dim"), *(Content(line) for line in lines[1:])])
