"""The keys that mean something now, in the order in which people look for them: the screen's, then the app's."""

from typing import Any, NamedTuple

from textual.app import App
from textual.command import DiscoveryHit, Hits
from textual.screen import Screen
from textual.system_commands import SystemCommandsProvider


class Key(NamedTuple):
    """A key, and what it does."""

    key: str
    """As Textual calls it."""
    shown: str
    """As people read it."""
    does: str
    action: str
    of_screen: bool
    """False for one that does the same on every screen."""


def keys_of(screen: Screen[Any], app: App[Any]) -> list[Key]:
    """Return the keys that mean something on a screen now, those in the footer first.

    A field that has the focus takes letters for itself. Its editing keys are left out, and the screen's are there,
    since Esc leaves the field.
    """
    keys: dict[str, Key] = {}
    reached = [node for node, _ in screen._modal_binding_chain]
    for node in (screen, app):
        bindings = [binding for some in node._bindings.key_to_bindings.values() for binding in some]
        for binding in sorted(bindings, key=lambda binding: not binding.show):
            if not binding.description or binding.action == "command_palette":
                continue
            if node not in reached and not binding.priority:
                continue  # a dialog keeps the app's keys from the app
            if binding.action in ("app.focus_next", "app.focus_previous") and not _has_where_to_go(screen):
                continue
            of_screen = node is screen and not binding.action.startswith(("app.", "screen."))
            if app._check_action_state(binding.action, node):
                action = f"app.{binding.action}" if node is app else binding.action
                key = Key(binding.key, app.get_key_display(binding), binding.description, action, of_screen)
                keys.setdefault(binding.description, key)
    return sorted(keys.values(), key=lambda key: not key.of_screen)


def _has_where_to_go(screen: Screen[Any]) -> bool:
    """Whether there is anything that could have the focus, and does not."""
    return any(widget is not screen.focused for widget in screen.focus_chain)


class Commands(SystemCommandsProvider):
    """What the palette offers, in the app's own order until something is searched for."""

    async def discover(self) -> Hits:
        """Offer all commands."""
        for name, help_text, callback, discover in self.app.get_system_commands(self.screen):
            if discover:
                yield DiscoveryHit(name, callback, help=help_text)
