"""The line on top of every screen: where one is, and what the training run does."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from charlstm_tui.modes import MODES
from charlstm_tui.training_view import TrainingView
from core.text import in_one_line


class _Tab(Static):
    """The name of a screen; a click goes there."""

    def __init__(self, number: int, mode: str, *, here: bool) -> None:
        super().__init__(Content(f"{number} {MODES[mode]}"), classes="here" if here else "")
        self._mode = mode

    async def on_click(self) -> None:
        await self.app.switch_mode(self._mode)


class TopLine(Horizontal):
    """The program's name, the screens, and the run under way."""

    DEFAULT_CSS: ClassVar[str] = """
    TopLine {
        dock: top;
        height: 2;
        padding: 0 1;
        border-bottom: solid $foreground 20%;
        & > Static { width: auto; margin-right: 1; }
        & > #brand { color: $accent; text-style: bold; }
        & > _Tab { color: $text-muted; }
        & > _Tab:hover { text-style: underline; }
        & > _Tab.here { color: $foreground; text-style: bold underline; }
        & > #run {
            width: 1fr; margin: 0; text-align: right; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > #run.-alive { color: $accent; }
        & > #run.-failed { color: $error; }
        &.-wide {
            & > Static { margin-right: 2; }
            & > #brand { margin-right: 3; }
        }
    }
    """

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Static("charlstm-tui", id="brand")
        for number, mode in enumerate(MODES, start=1):
            yield _Tab(number, mode, here=mode == self._mode)
        yield Static(id="run")

    def on_mount(self) -> None:
        """Follow the app's training run."""
        self.watch(self.app, "training", self._show)

    def on_resize(self, event: Resize) -> None:
        """Leave room for the run: the screens stand closer, and the program's name goes where it must."""
        self.set_class(event.size.width >= 98, "-wide")
        self.query_one("#brand").display = event.size.width >= 70

    def _show(self, training: TrainingView) -> None:
        run = self.query_one("#run", Static)
        run.update(Content(in_one_line(training.headline)), layout=False)
        run.set_class(training.alive, "-alive")
        run.set_class(training.phase == "failed", "-failed")
