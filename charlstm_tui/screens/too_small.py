"""The screen that covers all others while the window is too small."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.training import TrainingView
from charlstm_tui.terminal.capabilities import MIN_WINDOW
from core.text import in_one_line

LEAST = Size(*MIN_WINDOW)
"""The smallest window for the screens."""


def is_too_small(size: Size) -> bool:
    """Return whether a window is too small for the screens."""
    return size.width < LEAST.width or size.height < LEAST.height


class MoreRoom(FitsWindow, Screen[None]):
    """Screen that asks for a larger window and shows the progress of the run; the covered screen keeps its state."""

    DEFAULT_CSS: ClassVar[str] = """
    MoreRoom {
        align: center middle;
        & > Static { width: 100%; height: auto; padding: 0 1; text-align: center; }
        & > #run { color: $text-muted; }
        & > #run.-alive { color: $accent; }
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the request and the line about the run."""
        yield Static(id="request")
        yield Static(id="run")

    def on_mount(self) -> None:
        """Watch the app's training run."""
        self.watch(self.app, "training", self._see)

    def on_resize(self, event: Resize) -> None:
        """Show the present and the required size."""
        self.query_one("#request", Static).update(
            f"charlstm-tui needs more room: {LEAST.width} columns by {LEAST.height} rows. "
            f"This window has {event.size.width} by {event.size.height}. Enlarge it, or make its font smaller; "
            "q quits."
        )

    def on_screen_resume(self) -> None:
        """Close, if the window became large enough while a dialog covered this screen."""
        if not is_too_small(self.app.size):
            self.dismiss()

    def _see(self, training: TrainingView) -> None:
        run = self.query_one("#run", Static)
        run.update(Content(in_one_line(training.headline) if training.alive else ""))
        run.set_class(training.alive, "-alive")
