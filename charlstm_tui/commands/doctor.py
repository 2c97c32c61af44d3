"""`charlstm-tui doctor`: check the installation and the machine, and print what a bug report needs."""

import shutil
import sys
import textwrap
from itertools import chain
from typing import TYPE_CHECKING

import click
import msgspec

from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.stdio import is_terminal, require_output
from core.errors import UserError
from core.runs.store import RunStore
from core.text import count_of, sanitise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charlstm_tui.commands.doctor_result import Check

WIDTH = 80
"""Maximum length of a line in columns: a bug report is read elsewhere."""
_STATE, _NAME = 6, 13
"""Columns of the first two words of a line."""
_NARROWEST = 20
"""Fewest columns of the text after them, however narrow the terminal is."""


@click.command("doctor", short_help="Check that the program works here, for a bug report.")
@runs_option
@json_option
@click.pass_context
def doctor_command(ctx: click.Context, store: RunStore, as_json: bool) -> None:
    """Check versions, terminal, encoding, folders and device, and train for two seconds in a temporary folder.

    Each line begins with ok, note (worth knowing, and no fault) or wrong. The exit code is 0, or 1 if a line says
    wrong. Paste the lines into a bug report: they show ~ for your home folder, and nothing of your texts.
    """
    require_output()
    checks: list[Check] = []
    for check in _all_checks(store):
        checks.append(check)
        if not as_json:
            click.echo(sanitise("\n".join(lines_of(check, _width()))))
    wrong = [check.name for check in checks if check.state == "wrong"]
    if as_json:
        click.echo(sanitise(msgspec.json.encode({"ok": not wrong, "checks": checks}).decode()))
    elif not wrong:
        click.echo("Everything works.")
    if wrong:
        click.echo(f"{count_of(len(wrong), 'check')} found something wrong: {', '.join(wrong)}.", err=True)
    ctx.exit(1 if wrong else 0)


def _all_checks(store: RunStore) -> "Iterator[Check]":
    from charlstm_tui.commands.doctor_checks import light_checks
    from charlstm_tui.commands.doctor_trials import trials

    return chain(light_checks(store), _keys(), trials())


def _keys() -> "Iterator[Check]":
    """Yield the check of the user's own keys."""
    from charlstm_tui.commands.doctor_result import Check, without_home
    from charlstm_tui.commands.keys import own_keys

    try:
        path, changed = own_keys()
    except UserError as error:
        yield Check(name="own keys", state="wrong", found=without_home(str(error)), advice="The app uses its own keys.")
        return
    found = f"{count_of(changed, 'action')} with other keys, {path}" if changed else "none: the keys of the program"
    yield Check(name="own keys", found=without_home(found))


def lines_of(check: "Check", width: int) -> list[str]:
    """Return a check as lines of at most `width` columns, unless that is very narrow."""
    indent = _STATE + _NAME
    text = f"{check.found.rstrip('.')}. {check.advice}" if check.advice else check.found
    wrapped = textwrap.wrap(text, max(width - indent, _NARROWEST), break_on_hyphens=False)
    first = f"{check.state:{_STATE}}{check.name:{_NAME}}{wrapped[0] if wrapped else ''}".rstrip()
    return [first, *(" " * indent + line for line in wrapped[1:])]


def _width() -> int:
    return min(shutil.get_terminal_size().columns, WIDTH) if is_terminal(sys.stdout) else WIDTH
