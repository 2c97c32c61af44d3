"""Base classes of the screens."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.binding import BindingsMap
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.events import Resize
from textual.keys import key_to_character
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget
from textual.widgets import Input

from charlstm_tui.state.messages import FactsKnown
from core.errors import UserError
from core.files import new_file, write_atomically

FLAT = 20
"""Number of rows below which a screen hides the lines that other screens show as well."""


def shown_page(screen: Screen[Any]) -> str:
    """Return the name of a screen's help page, which is also its name for a lesson."""
    return str(getattr(screen, "HELP_PAGE", None) or screen.app.current_mode)


def save_file(screen: Screen[Any], name: str, make: Callable[[], bytes]) -> None:
    """Write the result of `make` to a new file, and notify the user of success or of the error."""
    try:
        path = new_file(name)
        write_atomically(path, make())
    except UserError as error:
        screen.notify(str(error), severity="error", timeout=10)
    else:
        screen.notify(f"Saved: {path}")


class FitsWindow:
    """Mixin for screens that drops outdated resize events; it comes before Textual's own class in the bases.

    Textual's screen posts each change of its size to itself again. If the queue holds two sizes with another message
    between them, the two sizes alternate forever and nothing else is drawn. Only the app's present size is passed on.
    """

    TAKES_LESSONS = False
    """Whether the panel of a lesson is shown on this screen."""
    _panel_takes = (0, 0)  # columns and rows

    def on_resize(self, event: Resize) -> None:
        """Drop a size that is not the present size of the window."""
        if isinstance(self, Screen) and event.size != self.app.size:
            event.prevent_default()
            event.stop()
        elif isinstance(self, Screen):
            self.set_class(event.size.height - self._panel_takes[1] < FLAT, "-flat")

    def on_screen_resume(self) -> None:
        """Tell the app which screen is shown, for the panel of a lesson."""
        if self.TAKES_LESSONS and isinstance(self, Screen):
            self.app.post_message(FactsKnown({"app.screen": shown_page(self)}))

    def fit_panel(self, columns: int, rows: int) -> None:
        """Lay out the screen for a window without the columns and rows that the panel of a lesson takes."""
        if isinstance(self, Screen) and self._panel_takes != (columns, rows):
            self._panel_takes = columns, rows
            for axis, taken in (("HORIZONTAL", columns), ("VERTICAL", rows)):
                whole = getattr(self.app, f"{axis}_BREAKPOINTS") or []
                vars(self)[f"{axis}_BREAKPOINTS"] = [(least and least + taken, name) for least, name in whole]
            self.post_message(Resize(self.app.size, self.app.size))  # sets the classes of the breakpoints

    @property
    def focus_chain(self) -> list[Widget]:
        """Widgets that Tab leads to. A panel that has a key of its own is none of them, unless the focus is in it."""
        chain: list[Widget] = super().focus_chain  # type: ignore[misc]
        return [widget for widget in chain if not self._is_passed_by(widget)]

    def _is_passed_by(self, widget: Widget) -> bool:
        panel = next((node for node in widget.ancestors_with_self if getattr(node, "PASSED_BY_TAB", False)), None)
        focused: Widget | None = getattr(self, "focused", None)
        return panel is not None and (focused is None or panel not in focused.ancestors_with_self)

    @property
    def _binding_chain(self) -> list[tuple[DOMNode, BindingsMap]]:
        """Keys by widget, from the focused one to the app; without characters that a text field takes.

        Textual removes those before it applies the user's keymap, so a letter from the keymap could not be typed.
        """
        chain: list[tuple[DOMNode, BindingsMap]] = super()._binding_chain  # type: ignore[misc]
        for place, (_, bindings) in enumerate(chain):
            for key in list(bindings.key_to_bindings):
                if any(node.check_consume_key(key, key_to_character(key)) for node, _ in chain[:place]):
                    del bindings.key_to_bindings[key]
        return chain


class ListScreen(FitsWindow, ModalScreen[ScreenResultType]):
    """A screen that fills the window with a list to choose from, and what its own CSS adds below the list."""

    DEFAULT_CSS: ClassVar[str] = """
    ListScreen {
        & > Vertical { width: 100%; height: 100%; background: $background; padding: 0 1; }
        & OptionList {
            height: 1fr; border: round $foreground 30%; border-title-color: $text-muted; background: $background;
            padding: 0 1; scrollbar-size: 1 1; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & OptionList:focus { border: round $accent; background-tint: $foreground 0%; }
    }
    """


class ModeScreen(FitsWindow, Screen[None]):
    """One of the app's screens."""

    TAKES_LESSONS = True

    def action_leave_field(self) -> None:
        """Take the focus from the field, so that letters are keys again, also after another screen was open."""
        vars(self)["AUTO_FOCUS"] = ""  # of this screen only: Textual would focus the field when it is shown again
        self.set_focus(None)


class Palette(FitsWindow, CommandPalette):
    """Textual's palette."""

    def on_mount(self) -> None:
        """Refuse a long search: a megabyte that was pasted took 1.5 seconds."""
        self.query_one(Input).max_length = 100
