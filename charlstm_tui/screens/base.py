"""Screens that heed no size but the one that the window has."""

from textual.command import CommandPalette
from textual.events import Resize
from textual.screen import Screen

FLAT = 20
"""Rows; a screen of fewer leaves out what can be read elsewhere."""


class FitsWindow:
    """To be put before Textual's screen, which posts each change of its size to itself once more.

    Two sizes that wait in one queue, with anything between them, would so follow each other for ever, and nothing else
    would be drawn. The app knows the newest, and tells it to the screen that is shown: all others are passed over.
    """

    def on_resize(self, event: Resize) -> None:
        """Keep a size that is no longer the window's from the screen."""
        if isinstance(self, Screen) and event.size != self.app.size:
            event.prevent_default()
            event.stop()
        elif isinstance(self, Screen):
            self.set_class(event.size.height < FLAT, "-flat")


class Palette(FitsWindow, CommandPalette):
    """Textual's palette."""
