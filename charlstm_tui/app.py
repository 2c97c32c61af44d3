"""The app: it owns the training run, the preferences, and the screens around them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from rich.console import RenderableType
from rich.text import Text
from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen

from charlstm_tui.jobs import ngrams, training
from charlstm_tui.jobs.job import TRAINING_INTERVAL, Ending, LatestJob
from charlstm_tui.screens.base import Palette
from charlstm_tui.screens.dialogs import AskAboutRun, EndOfRun
from charlstm_tui.screens.too_small import MoreRoom, is_too_small
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.job_events import TextRead
from charlstm_tui.state.keys import Commands, keys_of
from charlstm_tui.state.messages import (
    ChangePreferences,
    EvaluateRun,
    GenerateFrom,
    PauseTraining,
    ResumeTraining,
    SampleNow,
    StartTraining,
    StopTraining,
)
from charlstm_tui.state.modes import MODES
from charlstm_tui.state.preferences import GLYPHS, Glyphs, Preferences, load_preferences, save_preferences
from charlstm_tui.state.training import TrainingView
from charlstm_tui.terminal import signals
from charlstm_tui.terminal.ascii_filter import AsciiFilter
from charlstm_tui.terminal.capabilities import draws_more_than_ascii, in_browser
from charlstm_tui.terminal.contrast import ContrastFilter, readable_variables
from charlstm_tui.terminal.driver import driver_class
from charlstm_tui.terminal.style_filter import StyleFilter
from charlstm_tui.terminal.width_filter import WidthFilter
from core.control import Control
from core.errors import UserError
from core.events import RunStarted, SavingFailed
from core.runs.store import RunConfig, RunStore
from core.text import sanitise

_CONTRAST, _WIDTHS = ContrastFilter(), WidthFilter()


class CharLSTMApp(App[None]):
    """Train, evaluate, generate and inspect, each on a screen of its own; training goes on whichever one is shown."""

    TITLE = "charlstm-tui"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "train"
    COMMANDS = {Commands}  # noqa: RUF012 (Textual declares it no ClassVar)
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 (Textual declares it no ClassVar)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]  # noqa: RUF012 (the same)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                f"{number},f{number + 1}", f"switch_mode('{mode}')", MODES[mode], show=False,
                key_display=f"{number}, F{number + 1}",
            )
            for number, mode in enumerate(MODES, start=1)
        ),
        Binding("f1", "explain", "Help", key_display="F1"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend: `fg` in the shell continues", show=False, priority=True),
    ]  # fmt: skip

    # Not repainting by themselves: each report would draw the whole screen anew.
    training: reactive[TrainingView] = reactive(TrainingView(), repaint=False)
    preferences: reactive[Preferences] = reactive(Preferences(), repaint=False)

    def __init__(self, store: RunStore, *, glyphs: Glyphs | None = None) -> None:
        super().__init__(driver_class=driver_class(self._lose_terminal))
        remembered = load_preferences()
        if glyphs is not None:
            remembered = msgspec.structs.replace(remembered, glyphs=glyphs)
        self.set_reactive(CharLSTMApp.preferences, remembered)
        if remembered.theme in self.available_themes:
            self.theme = remembered.theme
        elif self.console.color_system == "standard":
            self.theme = "ansi-dark"  # the terminal's own sixteen colours, where others would be rounded to them
        self._ascii = AsciiFilter(enabled=self._draws_ascii)
        self.add_mode("train", lambda: TrainingScreen(store, self.preferences))
        self.add_mode(
            "evaluate", self._evaluation_screen
        )  # imported when first looked at: the first paint comes sooner
        self.add_mode("generate", self._generation_screen)
        self.add_mode("inspect", self._inspection_screen)
        self._store = store
        self._training_job = LatestJob(self, on_items=self._follow_run, on_end=self._end_run)
        self._ngram_job = LatestJob(self, on_items=self._take_baselines, on_end=lambda _: None)  # no result, no line
        self._discard = False  # the run, once it is stopped
        self._loop_of_signals: asyncio.AbstractEventLoop | None = None
        self._panicked = False
        self.leaving: int | None = None
        """The exit code, once the app was told to leave; it does when the run is saved."""

    @property
    def exit_code(self) -> int:
        """What the process is to exit with: 1 after an error that nobody foresaw, whatever was asked for before it."""
        return 1 if self.has_panicked else self.leaving or self.return_code or 0

    @property
    def has_panicked(self) -> bool:
        """Whether an error that nobody foresaw ended the app."""
        return self._panicked or self._exception is not None

    def panic(self, *renderables: RenderableType) -> None:
        """Leave, showing what went wrong."""
        self._panicked = True
        super().panic(*renderables)

    @property
    def _draws_ascii(self) -> bool:
        return self.preferences.glyphs == "ascii" or not draws_more_than_ascii()

    def _evaluation_screen(self) -> Screen[None]:
        from charlstm_tui.screens.evaluation import EvaluationScreen

        return EvaluationScreen(self._store)

    def _generation_screen(self) -> Screen[None]:
        from charlstm_tui.screens.generation import GenerationScreen

        return GenerationScreen(self._store, self.preferences.prompts)

    def _inspection_screen(self) -> Screen[None]:
        from charlstm_tui.screens.inspection import InspectionScreen

        return InspectionScreen(self._store)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of the other screens only, and none of them where there is no room for a screen."""
        if isinstance(self.screen, MoreRoom) and action in ("switch_mode", "explain", "command_palette"):
            return False
        return action != "switch_mode" or parameters != (self.current_mode,)

    def on_resize(self, event: Resize) -> None:
        """Have a window that is too small asked for more room."""
        small, asking = is_too_small(event.size), isinstance(self.screen, MoreRoom)
        if small and not asking:
            self.push_screen(MoreRoom())
        elif asking and not small:
            self.pop_screen()

    def action_command_palette(self) -> None:
        """Open the palette."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what changes the lines on their way to the terminal."""
        first = [StyleFilter()] if self.no_color else []
        last = [self._ascii] if self._ascii.enabled else []
        return [*first, *super().get_line_filters(), _CONTRAST, _WIDTHS, *last]

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables, such that lines and scrollbars can be seen."""
        self.theme_variables = readable_variables(super().get_css_variables())
        return self.theme_variables

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Return what the palette offers: every key that means something now, and how things look."""
        for key in keys_of(screen, self):
            yield SystemCommand(key.does, f"the same as {key.shown}", partial(self._do, key.action))
        for glyphs in GLYPHS:
            if glyphs != self.preferences.glyphs:
                change = partial(self._remember, glyphs=glyphs)
                yield SystemCommand(f"Draw with {glyphs}", "for fonts and terminals that have nothing else", change)
        own = ("Quit", "Help")
        yield from (command for command in super().get_system_commands(screen) if command.title not in own)

    async def _do(self, action: str) -> None:
        await self.screen.run_action(action)

    def action_explain(self) -> None:
        """Explain the screen, its numbers and its keys."""
        from charlstm_tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.current_mode, keys_of(self.screen, self)))

    async def action_quit(self) -> None:
        """Leave; with a run under way, ask what is to become of it."""
        if self.training.started is None or not self.training.alive or self.leaving is not None:
            self._leave(0)
        elif not isinstance(self.screen, AskAboutRun):
            self.push_screen(AskAboutRun("leave during a run?", then=" and leave"), self._leave_as_told)

    def _leave_as_told(self, answer: EndOfRun | None) -> None:
        if answer in ("save", "discard"):
            self._discard = answer == "discard"
            self._leave(0)

    def action_help_quit(self) -> None:
        """Do on ctrl-C, where nothing is selected that it would copy, what it does in a shell."""
        self._end_by(signal.SIGINT)

    def action_suspend_process(self) -> None:
        """Suspend the app and return to the shell; a run in progress pauses until the app continues."""
        suspend = getattr(self._driver, "suspend_process", None)
        if suspend is None or not suspend(group=True):
            where = "in a browser" if in_browser() else "on this system" if os.name == "nt" else "here"
            self.notify(
                f"It cannot be suspended {where}: there is no shell that could continue it.", severity="warning"
            )

    @on(Driver.SignalResume)
    def _draw_anew(self) -> None:
        """Draw all of the screen: another program had the terminal."""
        self.refresh()

    def on_mount(self) -> None:
        """Heed what ends a program from outside."""
        self._loop_of_signals = asyncio.get_running_loop()
        for number in signals.heeded():
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):  # in a thread, on Windows
                self._loop_of_signals.add_signal_handler(number, self._end_by, number)

    def on_unmount(self) -> None:
        """However the app ends, the run is stopped and saved: its thread holds the process until it has."""
        self._stop()
        for number in signals.ENDINGS:
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(number)

    def _lose_terminal(self) -> None:
        """Note, from any thread, that what is drawn goes nowhere; not every system tells by a signal."""
        if self._loop_of_signals is not None:
            with contextlib.suppress(RuntimeError):  # it is over
                self._loop_of_signals.call_soon_threadsafe(self._end_by, signals.HANGUP)

    def _end_by(self, number: int) -> None:
        if number == signals.HANGUP:
            signals.forget_terminal()
        if number == signal.SIGINT and self.leaving is not None:
            self._leave_at_once(signals.exit_code(number))
        self._leave(signals.exit_code(number))

    def _leave(self, exit_code: int) -> None:
        """Leave once the run under way is saved."""
        if self.leaving is None:
            self.leaving = exit_code
        if not self._training_job.running:
            self.exit(return_code=self.leaving)
        self._stop()

    def _leave_at_once(self, exit_code: int) -> None:
        """End the process; what was saved is safe, and what is being written leaves the old file in its place."""
        if self._driver is not None:
            self._driver.stop_application_mode()
            self._driver.close()
        os._exit(exit_code)

    @on(StartTraining)
    def _start(self, message: StartTraining) -> None:
        if not self._training_job.running:
            self._remember(run=message.config)
            self._begin_run(message.config, partial(training.train, store=self._store, config=message.config))

    @on(ResumeTraining)
    def _resume(self, message: ResumeTraining) -> None:
        if not self._training_job.running:
            self._begin_run(
                message.config, partial(training.resume, store=self._store, name=message.name, epochs=message.epochs)
            )

    def _begin_run(self, config: RunConfig, produce: Callable[[Control], Iterator[object]]) -> None:
        self.training = TrainingView(phase="preparing", doing="starting", config=config)
        self._discard = False
        self._ngram_job.drop()  # else the line of the run before would come to lie on this one's chart
        self._training_job.start(produce, name="train", interval=TRAINING_INTERVAL)

    @on(StopTraining)
    def _stop_as_told(self, message: StopTraining) -> None:
        self._discard = message.discard
        self._stop()

    def _stop(self) -> None:
        self._ngram_job.drop()
        if self._training_job.running:
            self._training_job.stop()
            self.training = self.training.stopping()

    @on(PauseTraining)
    def _pause(self) -> None:
        control = self._training_job.control
        if control is not None:
            control.resume() if control.paused else control.pause()

    @on(SampleNow)
    def _sample(self) -> None:
        if self._training_job.control is not None:
            self._training_job.control.ask_for_sample()

    def _take_baselines(self, items: tuple[object, ...]) -> None:
        self.training = self.training.beside(items[-1])

    def _follow_run(self, items: tuple[object, ...]) -> None:
        self.training = self.training.after(items)
        for item in items:
            if isinstance(item, RunStarted) and self.training.config is not None:
                self._count(self.training.config)
            if isinstance(item, TextRead) and item.encoding != "utf-8":
                self.notify(f"{item.corpus.name} was read as {item.encoding}.", markup=False)
            if isinstance(item, SavingFailed):
                self.notify(sanitise(item.advice), severity="warning", timeout=20, markup=False)

    def _count(self, config: RunConfig) -> None:
        """See what n-grams achieve on the run's text: a line on its chart."""
        self._ngram_job.start(
            partial(ngrams.count_ngrams, config=config.corpus, validation=config.training.validation),
            name="count",
            interval=TRAINING_INTERVAL,
        )

    def _end_run(self, ending: Ending) -> None:
        self.training = self.training.failed(ending.error) if ending.error else self.training.ended()
        if self._discard:
            self._delete_run()
        if self.leaving is not None:
            unsaved = self.training.finished.unsaved if self.training.finished is not None else ""
            self.exit(
                return_code=1 if unsaved and not self.leaving else self.leaving,
                message=Text(sanitise(unsaved)) if unsaved else None,
            )

    def _delete_run(self) -> None:
        """Delete the run that was discarded."""
        started, self._discard = self.training.started, False
        if started is None:
            return
        try:
            self._store.delete(started.run)
        except UserError as error:
            self.notify(sanitise(str(error)), severity="error", timeout=20, markup=False)
        else:
            self.training = TrainingView()

    @on(EvaluateRun)
    async def _evaluate(self, message: EvaluateRun) -> None:
        from charlstm_tui.screens.evaluation import EvaluationScreen

        await self.switch_mode("evaluate")
        if isinstance(self.screen, EvaluationScreen):
            self.screen.evaluate(message.name)

    @on(GenerateFrom)
    async def _generate(self, message: GenerateFrom) -> None:
        from charlstm_tui.screens.generation import GenerationScreen

        await self.switch_mode("generate")
        if isinstance(self.screen, GenerationScreen):
            self.screen.choose(message.name)

    @on(ChangePreferences)
    def _change_preferences(self, message: ChangePreferences) -> None:
        self._remember(**message.changes)

    def _remember(self, **changes: object) -> None:
        self.preferences = msgspec.structs.replace(self.preferences, **changes)
        if "glyphs" in changes:
            self._ascii.enabled = self._draws_ascii
            self.refresh(layout=True)
        save_preferences(self.preferences)

    def _watch_theme(self, theme_name: str) -> None:
        super()._watch_theme(theme_name)
        if self.is_running and theme_name != self.preferences.theme:
            self.call_next(
                partial(self._remember, theme=theme_name)
            )  # with the new colours in force: charts ask for them
