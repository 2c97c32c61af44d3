"""Train: settings before a run, the run while it goes and after."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Input, Static

from charlstm_tui.messages import (
    ChangePreferences,
    EvaluateRun,
    GenerateFrom,
    PauseTraining,
    ResumeTraining,
    SampleNow,
    StartTraining,
    StopTraining,
)
from charlstm_tui.past_runs import ComparedRun, PastRun
from charlstm_tui.preferences import RANGES, SCALES, SMOOTHINGS, Preferences
from charlstm_tui.screens.ask import AskAboutRun, EndOfRun
from charlstm_tui.screens.fitting import FitsWindow
from charlstm_tui.training_view import TrainingView
from charlstm_tui.widgets.fetch_line import FetchLine
from charlstm_tui.widgets.forecast_panel import ForecastPanel
from charlstm_tui.widgets.sample_view import SampleView
from charlstm_tui.widgets.settings_form import SettingsForm
from charlstm_tui.widgets.top_line import TopLine
from core.catalogue import MOLIERE
from core.errors import UserError
from core.files import here
from core.runs import RunStore
from core.text import sanitise

if TYPE_CHECKING:
    from charlstm_tui.widgets.run_view import RunView

HOW_TO_START = "s starts the training. Tab goes from field to field; Esc leaves them, and letters are keys again."
CHART = Binding.Group("Chart", compact=True)


class TrainingScreen(FitsWindow, Screen[None]):
    """Choose a text and settings, start, watch the loss fall, stop, see what came of it."""

    CSS_PATH = "training.tcss"
    AUTO_FOCUS = ""  # else each return to this screen would focus a field, and the keys of the run go into it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start"),
        Binding("enter", "start", "Start", show=False),
        Binding("o", "choose_text", "Text"),
        Binding("f", "fetch", "Fetch", show=False),  # the line about it names the key
        Binding("f", "stop_fetching", "Stop fetching"),
        Binding("a", "all_settings", "All settings"),
        Binding("p", "pause", "Pause"),
        Binding("p", "go_on", "Go on"),
        Binding("x", "stop", "Stop"),
        Binding("m", "sample", "Sample"),
        Binding("e", "evaluate", "Evaluate"),
        Binding("g", "generate", "Write"),
        Binding("r", "resume", "Resume"),
        Binding("n", "new", "New"),
        Binding("n", "new_instead", "New", show=False),
        Binding("l", "runs", "Runs"),
        Binding("v", "smoothing", "Smoothing of the chart", group=CHART),
        Binding("t", "range", "Range of the chart: all or recent", group=CHART),
        Binding("y", "scale", "Scale of the chart: linear or logarithmic", group=CHART),
        Binding("left", "earlier_sample", "Earlier sample", show=False),
        Binding("right", "later_sample", "Later sample", show=False),
        Binding("escape", "leave_field", "Leave the field", show=False),
    ]

    compared: reactive[tuple[ComparedRun, ...]] = reactive((), init=False, repaint=False)
    """Runs of the past that are drawn beside the one on screen."""

    def __init__(self, store: RunStore, preferences: Preferences) -> None:
        super().__init__()
        self._store = store
        self._preferences = preferences
        self._complaint = ""  # why the last start did not succeed, until something is changed
        self._foresight_is_due = False
        self._another_follows = False  # a new run, once this one is stopped
        self.laid_out = False
        """Whether the settings are there; they come after the first paint."""
        self.training = TrainingView()

    def compose(self) -> ComposeResult:
        """Lay out the screen; what shows a run is made when there is one."""
        yield TopLine("train")
        with ContentSwitcher(initial="settings"), Vertical(id="settings"):
            yield Horizontal(id="form-and-forecast")
            yield Static(HOW_TO_START, id="hint")
            yield Button("Start training", id="start", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Follow the app's training run."""
        # By way of the app: only its own turn comes after the first paint, which so is there 0.15 s before the form.
        self.app.call_later(self.app.call_after_refresh, self._lay_out_settings)

    async def _lay_out_settings(self) -> None:
        forecast = ForecastPanel(id="forecast")
        forecast.border_title = "forecast"
        await self.query_one("#form-and-forecast").mount(SettingsForm(self._preferences.run), forecast)
        self.laid_out = True
        self.refresh_bindings()
        self.watch(self.app, "training", self._show)
        self.watch(self.app, "preferences", self._look_differently, init=False)

    def on_resize(self, event: events.Resize) -> None:
        """Write the keys closer together where there is little room."""
        self.query_one(Footer).compact = event.size.width < 100

    # --- what the keys do

    def action_start(self) -> None:
        """Start a run with the settings on screen."""
        form = self.query_one(SettingsForm)
        try:
            config = form.read()
        except UserError as error:
            wrong = form.invalid
            (wrong or self.query_one("#corpus", Input)).focus()
            if wrong is None:
                self._complain(str(error))
            return
        self.query_one(ForecastPanel).stop()
        self.post_message(StartTraining(config))

    def action_stop(self) -> None:
        """Ask whether to stop the run under way, or, while it prepares itself, stop it."""
        if self.training.started is None:
            self.post_message(StopTraining())
        else:
            self.app.push_screen(AskAboutRun("stop the training?", then=""), self._stop)

    def _stop(self, answer: EndOfRun | None) -> None:
        if answer in ("save", "discard"):
            self.post_message(StopTraining(discard=answer == "discard"))

    def action_pause(self) -> None:
        """Hold the run under way."""
        self.post_message(PauseTraining())

    def action_go_on(self) -> None:
        """Let the run that is held go on."""
        self.post_message(PauseTraining())

    def action_sample(self) -> None:
        """Have the model write something as it stands."""
        self.post_message(SampleNow())

    def action_new(self) -> None:
        """Show the settings again, for another run: those of the run on screen, to be changed."""
        self._show_settings()

    def action_new_instead(self) -> None:
        """Ask what is to become of the run under way, then show its settings, to be changed."""
        self.app.push_screen(AskAboutRun("stop, for a new run?", then=""), self._stop_for_another)

    def _stop_for_another(self, answer: EndOfRun | None) -> None:
        if answer in ("save", "discard"):
            self._another_follows = True
            self.post_message(StopTraining(discard=answer == "discard"))

    def _show_settings(self) -> None:
        if self.training.config is not None:
            self.query_one(SettingsForm).show(self.training.config)
        self._switch("settings")

    def action_resume(self) -> None:
        """Go on with the run that was just stopped, or choose one that can go on."""
        if self.training.can_go_on and self.training.started is not None and not self._on_settings:
            self._go_on_with(self.training.started.run)
        else:
            self.action_runs()

    def action_runs(self) -> None:
        """List the runs of the past."""
        from charlstm_tui.screens.runs import RunsScreen

        runs = RunsScreen(self._store, self._preferences, self.compared)

        def back(chosen: PastRun | None) -> None:
            self.compared = runs.compared
            if chosen is not None:
                self._go_on_with(chosen.name)

        self.app.push_screen(runs, back)

    def action_evaluate(self) -> None:
        """Measure the run on screen."""
        if self.training.started is not None:
            self.post_message(EvaluateRun(self.training.started.run))

    def action_generate(self) -> None:
        """Have the run on screen write."""
        if self.training.started is not None:
            self.post_message(GenerateFrom(self.training.started.run))

    def action_choose_text(self) -> None:
        """Choose a text from a list, or from the folders of this machine."""
        from charlstm_tui.screens.text_picker import TextPicker

        form = self.query_one(SettingsForm)
        typed = Path(self.query_one("#corpus", Input).value).expanduser().absolute()
        with contextlib.suppress(UserError):
            config = form.read()
            self.app.push_screen(
                TextPicker(
                    folder=typed.parent if typed.is_file() else here(),
                    limit=config.corpus.limit,
                    validation=config.training.validation,
                    encoding=config.corpus.encoding,
                    encoding_errors=config.corpus.encoding_errors,
                ),
                self._take_text,
            )

    def action_fetch(self) -> None:
        """Fetch Molière's plays."""
        self.query_one(FetchLine).fetch()

    def action_stop_fetching(self) -> None:
        """Stop fetching; nothing of it is kept."""
        self.query_one(FetchLine).stop()

    def action_all_settings(self) -> None:
        """Unfold the settings that matter less, or fold them away."""
        self.query_one(SettingsForm).toggle_rest()

    def action_smoothing(self) -> None:
        """Smooth the training loss more, or less."""
        self.post_message(ChangePreferences(smoothing=_next(SMOOTHINGS, self._preferences.smoothing)))

    def action_range(self) -> None:
        """Chart all steps, or the recent ones."""
        self.post_message(ChangePreferences(range=_next(RANGES, self._preferences.range)))

    def action_scale(self) -> None:
        """Chart the losses, or their logarithms."""
        self.post_message(ChangePreferences(scale=_next(SCALES, self._preferences.scale)))

    def action_earlier_sample(self) -> None:
        """Show what the model wrote an epoch before."""
        self.query_one(SampleView).step(-1)

    def action_later_sample(self) -> None:
        """Show what the model wrote an epoch after."""
        self.query_one(SampleView).step(1)

    def action_leave_field(self) -> None:
        """Stop typing, so that letters are keys again."""
        self.set_focus(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        if not self.laid_out:
            return False
        training, on_settings = self.training, self._on_settings
        match action:
            case "start":
                return on_settings and not training.alive
            case "choose_text" | "all_settings":
                return on_settings
            case "fetch":
                return on_settings and self.query_one(FetchLine).offering
            case "stop_fetching":
                return on_settings and self.query_one(FetchLine).fetching
            case "new":
                return not on_settings and not training.alive
            case "new_instead":
                return training.phase in ("training", "paused")
            case "runs":
                return not training.alive or training.started is not None
            case "resume":
                return (on_settings and not training.alive) or training.can_go_on
            case "stop":
                return training.alive and training.phase != "stopping"
            case "pause":
                return training.phase == "training"
            case "go_on":
                return training.phase == "paused"
            case "sample":
                return training.phase in ("training", "paused")
            case "evaluate" | "generate":
                finished = training.finished
                return not on_settings and finished is not None and finished.last_checkpoint is not None
            case "smoothing" | "range" | "scale" | "earlier_sample" | "later_sample":
                return not on_settings and training.started is not None
        return True

    @property
    def _on_settings(self) -> bool:
        try:
            return self.query_one(ContentSwitcher).current == "settings"
        except NoMatches:  # asked before the screen is laid out
            return True

    # --- what the widgets say

    @on(Button.Pressed, "#start")
    @on(SettingsForm.Submitted)
    def _start(self) -> None:
        self.action_start()

    @on(SettingsForm.Changed)
    def _consider(self) -> None:
        """Tell what is asked for now would take."""
        self._complaint = ""
        if not self._foresight_is_due:  # a preset changes thirty settings at once
            self._foresight_is_due = True
            self.call_after_refresh(self._foresee)

    def _foresee(self) -> None:
        self._foresight_is_due = False
        self._explain()
        form = self.query_one(SettingsForm)
        if self.training.alive:
            return
        try:
            self.query_one(ForecastPanel).consider(form.read())
        except UserError:
            self.query_one(ForecastPanel).consider(None)

    @on(ForecastPanel.Refused)
    def _say_what_is_wrong_with_the_text(self, event: ForecastPanel.Refused) -> None:
        if not self._complaint:
            self.query_one(SettingsForm).complain_about_text(event.reason)

    @on(FetchLine.Changed)
    def _follow_fetching(self) -> None:
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        """Explain the setting that is being edited."""
        self._explain()

    def on_descendant_blur(self) -> None:
        """Say again how to start."""
        self.call_after_refresh(self._explain)

    def _explain(self) -> None:
        """Say what is to be mended, else what the focused setting means."""
        form = self.query_one(SettingsForm)
        setting = form.focused_setting
        if self._complaint:
            self._say(self._complaint, trouble=True)
        elif setting is not None:
            self._say(setting.explanation)
        elif self.focused is not None and self.focused.id == "preset":
            self._say(f"{form.preset.purpose} On two cores: {form.preset.expect}.")
        else:
            self._say(HOW_TO_START)

    def _go_on_with(self, name: str) -> None:
        try:
            self.post_message(ResumeTraining(self._store.get(name).config(), name))
        except UserError as error:
            self._complain(str(error))

    def _take_text(self, source: str | None) -> None:
        if source == MOLIERE.name and not MOLIERE.here:
            self.action_fetch()
        elif source is not None:
            self.query_one(SettingsForm).take_text(source)

    # --- what the run says

    async def _show(self, training: TrainingView) -> None:
        before, self.training = self.training, training
        if training.phase != "idle":
            view = await self._run_view()
            view.show(training, self._preferences, self.compared)
        if training.alive and not before.alive:
            self._switch("run")
        elif training.phase == "idle":  # also a run that was stopped before it began, or discarded
            self._switch("settings")
        elif training.phase == "failed" and training.started is None:  # it never began: mend the settings
            self._switch("settings")
            self.query_one("#corpus", Input).focus()
            self._complain(training.error)
        if self._another_follows and not training.alive:
            self._another_follows = False
            self._show_settings()
        if training.phase != before.phase or (training.started is None) != (before.started is None):
            self.refresh_bindings()  # which draws the footer anew

    async def _run_view(self) -> "RunView":
        from charlstm_tui.widgets.run_view import RunView

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
        """Draw the runs of the past beside the one on screen."""
        if self.training.phase != "idle":
            (await self._run_view()).show_chart(self.training, self._preferences, compared)

    def _switch(self, view: str) -> None:
        switcher = self.query_one(ContentSwitcher)
        if switcher.current != view:
            switcher.current = view
            self.set_focus(None)
            self.refresh_bindings()
        if view == "settings":
            self._foresee()

    def _complain(self, text: str) -> None:
        """Say what is wrong until something else is typed."""
        self._complaint = text
        self._explain()

    def _say(self, text: str, *, trouble: bool = False) -> None:
        hint = self.query_one("#hint", Static)
        hint.update(Content(sanitise(text)))
        hint.set_class(trouble, "-trouble")


def _next(choices: tuple[str, ...], now: str) -> str:
    return choices[(choices.index(now) + 1) % len(choices)]
