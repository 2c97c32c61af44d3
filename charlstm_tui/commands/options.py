"""Options that several commands share, and options made from the descriptions of the settings."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct

from core.config import fields_of
from core.files import user_path
from core.runs import RunStore, default_root

Command = TypeVar("Command", bound=Callable[..., Any])


def _store(ctx: click.Context, option: click.Parameter, folder: Path | None) -> RunStore:
    """Take the folder given to this command, else the one given before the command, else the usual one."""
    before = ctx.find_root().params.get("store")
    return RunStore(user_path(str(folder))) if folder else before or RunStore(default_root())


runs_option = click.option(
    "--runs",
    "store",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_store,
    help="Folder that holds the runs (else CHARLSTM_RUNS, else a place of the program's own).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def setting_options(config: type[Struct], *, show_defaults: bool = True) -> Callable[[Command], Command]:
    """Add an option for every setting of `config`; one that is not given arrives as None.

    The help shows the configuration's own defaults unless told that they are not what counts.
    """

    def decorate(command: Command) -> Command:
        for field in reversed(fields_of(config)):
            default = f"; else {field.show(field.default)}" if show_defaults else ""
            command = click.option(
                f"--{field.name.replace('_', '-')}",
                field.name,
                type=click.Choice(field.choices) if field.choices else field.kind,
                metavar={int: "N", float: "X", str: None}[field.kind],
                help=f"{field.description} [{field.bounds}{default}]",
            )(command)
        return command

    return decorate


def given(settings: dict[str, Any], config: type[Struct]) -> dict[str, Any]:
    """Return those settings of `config` that were given on the command line."""
    names: Iterable[str] = (field.name for field in fields_of(config))
    return {name: settings[name] for name in names if settings[name] is not None}
