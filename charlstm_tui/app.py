"""The app: it owns the screens and the preferences, and it ends the program."""

import os
import signal
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.console import RenderableType
from textual import on
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.events import Resize
from textual.notifications import SeverityLevel
from textual.screen import Screen

from charlstm_tui.formatting.numbers import duration
from charlstm_tui.jobs.run_controller import RunController
from charlstm_tui.lessons.languages import LANGUAGES
from charlstm_tui.screens.app_keys import APP_KEYS
from charlstm_tui.screens.base import Palette, shown_page
from charlstm_tui.screens.dialogs import AskAboutExperiment, AskAboutRun, EndOfRun
from charlstm_tui.screens.lesson_app import LessonApp
from charlstm_tui.screens.too_small import MoreRoom, is_too_small
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.keys import Commands, keys_of
from charlstm_tui.state.messages import (
    EvaluateRun,
    GenerateFrom,
    OpenRun,
    PauseTraining,
    ResumeTraining,
    SampleNow,
    StartTraining,
    StopTraining,
)
from charlstm_tui.state.preferences import GLYPHS, Glyphs
from charlstm_tui.terminal import signals
from charlstm_tui.terminal.app_signals import LoopSignals
from charlstm_tui.terminal.capabilities import in_browser
from core.runs.store import RunStore
from core.text import sanitise

if TYPE_CHECKING:
    from charlstm_tui.screens.experiments import ExperimentsScreen

BUSY_EXPERIMENT = "An experiment is running. Stop it on its screen first: it needs the whole computer."


class CharLSTMApp(LessonApp):
    """The app with its five screens. Training, or an experiment, continues whichever is shown."""

    TITLE = "charlstm-tui"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "train"
    COMMANDS = {Commands}  # noqa: RUF012 (Textual declares it no ClassVar)
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 (Textual declares it no ClassVar)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]  # noqa: RUF012 (the same)
    BINDINGS: ClassVar[list[BindingType]] = APP_KEYS

    def __init__(
        self, store: RunStore, *, glyphs: Glyphs | None = None, language: str | None = None, lesson: str | None = None
    ) -> None:
        self._signals = LoopSignals(self._end_by)
        super().__init__(self._signals.lose_terminal, glyphs=glyphs, language=language)
        self.first_lesson = lesson or ""
        self.add_mode("train", lambda: TrainingScreen(store, self.preferences))
        # The others are imported when they are first shown: the first paint comes sooner.
        self.add_mode("evaluate", self._evaluation_screen)
        self.add_mode("generate", self._generation_screen)
        self.add_mode("inspect", self._inspection_screen)
        self.add_mode("experiments", self._experiments_screen)
        self.store = store
        self.run_controller = RunController(self, store)
        self._panicked = False
        self._experiments: ExperimentsScreen | None = None
        self._leaves_with: int | None = None  # the exit code, once the user has quit during an experiment

    @property
    def exit_code(self) -> int:
        """Exit code of the process: 1 after an unexpected error, even if the user had already quit."""
        return 1 if self.has_panicked else self.run_controller.leaving or self.return_code or 0

    @property
    def has_panicked(self) -> bool:
        """Whether an unexpected error ended the app."""
        return self._panicked or self._exception is not None

    def panic(self, *renderables: RenderableType) -> None:
        """End the app and show the error."""
        self._panicked = True
        super().panic(*renderables)

    def _evaluation_screen(self) -> Screen[None]:
        from charlstm_tui.screens.evaluation import EvaluationScreen

        return EvaluationScreen(self.store)

    def _generation_screen(self) -> Screen[None]:
        from charlstm_tui.screens.generation import GenerationScreen

        return GenerationScreen(self.store, self.preferences.prompts)

    def _inspection_screen(self) -> Screen[None]:
        from charlstm_tui.screens.inspection import InspectionScreen

        return InspectionScreen(self.store)

    def _experiments_screen(self) -> Screen[None]:
        from charlstm_tui.screens.experiments import ExperimentsScreen

        self._experiments = ExperimentsScreen(self.store)
        return self._experiments

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable the keys that switch to the other screens; none of them while the window is too small."""
        if isinstance(self.screen, MoreRoom) and action in ("switch_mode", "explain", "command_palette"):
            return False
        return action != "switch_mode" or parameters != (self.current_mode,)

    def on_resize(self, event: Resize) -> None:
        """Show the request for a larger window while the window is too small."""
        super().on_resize(event)
        small, asking = is_too_small(event.size), isinstance(self.screen, MoreRoom)
        if small and not asking:
            self.push_screen(MoreRoom())
        elif asking and not small:
            self.pop_screen()

    def action_command_palette(self) -> None:
        """Open the command palette, unless it is open."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice, sanitised and without markup: its text may come from a file, a run or an exception."""
        super().notify(sanitise(message), title=sanitise(title), severity=severity, timeout=timeout, markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the commands of the palette: the active keys, the glyphs to draw with, and Textual's own commands."""
        for key in keys_of(screen, self):
            yield SystemCommand(key.does, f"the same as {key.shown}", partial(self._do, key.action))
        for glyphs in GLYPHS:
            if glyphs != self.preferences.glyphs:
                change = partial(self._remember, glyphs=glyphs)
                yield SystemCommand(f"Draw with {glyphs}", "for fonts and terminals without other characters", change)
        for language, name in LANGUAGES.items():
            if language != self.language:
                what = "language of the lessons and the help pages"
                yield SystemCommand(f"Language: {name}", what, partial(self.change_language, language))
        own = ("Quit", "Help")
        yield from (command for command in super().get_system_commands(screen) if command.title not in own)

    async def _do(self, action: str) -> None:
        await self.screen.run_action(action)

    def action_explain(self) -> None:
        """Open the help page of the current screen."""
        from charlstm_tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(shown_page(self.screen), keys_of(self.screen, self), self.language))

    async def action_quit(self) -> None:
        """Quit; during a run or an experiment, ask first."""
        if self.experiment_is_alive and self._leaves_with is None:
            if not isinstance(self.screen, AskAboutExperiment):
                self.push_screen(AskAboutExperiment(), self._leave_the_experiment)
        elif self.training.started is None or not self.training.alive or self.run_controller.leaving is not None:
            self.run_controller.leave(0)
        elif not isinstance(self.screen, AskAboutRun):
            self.push_screen(AskAboutRun("leave during a run?", then=" and leave"), self._leave_after_answer)

    def _leave_the_experiment(self, sure: bool | None) -> None:
        if sure:
            self._leave(0)

    def _leave(self, exit_code: int) -> None:
        """Quit once the experiment in progress has stopped, or at once if there is none."""
        if self.experiment_is_alive and self._experiments is not None:
            self._leaves_with = exit_code
            self._experiments.action_stop()
        else:
            self.run_controller.leave(exit_code)

    def watch_experiment_is_alive(self, alive: bool) -> None:
        """Quit if that was waiting for the end of the experiment."""
        if not alive and self._leaves_with is not None:
            self.run_controller.leave(self._leaves_with)

    def _leave_after_answer(self, answer: EndOfRun | None) -> None:
        if answer in ("save", "discard"):
            self.run_controller.leave(0, discard=answer == "discard")

    def action_help_quit(self) -> None:
        """End the app on ctrl-C, as a shell would end a program. Textual calls this only when no text is selected."""
        self._end_by(signal.SIGINT)

    def suspension_notice(self) -> str:
        """Return what the shell shows when the app is suspended; empty without a run and an experiment."""
        if self.training.alive:
            return "The run is held. `fg` continues it."
        # Its workers are in sessions of their own, so that ctrl-C in a shell does not reach them either.
        return "The experiment's workers are not suspended. `fg` returns to them." if self.experiment_is_alive else ""

    def action_suspend_process(self) -> None:
        """Suspend the app and return to the shell; a run in progress is held until the app is continued."""
        suspend = getattr(self._driver, "suspend_process", None)
        if suspend is None or not suspend(group=True):
            where = "in a browser" if in_browser() else "on this system" if os.name == "nt" else "here"
            self.notify(
                f"The app cannot be suspended {where}: there is no shell that could continue it.", severity="warning"
            )

    @on(Driver.SignalResume)
    def _redraw(self) -> None:
        """Redraw the whole screen: another program has used the terminal. Say for how long a run was held."""
        self.refresh()
        if seconds := getattr(self._driver, "stopped_seconds", 0.0):
            vars(self._driver)["stopped_seconds"] = 0.0
            if self.training.alive:
                self.notify(f"The run was held for {duration(seconds)}. This is not counted as training time.")

    def on_mount(self) -> None:
        """Start to handle the signals that end the program, and use the user's own keys."""
        self._signals.watch()
        self.use_own_keys()
        self.call_after_refresh(self.begin_lessons)

    def on_unmount(self) -> None:
        """Stop and save the run, however the app ends; the process waits for the thread of the run."""
        self.run_controller.stop()
        self._signals.unwatch()

    def _end_by(self, number: int) -> None:
        if number == signals.HANGUP:
            signals.forget_terminal()
        leaving = self.run_controller.leaving is not None or self._leaves_with is not None
        if number == signal.SIGINT and leaving:
            # The second ctrl-C exits at once. Saved files stay whole: a write replaces a file only when complete.
            if self._driver is not None:
                self._driver.stop_application_mode()
                self._driver.close()
            os._exit(signals.exit_code(number))
        self._leave(signals.exit_code(number))

    @on(StartTraining)
    def _start(self, message: StartTraining) -> None:
        if self.experiment_is_alive:
            self.notify(BUSY_EXPERIMENT, severity="warning")
        elif not self.run_controller.running:
            self._remember(run=message.config)
            self.run_controller.start(message.config)

    @on(ResumeTraining)
    def _resume(self, message: ResumeTraining) -> None:
        if self.experiment_is_alive:
            self.notify(BUSY_EXPERIMENT, severity="warning")
        else:
            self.run_controller.resume(message.config, message.name, message.epochs)

    @on(StopTraining)
    def _stop(self, message: StopTraining) -> None:
        self.run_controller.stop(discard=message.discard)

    @on(PauseTraining)
    def _pause(self) -> None:
        self.run_controller.pause_or_continue()

    @on(SampleNow)
    def _sample(self) -> None:
        self.run_controller.ask_for_sample()

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

    @on(OpenRun)
    async def _open_run(self, message: OpenRun) -> None:
        await self.switch_mode("train")
        if isinstance(self.screen, TrainingScreen):
            self.screen.open_run(message.name)
