"""The screen that replaces all others while the window is too small for them."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.training import TrainingView
from core.text import in_one_line

LEAST = Size(60, 15)
"""Smallest window in which nothing important is cut off, in columns and rows."""


def is_too_small(size: Size) -> bool:
    """Return whether a window is too small for the screens."""
    return size.width < LEAST.width or size.height < LEAST.height


class MoreRoom(FitsWindow, Screen[None]):
    """Asks for a larger window and shows the state of the run. The screen below it stays unchanged."""

    DEFAULT_CSS: ClassVar[str] = """
    MoreRoom {
        align: center middle;
        & > Static { width: 100%; height: auto; padding: 0 1; text-align: center; }
        & > #run { color: $text-muted; }
        & > #run.-alive { color: $accent; }
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the request and the state of the run."""
        yield Static(id="request")
        yield Static(id="run")

    def on_mount(self) -> None:
        """Follow the app's training run."""
        self.watch(self.app, "training", self._see)

    def on_resize(self, event: Resize) -> None:
        """Show the required and the current size."""
        self.query_one("#request", Static).update(
            f"charlstm-tui needs more room: {LEAST.width} columns by {LEAST.height} rows, "
            f"but has {event.size.width} by {event.size.height}. Enlarge the window, or make its font smaller; "
            "q quits."
        )

    def on_screen_resume(self) -> None:
        """Close this screen if the window became large enough while a dialog was open above it."""
        if not is_too_small(self.app.size):
            self.dismiss()

    def _see(self, training: TrainingView) -> None:
        run = self.query_one("#run", Static)
        run.update(Content(in_one_line(training.headline) if training.alive else ""))
        run.set_class(training.alive, "-alive")
