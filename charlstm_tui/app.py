"""The app: it owns the training run and the screens around it."""

import asyncio
import contextlib
import os
import signal
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from charlstm_tui import bridge, signals
from charlstm_tui.bridge import Job, TextRead
from charlstm_tui.driver import driver_class
from charlstm_tui.messages import PauseTraining, ResumeTraining, StartTraining, StopTraining
from charlstm_tui.modes import MODES
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.training_view import TrainingView
from core.events import SavingFailed
from core.runs import RunStore
from core.text import sanitise


class CharLSTMApp(App[None]):
    """Train, evaluate and generate, each on a screen of its own; training goes on whichever one is shown."""

    TITLE = "charlstm-tui"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "train"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{number},f{number + 1}", f"switch_mode('{mode}')", MODES[mode], key_display=f"F{number + 1}")
            for number, mode in enumerate(MODES, start=1)
        ),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    training: reactive[TrainingView] = reactive(TrainingView())

    def __init__(self, store: RunStore) -> None:
        super().__init__(driver_class=driver_class(self._lose_terminal))
        self.add_mode("train", lambda: TrainingScreen(store))
        self.add_mode("evaluate", lambda: EvaluationScreen(store))
        self.add_mode("generate", lambda: GenerationScreen(store))
        self._store = store
        self._job: Job | None = None
        self._loop_of_signals: asyncio.AbstractEventLoop | None = None
        self.leaving: int | None = None
        """The exit code, once the app was told to leave; it does when the run is saved."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of the other screens only."""
        return action != "switch_mode" or parameters != (self.current_mode,)

    async def action_quit(self) -> None:
        """Leave; a run under way is stopped and saved first."""
        self._leave(0)

    def action_help_quit(self) -> None:
        """Do on ctrl-C, where nothing is selected that it would copy, what it does in a shell."""
        self._end_by(signal.SIGINT)

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
        if self._job is None:
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
        if self._job is not None:
            return
        self.training = TrainingView(phase="preparing", doing="starting", config=message.config)
        self._job = Job(
            self,
            partial(bridge.train, store=self._store, config=message.config),
            name="train",
            interval=bridge.TRAINING_INTERVAL,
        )

    @on(ResumeTraining)
    def _resume(self, message: ResumeTraining) -> None:
        if self._job is not None:
            return
        self.training = TrainingView(phase="preparing", doing="starting", config=message.config)
        self._job = Job(
            self,
            partial(bridge.resume, store=self._store, name=message.name),
            name="train",
            interval=bridge.TRAINING_INTERVAL,
        )

    @on(StopTraining)
    def _stop(self) -> None:
        if self._job is not None:
            self._job.stop()
            self.training = self.training.stopping()

    @on(PauseTraining)
    def _pause(self) -> None:
        if self._job is not None:
            control = self._job.control
            control.resume() if control.paused else control.pause()

    @on(Job.Said)
    def _listen(self, message: Job.Said) -> None:
        self.training = self.training.after(message.items)
        for item in message.items:
            if isinstance(item, TextRead) and item.encoding != "utf-8":
                self.notify(f"{item.corpus.name} was read as {item.encoding}.", markup=False)
            if isinstance(item, SavingFailed):
                self.notify(sanitise(item.advice), severity="warning", timeout=20, markup=False)

    @on(Job.Ended)
    def _end(self, message: Job.Ended) -> None:
        self._job = None
        self.training = self.training.failed(message.error) if message.error else self.training.ended()
        if self.leaving is not None:
            unsaved = self.training.finished.unsaved if self.training.finished is not None else ""
            self.exit(
                return_code=1 if unsaved and not self.leaving else self.leaving,
                message=Text(sanitise(unsaved)) if unsaved else None,
            )
