"""Runs: the list of past runs, their losses and settings; resume, compare, rename or delete them."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from charlstm_tui.formatting.numbers import loss_shown, size_in_bytes
from charlstm_tui.formatting.outside_text import plain
from charlstm_tui.jobs import runs
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.screens.chart_keys import ChartKeys
from charlstm_tui.screens.dialogs import AskName, Confirm
from charlstm_tui.state.compared_runs import LETTERS, ComparedRun, PastRun, cautions, differences, with_letter
from charlstm_tui.state.preferences import Preferences
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.training.chart.legend import legend
from charlstm_tui.widgets.training.chart.lines import line_of
from charlstm_tui.widgets.training.loss_chart import LossChart
from core.errors import UserError
from core.runs.store import RunStore
from core.text import count_of, in_one_line, shortened

HINT = "Space compares runs, here and on the next run's chart. Enter resumes one."

CHART = Binding.Group("Chart", compact=True)
CHARTING = ("x_axis", "range", "scale")
"""Actions that change the display of the chart."""


class RunsScreen(FitsWindow, ChartKeys, ModalScreen[PastRun | None]):
    """Screen that lists the runs. It returns the run to resume, or None; `compared` holds the compared runs."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "resume", "Resume", id="run-list.resume"),
        Binding("space", "compare", "Compare", id="run-list.compare"),
        Binding("r", "rename", "Rename", id="run-list.rename"),
        Binding("d", "delete", "Delete", id="run-list.delete"),
        Binding("b", "x_axis", "Chart by steps, epochs, characters or seconds", group=CHART, id="run-list.x-axis"),
        Binding("t", "range", "Range of the chart: all or recent", group=CHART, id="run-list.range"),
        Binding("y", "scale", "Scale of the chart: linear or logarithmic", group=CHART, id="run-list.scale"),
        Binding("f1", "app.explain", "Help", key_display="F1", id="app.help"),
        Binding("escape,l", "leave", "Back", key_display="Esc", id="run-list.back"),
    ]

    def __init__(
        self,
        store: RunStore,
        preferences: Preferences,
        compared: tuple[ComparedRun, ...] = (),
        *,
        at: str | None = None,
    ) -> None:
        """Set it up; the cursor goes to the run called `at`."""
        super().__init__()
        self._at = at
        self.compared = compared
        self._store = store
        self._preferences = preferences
        self._runs: list[PastRun] = []
        self._job = LatestJob(self, on_items=self._add, on_end=self._end)

    def compose(self) -> ComposeResult:
        """Lay out the list, the chart and the table of differing settings."""
        with Vertical(id="page"):
            yield OptionList(id="runs")
            with Horizontal(id="beside"):
                with Vertical(id="chart-box"):
                    yield Static(id="chart-title")
                    yield LossChart(id="chart")
                    yield Static(id="cautions")
                with VerticalScroll(id="differences", can_focus=False):
                    yield Static(id="table")
            yield PlainText(HINT, id="runs-hint")
            yield KeyBar()

    def on_mount(self) -> None:
        """Load the runs in a worker thread, because there may be many."""
        self.query_one("#runs").border_title = "runs"
        self.query_one("#differences").border_title = "differences"
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw())
        self._look()
        self.watch(self.app, "preferences", self._look_differently, init=False)

    def on_unmount(self) -> None:
        """Stop all worker threads."""
        self._job.drop()

    @property
    def chosen(self) -> PastRun | None:
        """The run under the cursor."""
        place = self.query_one("#runs", OptionList).highlighted
        return self._runs[place] if place is not None and place < len(self._runs) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        run = self.chosen if self.is_mounted else None
        if action == "resume":
            return run is not None and run.can_go_on
        return run is not None if action in ("compare", "rename", "delete", *CHARTING) else True

    # --- key actions

    def action_leave(self) -> None:
        """Close the screen without a choice."""
        self.dismiss(None)

    @on(OptionList.OptionSelected)
    def action_resume(self) -> None:
        """Close the screen and return the run to resume."""
        run = self.chosen
        if run is not None and run.can_go_on:
            self.dismiss(run)
        elif run is not None:
            why = f"is {run.summary.state}: it cannot be resumed"
            if run.summary.state == "imported":
                why = "was imported: it has no training state to resume"
            self._say(f"{run.name} {why}.")

    def action_compare(self) -> None:
        """Add the run under the cursor to the comparison, or remove it."""
        if self.chosen is not None:
            self.compared = with_letter(self.compared, self.chosen)
            if len(self.compared) == len(LETTERS):
                self._say(f"A chart can show at most {len(LETTERS)} runs.")
            self._draw()

    def action_rename(self) -> None:
        """Ask for a new name."""
        run = self.chosen
        if run is not None:
            self.app.push_screen(AskName(run.name), partial(self._rename, run))

    def action_delete(self) -> None:
        """Ask for confirmation, then delete the run."""
        run = self.chosen
        if run is not None:
            size, epochs = size_in_bytes(run.summary.size), count_of(run.summary.epochs, "epoch")
            question = f"This deletes {epochs} of training and {size} of files."
            self.app.push_screen(Confirm(f"delete {run.name}", question), partial(self._delete, run))

    def _rename(self, run: PastRun, name: str | None) -> None:
        if name and name != run.name:
            try:
                self._store.rename(run.name, name)
            except UserError as error:
                self._say(str(error), trouble=True)
                return
            self.compared = tuple(other for other in self.compared if other.name != run.name)
            self._look()

    def _delete(self, run: PastRun, sure: bool | None) -> None:
        if sure:
            try:
                self._store.delete(run.name)
            except UserError as error:
                self._say(str(error), trouble=True)
                return
            self.compared = tuple(other for other in self.compared if other.name != run.name)
            self._look()

    # --- messages of the runs

    def _look(self) -> None:
        self._runs = []
        self.query_one("#runs", OptionList).clear_options()
        self._job.start(partial(runs.past_runs, store=self._store), name="runs", interval=1 / 20)

    def _add(self, items: tuple[object, ...]) -> None:
        runs = self.query_one("#runs", OptionList)
        first = not self._runs
        found = [item for item in items if isinstance(item, PastRun)]
        self._runs += found
        runs.add_options([Option(self._line(run)) for run in found])
        if first and self._runs:
            runs.highlighted = 0
        place = next((place for place, run in enumerate(self._runs) if run.name == self._at), None)
        if place is not None:
            runs.highlighted, self._at = place, None
        self._draw()

    def _end(self, ending: Ending) -> None:
        if ending.error:
            self._say(ending.error, trouble=True)
        elif not self._runs:
            self._say("There is no run yet. Esc, then s, starts one.")

    @on(LossChart.Resize)
    def _write_for_the_room(self) -> None:
        self._draw()

    @on(OptionList.OptionHighlighted)
    def _turn_to(self) -> None:
        self.refresh_bindings()
        self._draw()

    def _look_differently(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._draw()

    def _draw(self) -> None:
        """Draw the compared runs; if there are none, draw the run under the cursor."""
        runs = self.query_one("#runs", OptionList)
        for place, run in enumerate(self._runs):
            line = self._line(run)
            if runs.get_option_at_index(place).prompt != line:
                runs.replace_option_prompt_at_index(place, line)
        chosen = self.chosen
        shown = self.compared or ((ComparedRun(LETTERS[0], chosen),) if chosen is not None else ())
        lines = [line_of(other, self._preferences.x_axis) for other in shown]
        chart = self.query_one(LossChart)
        chart.show(lines, self._preferences, of=" ".join(other.letter for other in shown))
        self.query_one("#chart-title", Static).update(
            legend(lines, chart.style_of, self._preferences, (chart.size.width or 40) - 1, rows=2)
        )
        warnings = cautions([(other.letter, other.run.config, other.kind) for other in shown], self._preferences.x_axis)
        self.query_one("#cautions", Static).update(Content(" ".join(warnings)))
        table = self.query_one("#table", Static)
        table.set_class(len(self.compared) < 2, "-hint")
        table.update(self._table())

    def _table(self) -> Content:
        """Return a table of the settings in which the compared runs differ."""
        if len(self.compared) < 2:
            return Content.styled("Choose two or more runs with Space to see how their settings differ.", "dim")
        others = self.compared
        room = self.query_one("#differences").scrollable_content_region.width - 14
        width = min(max(room // len(others), 7), 12)  # per column; columns that do not fit are cut off
        heading = Content("").join(
            [Content(" " * 14), *(Content.styled(f"{o.letter:>{width}}", self._color(o)) for o in others)]
        )
        best = tuple(loss_shown(other.run.summary.best_val_loss) for other in others)
        rows = [("best loss", best), *differences([other.run for other in others])]
        lines = [
            "".join([f"{name:<14}", *(f" {_fitting(value, width - 1):>{width - 1}}" for value in values)])
            for name, values in rows
        ]
        return Content("\n").join([heading, *(plain(line) for line in lines)])

    def _line(self, run: PastRun) -> Content:
        summary = run.summary
        other = next((other for other in self.compared if other.name == run.name), None)
        letter = (other.letter, f"bold {self._color(other)}") if other is not None else (" ", "")
        room = self.query_one("#runs").scrollable_content_region.width
        date = "%d %b %H:%M" if room >= 79 else "%d %b" if room >= 73 else ""
        when = summary.created.astimezone().strftime(date) if summary.created else ""
        text = f"{shortened(summary.corpus, 12):<13} " if room >= 67 else ""
        loss = summary.best_val_loss if summary.best_val_loss is not None else summary.train_loss
        kind = "" if summary.best_val_loss is not None or loss is None else " train"
        return Content.assemble(
            letter, " ", (f"{shortened(in_one_line(summary.name), 14):<15} ", "bold"),
            f"{text}{summary.state:<11} {count_of(summary.epochs, 'epoch'):>9} ",
            f"{loss_shown(loss) if loss is not None else '':>6}", (f"{kind:<6} {when}", "dim"),
        )  # fmt: skip

    def _color(self, other: ComparedRun) -> str:
        return self.query_one(LossChart).style_of(other.role)

    def _say(self, text: str, *, trouble: bool = False) -> None:
        hint = self.query_one("#runs-hint", PlainText)
        hint.update(text)
        hint.set_class(trouble, "-trouble")


def _fitting(value: str, width: int) -> str:
    """Return a value that fits a width; only a longer value is shortened in the middle."""
    return value if len(value) <= width else shortened(value, width - 1)
