"""The user's own keys: a file in the configuration folder, which Textual's keymap applies.

    # keys.toml: a table for each screen, a line for each action, as `charlstm-tui keys` lists them
    [evaluate]
    next-page = "n"                 # one key
    previous-page = ["b", "pageup"] # or several

Keys are named as Textual names them (f7, pageup, ctrl+k, left_square_bracket) or by the character itself ("[", "é").
"""

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from core.errors import UserError
from core.folders import config_folder
from core.text import in_one_line, shortened

MAX_BYTES = 100_000
"""Maximum size of the file."""
MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
NAMED = (
    "enter", "escape", "space", "tab", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown",
    "up", "down", "left", "right", *(f"f{number}" for number in range(1, 25)),
)  # fmt: skip
"""Keys that type no character."""
OTHER_NAMES = {
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown",
    "page_up": "pageup", "page_down": "pagedown", " ": "space", "\t": "tab",
}  # fmt: skip
TAKEN = {
    "tab": "it moves to the next field", "shift+tab": "it moves to the previous field",
    "ctrl+c": "it copies, or saves the run and quits", "ctrl+p": "it opens the palette",
    "ctrl+i": "terminals send it as Tab", "ctrl+m": "terminals send it as Enter",
    "ctrl+h": "terminals send it as Backspace", "ctrl+left_square_bracket": "terminals send it as Escape",
}  # fmt: skip
"""Keys that cannot be given to an action, and why."""


class Action(NamedTuple):
    """What a key does, as the user's file names it."""

    id: str
    """Name of the action: the screen, a dot, and what it does there."""
    keys: tuple[str, ...]
    """Its keys, by Textual's names; the first is shown."""
    does: tuple[str, ...]
    """Descriptions: several if it depends on the state of the screen."""
    places: frozenset[str]
    """Screens and lists in which it can be active together with the other actions of the same place."""

    @property
    def section(self) -> str:
        """The part of the name before the dot."""
        return self.id.partition(".")[0]


def keymap_path() -> Path:
    """Return the path of the user's file of keys."""
    return config_folder() / "keys.toml"


def load_keymap(path: Path, all_actions: Callable[[], Sequence[Action]]) -> dict[str, tuple[str, ...]]:
    """Return the keys that the user's file gives to actions, by Textual's names; empty if there is no file.

    Args:
        path: path of the file.
        all_actions: returns the actions that there are. It is called only if there is a file.

    Raises:
        UserError: the file cannot be read, names an unknown action or key, or gives a key to two actions.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UserError(f"{in_one_line(str(path))} cannot be read: {error.strerror or error}.") from None
    shown = in_one_line(str(path))
    if len(content) > MAX_BYTES:
        raise UserError(f"{shown} is too large for a file of keys.")
    try:
        given = _flat(tomllib.loads(content.decode("utf-8-sig")))
        keymap = {name: _keys_of(name, value) for name, value in given.items()}
        check_keymap(keymap, all_actions())
    except UnicodeDecodeError:
        raise UserError(f"{shown} is not in UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{shown} is not TOML: {in_one_line(str(error)) or 'it is nested too deeply'}.") from None
    except UserError as error:
        raise UserError(f"{shown}: {error}") from None
    return keymap


def check_keymap(keymap: Mapping[str, tuple[str, ...]], actions: Sequence[Action]) -> None:
    """Check that all actions exist and no two of them, active in the same place, have the same key.

    Raises:
        UserError: an action is unknown, or a key has two.
    """
    known = {action.id: action for action in actions}
    for name in keymap:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "`charlstm-tui keys` lists the actions."
            raise UserError(f"there is no action {shortened(name)}. {hint}")
    in_force = {action.id: keymap.get(action.id, action.keys) for action in actions}
    for name in keymap:
        mine = known[name]
        for other in actions:
            if other.id == name or not mine.places & other.places or set(mine.keys) & set(other.keys):
                continue
            if both := [key for key in in_force[name] if key in in_force[other.id]]:
                raise UserError(
                    f"the key {both[0]} would be both {name} ({mine.does[0]}) and {other.id} ({other.does[0]}). "
                    "Give one of them another key."
                )


def key_name(given: str) -> str:
    """Return Textual's name of a key.

    Raises:
        UserError: there is no such key, or it cannot be given to an action.
    """
    *modifiers, key = _parts(given)
    modifiers = [modifier.lower() for modifier in modifiers]
    named = key if len(key) == 1 else OTHER_NAMES.get(key.lower(), key.lower())
    named = OTHER_NAMES.get(named, named)
    if len(named) == 1:
        named = _name_of_character(named)
    elif named not in NAMED and _character(named) is None:
        raise UserError(f"there is no key {shortened(given)}. {_EXAMPLES}")
    if any(modifier not in MODIFIERS for modifier in modifiers) or len(set(modifiers)) < len(modifiers):
        raise UserError(f"there is no key {shortened(given)}. {_EXAMPLES}")
    if "shift" in modifiers and _character(named) is not None:
        raise UserError(f"a terminal does not send {shortened(given)}: write the character that Shift gives.")
    whole = "+".join([modifier for modifier in MODIFIERS if modifier in modifiers] + [named])
    if whole in TAKEN:
        raise UserError(f"{whole} cannot be given to an action: {TAKEN[whole]}.")
    return whole


_EXAMPLES = 'Keys are characters, such as "k" or "[", and names such as f7, pageup, left, space and ctrl+k.'


def _parts(given: str) -> list[str]:
    """Return the modifiers of a key, and the key itself, which may be a plus sign."""
    if given == "+":
        return ["plus"]
    if given.endswith("++"):
        return [*given[:-2].split("+"), "plus"]
    return given.split("+")


def _name_of_character(character: str) -> str:
    """Return Textual's name of the key that types a character.

    Raises:
        UserError: no key types it.
    """
    if not character.isprintable():
        raise UserError(f"there is no key {shortened(character)}. {_EXAMPLES}")
    from textual.keys import _character_to_key

    return _character_to_key(character)


def _character(name: str) -> str | None:
    """Return the character that a key types; None if it types none."""
    if len(name) == 1 or name in NAMED:
        return name if len(name) == 1 else None
    from textual.keys import format_key

    return format_key(name) if len(format_key(name)) == 1 else None


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return the values of nested tables under names with dots."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _keys_of(name: str, value: object) -> tuple[str, ...]:
    """Return the names of the keys that the file gives to an action.

    Raises:
        UserError: the value is no key and no list of keys, or a key does not exist.
    """
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or not all(isinstance(key, str) for key in given):
        raise UserError(f'{shortened(name)} must be a key in quotes, or a list of keys: "k", or ["k", "pageup"].')
    try:
        return tuple(dict.fromkeys(key_name(str(key)) for key in given))
    except UserError as error:
        raise UserError(f"{shortened(name)}: {error}") from None
