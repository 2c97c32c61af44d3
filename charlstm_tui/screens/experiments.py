"""Experiments: set one up, watch its trials, and see what made a difference."""

import contextlib
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.widgets import ContentSwitcher, Input, Select

from charlstm_tui.jobs import experiments as jobs
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.screens.base import ModeScreen, save_file
from charlstm_tui.screens.dialogs import AskFile, Confirm
from charlstm_tui.screens.experiment_keys import EXPERIMENT_KEYS
from charlstm_tui.state.app_state import AppState
from charlstm_tui.state.experiment import ExperimentView
from charlstm_tui.state.messages import OpenRun
from charlstm_tui.state.usual_run import usual_run
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.experiments.experiment_form import ExperimentForm
from charlstm_tui.widgets.experiments.experiment_panel import ExperimentPanel
from charlstm_tui.widgets.experiments.trial_list import TrialList
from core.errors import UserError
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.runs.store import RunStore
from core.settings.toml_file import as_toml
from core.text import count_of

if TYPE_CHECKING:
    from core.runs.run import RunConfig

INTERVAL = 1 / 4
"""Seconds between two updates of the screen."""
BUSY_TRAINING = "A run is being trained. Stop it, or wait for its end: an experiment needs the whole computer."


class ExperimentsScreen(ModeScreen):
    """Screen that sets up an experiment, runs it, and shows its trials and findings."""

    CSS_PATH = "experiments.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = EXPERIMENT_KEYS

    view: reactive[ExperimentView] = reactive(ExperimentView(), init=False, repaint=False)

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._experiments = ExperimentStore(store)
        self._opened = ""
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)
        self._test_job = LatestJob(self, on_items=self._take_test, on_end=self._end_test)
        self._delete_job = LatestJob(self, on_items=lambda items: None, on_end=self._end_delete)

    def compose(self) -> ComposeResult:
        """Lay out the form and the view of an experiment."""
        yield TopBar("experiments")
        with ContentSwitcher(initial="form"):
            yield ExperimentForm(self._base(), self._free_name(), id="form")
            yield ExperimentPanel(id="experiment")
        yield KeyBar()

    def on_mount(self) -> None:
        """Open the newest experiment; without one, the form is shown."""
        with contextlib.suppress(UserError):
            if names := self._experiments.all():
                self.open(names[0])

    def on_screen_resume(self) -> None:
        """Take over settings that were changed on Train."""
        if not self.is_alive and self._on_form:
            self.form.consider(self._base())

    def on_unmount(self) -> None:
        """Stop the workers; the process waits for their last save."""
        self._job.stop()
        self._test_job.drop()

    @property
    def form(self) -> ExperimentForm:
        """The form of a new experiment."""
        return self.query_one(ExperimentForm)

    @property
    def panel(self) -> ExperimentPanel:
        """The view of the current experiment."""
        return self.query_one(ExperimentPanel)

    def open(self, name: str) -> None:
        """Show an experiment."""
        self._opened = name
        self.view = ExperimentView(doing="reading the trials")
        self._switch("experiment")
        self._job.start(partial(jobs.read_experiment, store=self._store, name=name), name="trials", interval=1 / 20)

    # --- key actions

    def action_start(self) -> None:
        """Start the experiment of the form."""
        self.form.start()

    @on(ExperimentForm.StartRequested)
    def _start(self, event: ExperimentForm.StartRequested) -> None:
        event.stop()
        if self._training_is_alive:
            self.form.complain(BUSY_TRAINING)
            return
        try:
            self._experiments.create(event.experiment)
        except UserError as error:
            self.form.complain(str(error))
            return
        self._opened = event.experiment.name
        self._run(event.experiment)

    def action_resume(self) -> None:
        """Train the trials that are not over."""
        if self._training_is_alive:
            self.notify(BUSY_TRAINING, severity="warning")
        elif self.view.read is not None:
            self._run(self.view.read.experiment)

    def _run(self, experiment: Experiment) -> None:
        read = self.view.read
        if read is not None and read.experiment.name != experiment.name:
            read = None
        self.view = ExperimentView(phase="preparing", doing="starting", read=read)
        self._state.experiment_is_alive = True
        self._switch("experiment")
        self._job.start(
            partial(jobs.run_experiment, store=self._store, name=experiment.name), name="experiment", interval=INTERVAL
        )

    def action_stop(self) -> None:
        """Stop all workers; each saves its run."""
        self._job.stop()
        self.view = self.view.stopping()

    def action_open_run(self) -> None:
        """Open the run of the trial under the cursor in the list of runs."""
        trial = self.panel.trials.chosen
        if trial is not None:
            self._open_run(trial.run)

    @on(TrialList.Opened)
    def _open_chosen(self, event: TrialList.Opened) -> None:
        event.stop()
        self._open_run(event.trial.run)

    def _open_run(self, name: str) -> None:
        if not self._store.has(name):
            self.notify(f"The run {name} is on another machine, or was deleted.", severity="warning")
            return
        self.post_message(OpenRun(name))

    def action_save_preset(self) -> None:
        """Save the settings of the best combination as a file for `train --config`."""
        self.app.push_screen(AskFile(f"{self._opened}.toml", title="save the best settings"), self._save_preset)

    def _save_preset(self, name: str | None) -> None:
        found, read = self.view.findings, self.view.read
        if name and found is not None and read is not None and found.combinations:
            preset = read.experiment.as_preset(found.combinations[0].params)
            save_file(self, name, lambda: f"{as_toml(preset)}\n".encode())

    def action_test_loss(self) -> None:
        """Read the test loss of the best combination, once."""
        self._test_job.start(
            partial(jobs.best_test_loss, store=self._store, name=self._opened), name="test", interval=1 / 8
        )

    def action_new(self) -> None:
        """Set up a new experiment."""
        self.form.propose(self._free_name())
        self._switch("form")
        self.form.consider(self._base())

    def action_choose(self) -> None:
        """Choose another experiment from the list."""
        from charlstm_tui.screens.experiment_picker import ExperimentPicker

        def chosen(name: str | None) -> None:
            if name:
                self.open(name)

        self.app.push_screen(ExperimentPicker(self._experiments), chosen)

    def action_delete(self) -> None:
        """Ask for confirmation, then delete the experiment and its runs."""
        runs = [trial.run for trial in self.view.trials if trial.is_here and self._store.has(trial.run)]
        question = f"This deletes the experiment and its {count_of(len(runs), 'run')}."
        self.app.push_screen(Confirm(f"delete {self._opened}", question), partial(self._delete, runs))

    def _delete(self, runs: list[str], sure: bool | None) -> None:
        if sure:
            delete = partial(jobs.delete_experiment, store=self._store, name=self._opened, runs=runs)
            self._delete_job.start(delete, name="delete", interval=INTERVAL)

    def _end_delete(self, ending: Ending) -> None:
        if ending.error:
            self.notify(ending.error, severity="error", timeout=10)
            return
        self.view = ExperimentView()
        self.action_new()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        if not self.is_mounted or not self.query(ExperimentPanel):
            return False
        view, read = self.view, self.view.read
        on_form, alive = self._on_form, self.is_alive
        match action:
            case "start":
                return on_form and not alive
            case "resume":
                return not on_form and not alive and read is not None and view.over < read.experiment.runs
            case "stop":
                return alive and view.phase != "stopping"
            case "open_run":
                return not on_form and bool(view.begun)
            case "save_preset":
                return not on_form and view.findings is not None and bool(view.findings.combinations)
            case "test_loss":
                return not on_form and not alive and read is not None and 0 < read.experiment.runs <= view.over
            case "new" | "choose":
                return not alive and (action == "choose" or not on_form)
            case "delete":
                return not on_form and not alive and read is not None
            case "leave_field":
                return isinstance(self.focused, Input | Select)
        return True

    # --- messages of the jobs

    def _take(self, items: tuple[object, ...]) -> None:
        self.view = self.view.after(items)

    def _end(self, ending: Ending) -> None:
        ran = self.view.alive
        if ran:
            self.view = self.view.ended(ending.error)
            self._state.experiment_is_alive = False
        else:
            self.view = msgspec.structs.replace(self.view, doing="", error=ending.error)

    def _take_test(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, jobs.TestLossRead):
                self.notify(item.sentence, timeout=30)

    def _end_test(self, ending: Ending) -> None:
        if ending.error:
            self.notify(ending.error, severity="error", timeout=10)

    def watch_view(self, before: ExperimentView, view: ExperimentView) -> None:
        """Draw the experiment, and tell the top line."""
        self._state.experiment_state = f"{self._opened} · ● {view.state}" if view.alive else ""
        with contextlib.suppress(NoMatches):
            self.panel.show(view)
        if (before.phase, before.over, before.begun) != (view.phase, view.over, view.begun):
            self.refresh_bindings()

    @property
    def is_alive(self) -> bool:
        """Whether an experiment is running."""
        return self.view.alive

    @property
    def _state(self) -> AppState:
        assert isinstance(self.app, AppState)
        return self.app

    @property
    def _training_is_alive(self) -> bool:
        return self._state.training.alive

    @property
    def _on_form(self) -> bool:
        return self.query_one(ContentSwitcher).current == "form"

    def _switch(self, view: str) -> None:
        self.query_one(ContentSwitcher).current = view
        self.set_focus(self.panel.trials if view == "experiment" else None)
        self.refresh_bindings()

    def _base(self) -> "RunConfig":
        return self._state.next_run or usual_run()

    def _free_name(self) -> str:
        """Return a name that no experiment has."""
        number = 1
        while self._experiments.has(f"experiment-{number}"):
            number += 1
        return f"experiment-{number}"
