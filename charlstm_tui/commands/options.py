"""Options that several commands share, and options made from the descriptions of the settings."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click
from msgspec import Struct

from charlstm_tui.commands.number_types import Number
from charlstm_tui.commands.proposals import checkpoints
from core.errors import UserError
from core.files import user_path
from core.runs import bundled_model
from core.runs.store import RunStore, default_root
from core.settings.config import Field, fields_of
from core.text import in_one_line, read_escapes

Command = TypeVar("Command", bound=Callable[..., Any])

# Second names of options, as courses on deep learning spell them. The names of the settings stay.
ALIASES = {"learning_rate": "--lr", "window": "--seq-len", "hidden_size": "--hidden-dim"}


def _store(ctx: click.Context, option: click.Parameter, folder: Path | None) -> RunStore:
    """Return the store of the folder given to this command, or before the command, or the default one."""
    before = ctx.find_root().params.get("store")
    try:
        return RunStore(user_path(str(folder))) if folder else before or RunStore(default_root())
    except UserError as error:  # the options of the program itself are read before errors are handled
        raise click.UsageError(str(error), ctx) from None


runs_option = click.option(
    "--runs",
    "store",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_store,
    help="Folder of the runs. [default: CHARLSTM_RUNS, or the program's own folder]",
)


def _checkpoint(ctx: click.Context, argument: click.Parameter, name: str | None) -> str:
    """Return the given name; without one, the newest run that has a checkpoint, or the bundled model."""
    if name is not None or ctx.resilient_parsing:  # a shell asks for proposals: nothing is chosen or printed
        return name or ""
    store: RunStore = ctx.params.get("store") or ctx.find_root().params.get("store") or RunStore(default_root())
    newest = next((run.name for run in store.all() if run.checkpoint_path.is_file()), None)
    if newest is None and bundled_model.shipped_path() is None:
        raise click.UsageError("There is no model yet. Train one first: charlstm-tui train", ctx)
    chosen = newest or bundled_model.NAME
    if newest == bundled_model.NAME:  # a run from before that name was reserved: by its folder
        chosen = str(store.get(newest).path)
    click.echo(f"CHECKPOINT was not given: {in_one_line(chosen)}", err=True)
    return chosen


checkpoint_argument = click.argument("checkpoint", required=False, callback=_checkpoint, shell_complete=checkpoints)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def setting_options(
    config: type[Struct], *, show_defaults: bool = True, without: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Add an option for every setting of `config` except some. An option that is not given arrives as None.

    The help shows the defaults of the configuration unless `show_defaults` is False.
    """

    def decorate(command: Command) -> Command:
        for field in reversed(fields_of(config)):
            if field.name in without:
                continue
            command = click.option(
                *_option_names(field.name),
                field.name,
                type=_type_of(field),
                metavar={int: "N", float: "X", str: None}[field.kind],
                help=f"{field.description} {_limits(field, show_default=show_defaults)}".strip(),
            )(command)
        return command

    return decorate


def _limits(field: Field, *, show_default: bool) -> str:
    """Return the bounds and the default of a setting in brackets; choices are shown with the option's name."""
    limits = [] if field.choices else [field.bounds]
    if show_default:
        limits.append(f"default: {field.show(field.default)}")
    return f"[{'; '.join(limits)}]" if limits else ""


def _option_names(field: str) -> list[str]:
    """Return the option's name and, where it has one, its alias."""
    return [f"--{field.replace('_', '-')}", *([ALIASES[field]] if field in ALIASES else [])]


class GroupedCommand(click.Command):
    """A command whose help lists its options under headings.

    An option that no group names is listed under the last heading.
    """

    groups: ClassVar[Mapping[str, Collection[str]]] = {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group, in the order of the command's options."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in self.groups}
        heading_of = {name: heading for heading, names in self.groups.items() for name in names}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections[heading_of.get(param.name or "", [*sections][-1])].append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


class Prompt(click.ParamType[str]):
    r"""A prompt, in which \n is a new line, as in the text boxes of the app."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text with its escapes replaced."""
        return read_escapes(str(value))


def _type_of(field: Field) -> "click.ParamType[Any]":
    if field.choices:
        return click.Choice(field.choices)
    if field.kind is str:
        return Prompt()
    return Number(int if field.kind is int else float)


def given(settings: dict[str, Any], config: type[Struct]) -> dict[str, Any]:
    """Return those settings of `config` that were given on the command line."""
    names: Iterable[str] = (field.name for field in fields_of(config))
    return {name: settings[name] for name in names if settings.get(name) is not None}
