"""What the screens have in common."""

from collections.abc import Callable

from textual.command import CommandPalette
from textual.events import Resize
from textual.screen import Screen

from core.errors import UserError
from core.files import new_file, write_atomically

FLAT = 20
"""Rows; a screen with fewer leaves out what other screens show too."""


class FitsWindow:
    """A mixin for screens, before Textual's own class in the bases: it drops sizes that are out of date.

    Textual's screen posts each change of its size to itself again. Two sizes in one queue, with anything between them,
    would alternate for ever, and nothing else would be drawn. Only the size that the app has now is passed on.
    """

    def on_resize(self, event: Resize) -> None:
        """Drop a size that is no longer the window's."""
        if isinstance(self, Screen) and event.size != self.app.size:
            event.prevent_default()
            event.stop()
        elif isinstance(self, Screen):
            self.set_class(event.size.height < FLAT, "-flat")


class ModeScreen(FitsWindow, Screen[None]):
    """One of the app's four screens."""

    def action_leave_field(self) -> None:
        """Stop typing, so that letters are keys again."""
        self.set_focus(None)

    def save_file(self, name: str, make: Callable[[], bytes]) -> None:
        """Put what `make` returns into a new file, and say so, or why not."""
        try:
            path = new_file(name)
            write_atomically(path, make())
        except UserError as error:
            self.notify(str(error), severity="error", timeout=10)
        else:
            self.notify(f"Saved: {path}")


class Palette(FitsWindow, CommandPalette):
    """Textual's palette."""
