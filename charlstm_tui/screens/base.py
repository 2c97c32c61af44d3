"""Base classes that all screens share."""

from collections.abc import Callable

from textual.command import CommandPalette
from textual.events import Resize
from textual.screen import Screen

from core.errors import UserError
from core.files import new_file, write_atomically

FLAT = 20
"""Number of rows below which a screen hides what other screens also show."""


class FitsWindow:
    """A mixin for screens that drops outdated sizes. In the list of bases it stands before Textual's own class.

    Textual's screen posts each change of its size to itself again. Two sizes in one queue, with any other event between
    them, would alternate forever, and nothing else would be drawn. Only the app's current size is passed on.
    """

    def on_resize(self, event: Resize) -> None:
        """Drop a size that is not the window's current one."""
        if isinstance(self, Screen) and event.size != self.app.size:
            event.prevent_default()
            event.stop()
        elif isinstance(self, Screen):
            self.set_class(event.size.height < FLAT, "-flat")


class ModeScreen(FitsWindow, Screen[None]):
    """Base class of the app's four main screens."""

    def action_leave_field(self) -> None:
        """Remove the focus from the field, so that letters work as keys again."""
        self.set_focus(None)

    def save_file(self, name: str, make: Callable[[], bytes]) -> None:
        """Write the bytes that `make` returns to a new file, and show a notice with its path or with the error."""
        try:
            path = new_file(name)
            write_atomically(path, make())
        except UserError as error:
            self.notify(str(error), severity="error", timeout=10)
        else:
            self.notify(f"Saved: {path}")


class Palette(FitsWindow, CommandPalette):
    """Textual's command palette, without outdated sizes."""
