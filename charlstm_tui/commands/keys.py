"""`charlstm-tui keys`: the actions of the app, their keys, and a file to change them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands.options import json_option
from charlstm_tui.formatting.key_names import key_in_words
from core.text import in_one_line

if TYPE_CHECKING:
    from charlstm_tui.state.keymap import Action

_WIDTHS = (14, 28)
"""Columns of the keys and of the names."""


@click.command("keys", short_help="List the keys of the app, and how to change them.")
@click.option("--toml", "as_toml", is_flag=True, help="Print a file with all keys, to edit and save as keys.toml.")
@json_option
def keys_command(as_toml: bool, as_json: bool) -> None:
    """List the actions of the app by screen: their keys, their names and what they do.

    The file keys.toml in the configuration folder gives actions other keys.
    """
    from charlstm_tui.screens.all_keys import SECTIONS, all_actions
    from charlstm_tui.state.keymap import keymap_path, load_keymap

    actions, path = all_actions(), keymap_path()
    if as_toml:
        click.echo(_template(actions))
        return
    own = load_keymap(path, lambda: actions)
    in_force = {action.id: own.get(action.id, action.keys) for action in actions}
    if as_json:
        listed = [
            {"id": action.id, "keys": in_force[action.id], "default": action.keys, "does": action.does}
            for action in actions
        ]
        click.echo(msgspec.json.encode(listed).decode())
        return
    section = ""
    for action in actions:
        if action.section != section:
            click.echo(("\n" if section else "") + click.style(SECTIONS[action.section][0], bold=True))
            section = action.section
        keys = " ".join(key_in_words(key) for key in in_force[action.id])
        changed = " (changed)" if action.id in own else ""
        click.echo(f"  {keys:{_WIDTHS[0]}}  {action.id:{_WIDTHS[1]}}  {' / '.join(action.does)}{changed}")
    shown = in_one_line(str(path))
    used = f"Your keys are from {shown}." if own else f"{shown} can give actions other keys."
    click.echo(f"\n{used} `charlstm-tui keys --toml` prints such a file.")


def own_keys() -> tuple[Path, int]:
    """Return the path of the user's file of keys, and to how many actions it gives other keys.

    Raises:
        UserError: the file has an error.
    """
    from charlstm_tui.screens.all_keys import all_actions
    from charlstm_tui.state.keymap import keymap_path, load_keymap

    path = keymap_path()
    return path, len(load_keymap(path, all_actions))


def _template(actions: "list[Action]") -> str:
    """Return a TOML file in which each action has its default keys, as comments."""
    lines = [
        "# Keys of charlstm-tui. Remove the # from a line to change it.",
        '# A key is a character ("k", "[", "é"), or a name: f7, pageup, left, space, ctrl+k. Several: ["k", "f7"].',
    ]
    section = ""
    for action in actions:
        if action.section != section:
            section = action.section
            lines += ["", f"[{section}]"]
        keys = msgspec.json.encode(action.keys if len(action.keys) > 1 else action.keys[0]).decode()
        lines.append(f"# {action.id.partition('.')[2]} = {keys}".ljust(48) + f"# {' / '.join(action.does)}")
    return "\n".join(lines)
