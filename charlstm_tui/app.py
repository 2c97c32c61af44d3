"""The app: it owns the training run and the screens around it."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from charlstm_tui import bridge
from charlstm_tui.bridge import Job, TextRead
from charlstm_tui.messages import PauseTraining, StartTraining, StopTraining
from charlstm_tui.modes import MODES
from charlstm_tui.screens.evaluation import EvaluationScreen
from charlstm_tui.screens.generation import GenerationScreen
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.training_view import TrainingView
from core.runs import RunStore


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
        super().__init__()
        self.add_mode("train", TrainingScreen)
        self.add_mode("evaluate", lambda: EvaluationScreen(store))
        self.add_mode("generate", lambda: GenerationScreen(store))
        self._store = store
        self._job: Job | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of the other screens only."""
        return action != "switch_mode" or parameters != (self.current_mode,)

    async def action_quit(self) -> None:
        """Leave; a run under way is stopped and saved first."""
        self._stop()
        self.exit()

    def on_unmount(self) -> None:
        """However the app ends, the run is stopped and saved: its thread holds the process until it has."""
        self._stop()

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

    @on(Job.Ended)
    def _end(self, message: Job.Ended) -> None:
        self._job = None
        self.training = self.training.failed(message.error) if message.error else self.training.ended()
