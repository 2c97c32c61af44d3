"""`charlstm-tui runs`: what was trained, and how it went."""

import sys

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from charlstm_tui.commands.options import json_option, runs_option
from charlstm_tui.commands.streams import is_terminal
from charlstm_tui.numbers import loss_shown
from core.errors import UserError
from core.events import EpochCompleted
from core.runs import RunStore
from core.summary import RunSummary, summarise
from core.text import in_one_line, sanitise


@click.group("runs", short_help="Show the runs there are.")
def runs_commands() -> None:
    """Show the runs there are, and how one went."""


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
            click.echo(f"Passed over: {sanitise(str(error))}", err=True)
    if as_json:
        for summary in summaries:
            click.echo(sanitise(msgspec.json.encode(summary).decode()))
    elif summaries:
        _console().print(_table_of_runs(summaries))
    else:
        root = in_one_line(str(store.root))
        click.echo(f"There are no runs in {root} yet. `charlstm-tui train --corpus FILE` makes one.", err=True)


@runs_commands.command("show", short_help="Show one run, epoch by epoch.")
@click.argument("name", metavar="RUN")
@runs_option
@json_option
def show_command(name: str, store: RunStore, as_json: bool) -> None:
    """Show one run: what it was asked for, and its epochs."""
    run = store.get(name)
    config, summary, events = run.config(), summarise(run), run.events()
    if as_json:
        shown = {"config": config, "summary": summary, "checkpoint": str(run.checkpoint_path), "events": events}
        click.echo(sanitise(msgspec.json.encode(shown).decode()))
        return
    of = "" if config.training.seconds else f" of {config.training.epochs}"  # by time: as many as there was time for
    click.echo(f"{in_one_line(run.name)}: {summary.state} after {summary.epochs}{of} epochs")
    click.echo(in_one_line(f"text      {config.corpus.title}, split {config.corpus.split}"))
    for title, settings in (("model", config.model), ("training", config.training)):
        values = ", ".join(f"{key} {value}" for key, value in msgspec.structs.asdict(settings).items())
        click.echo(f"{title:9} {values}")
    if run.checkpoint_path.exists():
        click.echo(f"file      {in_one_line(str(run.checkpoint_path))}")
    epochs = [event for event in events if isinstance(event, EpochCompleted)]
    if epochs:
        _console().print(_table_of_epochs(epochs))


def _console() -> Console:
    # A pipe has no width to fit: nothing is cut there.
    return Console(highlight=False, width=None if is_terminal(sys.stdout) else 200)


def _table(*headers: tuple[str, bool]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header, numeric in headers:
        table.add_column(header, justify="right" if numeric else "left", no_wrap=True)
    return table


def _table_of_runs(summaries: list[RunSummary]) -> Table:
    table = _table(
        ("name", False), ("when", False), ("text", False), ("epochs", True), ("train", True), ("best val.", True),
        ("state", False),
    )  # fmt: skip
    for run in summaries:
        when = run.created.astimezone().strftime("%Y-%m-%d %H:%M") if run.created else ""
        table.add_row(
            Text(in_one_line(run.name)),
            when,
            Text(run.corpus),
            str(run.epochs),
            loss_shown(run.train_loss),
            loss_shown(run.best_val_loss),
            run.state,
        )
    return table


def _table_of_epochs(epochs: list[EpochCompleted]) -> Table:
    table = _table(("epoch", True), ("train", True), ("validation", True), ("seconds", True), ("char/s", True))
    for epoch in epochs:
        table.add_row(
            str(epoch.epoch), loss_shown(epoch.train_loss), loss_shown(epoch.val_loss), f"{epoch.seconds:.1f}",
            f"{epoch.chars_per_second:,.0f}",
        )  # fmt: skip
    return table
