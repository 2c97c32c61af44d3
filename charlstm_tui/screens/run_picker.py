"""Choosing a run to go on with: those that were stopped, or cut off."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from charlstm_tui import bridge
from charlstm_tui.bridge import Job
from charlstm_tui.numbers import count_of, loss_shown
from core.runs import RunStore
from core.summary import RunSummary
from core.text import in_one_line, sanitise, shortened


class RunPicker(ModalScreen[str | None]):
    """Answers with the name of a run, or None."""

    CSS_PATH = "run_picker.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._names: list[str] = []
        self._job: Job | None = None

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(id="picker"):
            yield OptionList(id="runs")
            yield Static("looking for runs", id="picker-hint")
            yield Footer()

    def on_mount(self) -> None:
        """Look for the runs, in a thread: there may be many."""
        self.query_one("#runs").border_title = "runs that can go on"
        self._job = Job(self, partial(bridge.unfinished_runs, store=self._store), name="runs", interval=1 / 20)

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        if self._job is not None:
            self._job.stop()

    @on(Job.Said)
    def _listen(self, message: Job.Said) -> None:
        runs = self.query_one("#runs", OptionList)
        first = not self._names
        for item in message.items:
            if isinstance(item, RunSummary):
                self._names.append(item.name)
                runs.add_option(Option(_line(item)))
        if first and self._names:
            runs.highlighted = 0

    @on(Job.Ended)
    def _end(self, message: Job.Ended) -> None:
        self._job = None
        hint = "Enter goes on with the run from where it was, with its own settings."
        if not self._names:
            hint = "No run was stopped or cut off."
        self.query_one("#picker-hint", Static).update(Content(sanitise(message.error or hint)))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._names[event.option_index])


def _line(run: RunSummary) -> Content:
    when = run.created.astimezone().strftime("%d %b %H:%M") if run.created else ""
    return Content.assemble(
        (f"{shortened(in_one_line(run.name), 14):<15} ", "bold"),
        f"{shortened(run.corpus, 14):<15} {run.state:<11} {count_of(run.epochs, 'epoch'):>9} ",
        f"{loss_shown(run.best_val_loss) if run.best_val_loss is not None else '':>6}",
        (f"  {when}", "dim"),
    )
