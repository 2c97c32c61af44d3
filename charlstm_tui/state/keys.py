"""The keys that are active now, in the order of the help and the palette: the screen's, then the app's."""

from typing import Any, NamedTuple

from textual.app import App
from textual.command import DiscoveryHit, Hits
from textual.screen import Screen
from textual.system_commands import SystemCommandsProvider

from charlstm_tui.formatting.key_names import key_in_words


class Key(NamedTuple):
    """A key and its action."""

    key: str
    """Textual's name of the key."""
    shown: str
    """The key as it is displayed."""
    does: str
    """Description of the action."""
    action: str
    of_screen: bool
    """False for a key that does the same on every screen."""


def keys_of(screen: Screen[Any], app: App[Any]) -> list[Key]:
    """Return the active keys of a screen and of the app, those in the footer first.

    While an input has the focus, its editing keys are not listed. The screen's letter keys are listed although the
    input receives letters, since Esc leaves the input.
    """
    keys: dict[str, Key] = {}
    reached = [node for node, _ in screen._modal_binding_chain]
    for node in (screen, app):
        in_force = node._bindings.copy()
        in_force.apply_keymap(app._keymap)
        bindings = [binding for some in in_force.key_to_bindings.values() for binding in some]
        for binding in sorted(bindings, key=lambda binding: not binding.show):
            if not binding.description or binding.action == "command_palette":
                continue
            if node not in reached and not binding.priority:
                continue  # a modal dialog blocks the app's keys
            if binding.action in ("app.focus_next", "app.focus_previous") and not _has_where_to_go(screen):
                continue
            of_screen = node is screen and not binding.action.startswith(("app.", "screen."))
            if app._check_action_state(binding.action, node):
                action = f"app.{binding.action}" if node is app else binding.action
                key = Key(binding.key, app.get_key_display(binding), binding.description, action, of_screen)
                keys.setdefault(binding.description, key)
    return sorted(keys.values(), key=lambda key: not key.of_screen)


def _has_where_to_go(screen: Screen[Any]) -> bool:
    """Return whether any other widget could have the focus."""
    return any(widget is not screen.focused for widget in screen.focus_chain)


class Commands(SystemCommandsProvider):
    """The commands of the palette, in the app's order until the user types a search."""

    async def discover(self) -> Hits:
        """Yield all commands."""
        for name, help_text, callback, discover in self.app.get_system_commands(self.screen):
            if discover:
                yield DiscoveryHit(name, callback, help=help_text)


def shown_key(app: App[Any], action: str, default: str) -> str:
    """Return the first key of an action, by its name in the keymap, as it is displayed."""
    own = app._keymap.get(action)
    return key_in_words(own.split(",")[0]) if own else default
