"""The trials of an experiment, best first: values, seed, a sparkline of the validation losses, the lowest of them."""

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from charlstm_tui.formatting.numbers import loss_shown
from charlstm_tui.formatting.sparkline import sparkline
from charlstm_tui.state.experiment import ExperimentView
from core.experiments.results import TrialResult
from core.experiments.varied import field_named

MAX_SHOWN = 200
"""Maximum number of trials in the list: the best, and those in progress. `sweep show` lists all."""
SPARKLINE = 8
"""Cells of a sparkline."""


class TrialList(OptionList):
    """List of trials. Enter opens the run of the one under the cursor."""

    DEFAULT_CSS: ClassVar[str] = """
    TrialList { text-wrap: nowrap; text-overflow: ellipsis; scrollbar-size: 1 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Open run", id="trials.open")]

    class Opened(Message):
        """A trial was chosen."""

        def __init__(self, trial: TrialResult) -> None:
            super().__init__()
            self.trial = trial

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id, compact=True)
        self._view = ExperimentView()
        self._trials: tuple[TrialResult, ...] = ()
        self._drawn: list[Content] = []
        self._header = ""

    @property
    def chosen(self) -> TrialResult | None:
        """The trial under the cursor."""
        place = self.highlighted
        return self._trials[place] if place is not None and place < len(self._trials) else None

    def show(self, view: ExperimentView) -> None:
        """Show the trials of an experiment; the cursor stays on its trial."""
        before = self.chosen
        self._view, self._trials = view, _shown(view)
        lines = self._all_lines()
        if len(lines) != self.option_count:
            self.clear_options()
            self.add_options([Option(line) for line in lines])
        else:
            for place, line in enumerate(lines):
                if not self._drawn[place].is_same(line):
                    self.replace_option_prompt_at_index(place, line)
        self._drawn = lines
        places = {trial.number: place for place, trial in enumerate(self._trials)}
        if before is not None and before.number in places:
            self.highlighted = places[before.number]
        elif self._trials and self.highlighted is None:
            self.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the run of a trial."""
        event.stop()
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    @property
    def header(self) -> str:
        """The titles of the columns."""
        return self._header

    def _all_lines(self) -> list[Content]:
        """Return the lines of all trials, and set the header.

        The loss comes first: a line that is too long is cut at its end.
        """
        names = list(self._trials[0].params) if self._trials else []
        titles = [*(field_named(name).title for name in names), "seed", "run"]
        rows = [
            [*(field_named(name).show(trial.params[name]) for name in names), str(trial.seed), str(trial.number)]
            for trial in self._trials
        ]
        widths = [max(cell_len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
        losses = [loss for trial in self._trials for loss in trial.losses.values()]
        low, high = min(losses, default=0.0), max(losses, default=1.0)
        states = max((len(self._state_of(trial)) for trial in self._trials), default=0)
        gap = " " * (states + 2) if states else ""
        self._header = f"{'best':>6}  {'losses':<{SPARKLINE}}  {gap}{_columns(titles, widths)}" if rows else ""
        if len(self._trials) < self._view.begun:
            self._header += f"   the best {MAX_SHOWN} of {self._view.begun:,}"
        return [
            self._line(trial, _columns(row, widths), states, low, high)
            for trial, row in zip(self._trials, rows, strict=True)
        ]

    def _line(self, trial: TrialResult, columns: str, states: int, low: float, high: float) -> Content:
        course = sparkline(list(trial.losses.values()), SPARKLINE, low, high)
        state = f"{self._state_of(trial):<{states}}  " if states else ""
        return Content.assemble(
            f"{loss_shown(trial.best_so_far):>6}  ",
            (f"{course:<{SPARKLINE}}  ", "$accent"),
            (state, "$accent" if trial.number in self._view.in_progress else "$text-muted"),
            columns,
        )

    def _state_of(self, trial: TrialResult) -> str:
        """Return the progress of a trial in progress, and the state of one that is not finished."""
        share = self._view.in_progress.get(trial.number)
        return f"{share:.0%}" if share is not None else "" if trial.state == "finished" else trial.state


def _shown(view: ExperimentView) -> tuple[TrialResult, ...]:
    """Return the trials of the list: with thousands, a change of all lines would stop the screen for a second."""
    trials = view.trials
    if len(trials) <= MAX_SHOWN:
        return trials
    return trials[:MAX_SHOWN] + tuple(trial for trial in trials[MAX_SHOWN:] if trial.number in view.in_progress)


def _columns(cells: list[str], widths: list[int]) -> str:
    """Return a line of columns, aligned to the right."""
    return "  ".join(" " * (width - cell_len(cell)) + cell for cell, width in zip(cells, widths, strict=True))
