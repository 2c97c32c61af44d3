"""`charlstm-tui runs`: list, show, rename, delete and export runs."""

import sys

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.export import export_command
from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.stdio import is_terminal
from charlstm_tui.commands.table import print_columns
from charlstm_tui.formatting.numbers import loss_shown, size_in_bytes
from core.errors import UserError
from core.events import EpochCompleted
from core.runs.store import RunStore
from core.runs.summary import RunSummary, epochs_of, summarise
from core.text import count_of, in_one_line, sanitise


@click.group("runs", short_help="List, show, rename, delete and export runs.")
def runs_commands() -> None:
    """List the runs, show one in detail, rename, delete or export runs."""


@runs_commands.command("list", short_help="List the runs, newest first.")
@runs_option
@json_option
def list_command(store: RunStore, as_json: bool) -> None:
    """List the runs, newest first."""
    summaries = []
    for run in store.all():
        try:
            summaries.append(summarise(run))
        except UserError as error:
            click.echo(f"Skipped: {sanitise(str(error))}", err=True)
    if as_json:
        for summary in summaries:
            click.echo(sanitise(msgspec.json.encode(summary).decode()))
    elif summaries:
        _print_runs(summaries)
    else:
        root = in_one_line(str(store.root))
        click.echo(f"There are no runs in {root} yet. `charlstm-tui train --corpus FILE` makes one.", err=True)


@runs_commands.command("show", short_help="Show one run, epoch by epoch.")
@click.argument("name", metavar="RUN", shell_complete=proposals.runs)
@runs_option
@json_option
def show_command(name: str, store: RunStore, as_json: bool) -> None:
    """Show one run: its settings and its epochs."""
    run = store.get(name)
    config, summary, events = run.config(), summarise(run), run.events()
    if as_json:
        shown = {"config": config, "summary": summary, "checkpoint": str(run.checkpoint_path), "events": events}
        click.echo(sanitise(msgspec.json.encode(shown).decode()))
        return
    done = count_of(summary.epochs, "epoch")
    if not config.training.seconds:  # a run limited by time has no number of epochs to reach
        done = f"{summary.epochs} of {count_of(config.training.epochs, 'epoch')}"
    if config.origin is not None and config.is_imported:
        click.echo(in_one_line(f"{run.name}: imported from {config.origin.name}"))
    else:
        click.echo(f"{in_one_line(run.name)}: {summary.state} after {done}")
    click.echo(in_one_line(f"text      {config.corpus.title}, split {config.corpus.split_name}"))
    if config.origin is not None and not config.is_imported:
        click.echo(in_one_line(f"from      {config.origin.name}"))
    kinds = (("model", config.model), ("training", config.training))
    for title, settings in kinds[:1] if config.is_imported else kinds:  # how it was trained is not known
        values = ", ".join(f"{key} {value}" for key, value in msgspec.structs.asdict(settings).items())
        click.echo(f"{title:9} {values}")
    if run.checkpoint_path.exists():
        click.echo(f"file      {in_one_line(str(run.checkpoint_path))}")
    epochs = epochs_of(events)
    if epochs:
        _print_epochs(epochs)


@runs_commands.command("rename", short_help="Rename a run.")
@click.argument("name", metavar="RUN", shell_complete=proposals.runs)
@click.argument("to", metavar="NEW")
@runs_option
def rename_command(name: str, to: str, store: RunStore) -> None:
    """Rename a run."""
    run = store.rename(name, to)
    click.echo(in_one_line(str(run.path)))


@runs_commands.command("delete", short_help="Delete runs and their models.")
@click.argument("names", metavar="RUN...", nargs=-1, required=True, shell_complete=proposals.runs)
@click.option("--yes", is_flag=True, help="Delete without the question.")
@runs_option
def delete_command(names: tuple[str, ...], yes: bool, store: RunStore) -> None:
    """Delete runs with their models and histories, after a question."""
    runs = [store.get(name) for name in names]
    if not yes:
        if not is_terminal(sys.stdin):
            raise UserError(
                "Standard input is not a terminal, so you cannot be asked. Use --yes to delete without a question."
            )
        size = size_in_bytes(sum(run.size for run in runs))
        shown = in_one_line(", ".join(names))
        if not click.confirm(f"Delete {shown} ({size}), for good?", err=True):
            click.echo("Nothing was deleted.", err=True)
            return
    for name in dict.fromkeys(names):
        store.delete(name)
        click.echo(in_one_line(f"deleted {name}"))


runs_commands.add_command(export_command)


def _print_runs(summaries: list[RunSummary]) -> None:
    headers = (
        ("name", False), ("when", False), ("text", False), ("preset", False), ("epochs", True), ("best val.", True),
        ("size", True), ("state", False),
    )  # fmt: skip
    print_columns(headers, [
        (
            in_one_line(run.name),
            run.created.astimezone().strftime("%Y-%m-%d %H:%M") if run.created else "",
            in_one_line(run.corpus),
            in_one_line(run.preset),
            str(run.epochs),
            loss_shown(run.best_val_loss),
            size_in_bytes(run.size),
            run.state,
        )
        for run in summaries
    ])  # fmt: skip


def _print_epochs(epochs: list[EpochCompleted]) -> None:
    headers = (("epoch", True), ("train", True), ("validation", True), ("seconds", True), ("char/s", True))
    print_columns(headers, [
        (
            str(epoch.epoch), loss_shown(epoch.train_loss), loss_shown(epoch.val_loss), f"{epoch.seconds:.1f}",
            f"{epoch.chars_per_second:,.0f}",
        )
        for epoch in epochs
    ])  # fmt: skip
