"""Train: the settings before a run, and the run."""

import contextlib
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.widgets import Button, ContentSwitcher, Input

from charlstm_tui.screens.base import ModeScreen
from charlstm_tui.screens.chart_keys import ChartKeys
from charlstm_tui.screens.run_dialogs import RunDialogs
from charlstm_tui.screens.training_keys import BINDINGS, is_offered
from charlstm_tui.state.compared_runs import ComparedRun, PastRun
from charlstm_tui.state.messages import (
    EvaluateRun,
    GenerateFrom,
    PauseTraining,
    SampleNow,
    StartTraining,
    StopTraining,
)
from charlstm_tui.state.preferences import Preferences
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.lessons.lesson_offer import LessonOffer
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from charlstm_tui.widgets.training.sample_view import SampleView
from charlstm_tui.widgets.training.settings_panel import SettingsPanel
from core.runs.store import RunStore

if TYPE_CHECKING:
    from charlstm_tui.widgets.training.run_view import RunView

FEW_ROWS = 20
"""Number of rows below which the sparkline is hidden."""


class TrainingScreen(ChartKeys, ModeScreen):
    """Screen that chooses a text and settings, starts and stops a run, and shows its losses and its summary."""

    CSS_PATH = "training.tcss"
    AUTO_FOCUS = ""  # a field with the focus would receive the keys meant for the run
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    compared: reactive[tuple[ComparedRun, ...]] = reactive((), init=False, repaint=False)
    """Past runs that are drawn on the chart of the current run."""

    def __init__(self, store: RunStore, preferences: Preferences) -> None:
        super().__init__()
        self._store = store
        self._preferences = preferences
        self._dialogs = RunDialogs(self, store, self._complain)
        self._another_follows = False  # start a new run after this one is stopped
        self.laid_out = False
        """Whether the form of the settings exists; it is made after the first paint."""
        self.training = TrainingView()

    def compose(self) -> ComposeResult:
        """Lay out the screen; the view of a run is made when a run starts."""
        yield TopBar("train")
        with ContentSwitcher(initial="settings"):
            yield SettingsPanel(self._store, self._preferences.run, id="settings")
        yield KeyBar()

    def on_mount(self) -> None:
        """Watch the app's training run."""
        # Called through the app, because only its own callbacks come after the first paint, 0.15 s before the form.
        self.app.call_later(self.app.call_after_refresh, self._lay_out_settings)

    async def _lay_out_settings(self) -> None:
        await self.panel.lay_out()
        self.laid_out = True
        self.refresh_bindings()
        self.watch(self.app, "training", self._show)
        self.watch(self.app, "preferences", self._look_differently, init=False)

    def on_resize(self, event: events.Resize) -> None:
        """Hide the least important lines in a window with few rows."""
        self.set_class(event.size.height < FEW_ROWS, "-short")

    @property
    def panel(self) -> SettingsPanel:
        """The settings of the next run."""
        return self.query_one(SettingsPanel)

    def action_decline_offer(self) -> None:
        """Decline the lessons, or the lesson, that are offered in a line."""
        for offer in self.query(LessonOffer):
            offer.post_message(LessonOffer.Declined())

    # --- key actions: start and resume

    def action_start(self) -> None:
        """Start a run with the settings on screen."""
        self.panel.start()

    @on(SettingsPanel.StartRequested)
    def _start(self, event: SettingsPanel.StartRequested) -> None:
        self.post_message(StartTraining(event.config))

    def action_go_to_start(self) -> None:
        """Focus the button that starts the training."""
        self.query_one("#start", Button).focus()

    def action_choose_text(self) -> None:
        """Choose a text from a list or from the folders of this computer; other fields may be invalid."""
        from charlstm_tui.screens.text_picker import TextPicker

        form = self.panel.form
        encoding, errors = form.reading_or_usual
        picker = TextPicker(
            folder=self.panel.folder,
            limit=form.text.limit_or_none,
            validation=form.validation_or_usual,
            encoding=encoding,
            encoding_errors=errors,
            skip_unreadable=form.skips_unreadable,
        )
        self.app.push_screen(picker, self.panel.take_text)

    def action_fetch(self) -> None:
        """Download Molière's plays."""
        self.panel.fetch_line.fetch()

    def action_stop_fetching(self) -> None:
        """Stop the download."""
        self.panel.fetch_line.stop()

    def action_all_settings(self) -> None:
        """Show or hide the less important settings."""
        self.panel.form.toggle_rest()

    def action_resume(self) -> None:
        """Resume the run that was just stopped; otherwise open the list of runs."""
        if self.training.can_go_on and self.training.started is not None and not self._on_settings:
            self._dialogs.resume(self.training.started.run)
        else:
            self.action_runs()

    def action_more_epochs(self) -> None:
        """Ask for the number of epochs to add to the finished run on screen."""
        started, config = self.training.started, self.training.config
        if started is not None and config is not None:
            self._dialogs.ask_for_more(started.run, config, len(self.training.epochs))

    def action_runs(self) -> None:
        """Open the list of past runs."""
        self.open_run(None)

    def open_run(self, name: str | None) -> None:
        """Open the list of past runs, with the cursor at this one."""
        from charlstm_tui.screens.runs import RunsScreen

        runs = RunsScreen(self._store, self._preferences, self.compared, at=name)

        def back(chosen: PastRun | None) -> None:
            self.compared = runs.compared
            if chosen is not None:
                self._dialogs.resume_chosen(chosen)

        self.app.push_screen(runs, back)

    def _complain(self, reason: str) -> None:
        self._switch("settings")
        self.panel.complain(reason)

    # --- key actions: the current run

    def action_stop(self) -> None:
        """Ask whether to stop the current run; stop it without asking if it has not begun to train."""
        if self.training.started is None:
            self.post_message(StopTraining())
        else:
            self._dialogs.stop("stop the training?")

    def action_pause(self) -> None:
        """Pause the run under way."""
        self.post_message(PauseTraining())

    def action_continue_run(self) -> None:
        """Continue the paused run."""
        self.post_message(PauseTraining())

    def action_sample(self) -> None:
        """Generate a sample from the present weights."""
        self.post_message(SampleNow())
        self.notify("A sample is generated after the current step.", timeout=2)

    def action_new(self) -> None:
        """Show the settings for a new run; they start with the values of the run on screen."""
        if self.training.config is not None:
            self.panel.form.show(self.training.config)
        self._switch("settings")

    def action_new_instead(self) -> None:
        """Ask whether to save or discard the current run, then show its settings for a new run."""
        self._dialogs.stop("stop, for a new run?", self._show_settings_afterwards)

    def _show_settings_afterwards(self) -> None:
        self._another_follows = True

    def action_evaluate(self) -> None:
        """Evaluate the run on screen."""
        if self.training.started is not None:
            self.post_message(EvaluateRun(self.training.started.run))

    def action_generate(self) -> None:
        """Generate a text with the run on screen."""
        if self.training.started is not None:
            self.post_message(GenerateFrom(self.training.started.run))

    # --- key actions: the chart and the samples

    def action_earlier_sample(self) -> None:
        """Show the previous sample."""
        self.query_one(SampleView).step(-1)
        self.refresh_bindings()

    def action_later_sample(self) -> None:
        """Show the next sample."""
        self.query_one(SampleView).step(1)
        self.refresh_bindings()

    def action_filmstrip(self) -> None:
        """Switch between the filmstrip of all epochs and a single sample."""
        self.query_one(SampleView).toggle_filmstrip()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        if not self.laid_out or not is_offered(action, self.training, on_settings=self._on_settings):
            return False
        match action:
            case "fetch":
                return self.panel.fetch_line.offering
            case "stop_fetching":
                return self.panel.fetch_line.fetching
            case "earlier_sample" | "later_sample":
                by = -1 if action == "earlier_sample" else 1
                return any(view.can_step(by) for view in self.query(SampleView))
            case "leave_field":
                return self.focused is not None
            case "decline_offer":
                return self.focused is None and bool(self.query(LessonOffer))
        return True

    @property
    def _on_settings(self) -> bool:
        try:
            return self.query_one(ContentSwitcher).current == "settings"
        except NoMatches:  # called before the screen is laid out
            return True

    @on(FetchBar.Changed)
    def _follow_fetching(self) -> None:
        self.refresh_bindings()

    # --- messages of the run

    async def _show(self, training: TrainingView) -> None:
        before, self.training = self.training, training
        self.panel.quiet = training.alive
        if training.phase != "idle":
            view = await self._run_view()
            view.show(training, self._preferences, self.compared)
        if training.alive and not before.alive:
            self._switch("run")
        elif training.phase == "idle":  # also after a run was discarded, or stopped before it began
            self._switch("settings")
        elif training.phase == "failed" and training.started is None:  # it never began: correct the settings
            self._switch("settings")
            self.query_one("#corpus", Input).focus()
            self.panel.complain(training.error)
        if self._another_follows and not training.alive:
            self._another_follows = False
            self.action_new()
        if training.phase != before.phase or (training.started is None) != (before.started is None):
            self.refresh_bindings()  # redraws the footer

    async def _run_view(self) -> "RunView":
        from charlstm_tui.widgets.training.run_view import RunView

        with contextlib.suppress(NoMatches):
            return self.query_one(RunView)
        view = RunView(id="run")
        view.display = False
        await self.query_one(ContentSwitcher).mount(view)
        return view

    async def _look_differently(self, preferences: Preferences) -> None:
        self._preferences = preferences
        if self.training.phase != "idle":
            (await self._run_view()).show_chart(self.training, preferences, self.compared)

    async def watch_compared(self, compared: tuple[ComparedRun, ...]) -> None:
        """Draw the compared runs on the chart of the run on screen."""
        if self.training.phase != "idle":
            (await self._run_view()).show_chart(self.training, self._preferences, compared)

    def _switch(self, view: str) -> None:
        switcher = self.query_one(ContentSwitcher)
        if switcher.current != view:
            switcher.current = view
            self.set_focus(None)
            self.refresh_bindings()
        if view == "settings":
            self.panel.estimate_run()
