"""`charlstm-tui corpus`: list the known texts, fetch the one that is not bundled, and show the files of a text."""

import json
import sys
from contextlib import closing

import click

from charlstm_tui.commands.corpus_show import show_command
from charlstm_tui.commands.options import json_option
from charlstm_tui.commands.stdio import draws_bars, is_terminal
from charlstm_tui.commands.text_options import about_moliere
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.download import Fetched, FetchProgress, fetch
from core.data.known_texts import KNOWN, MOLIERE, KnownText, default_name
from core.errors import UserError
from core.text import in_one_line

name_argument = click.argument("name", default=MOLIERE.name, type=click.Choice(list(KNOWN)))


@click.group("corpus", short_help="List and download texts, show their files.")
def corpus_commands() -> None:
    """List the known texts, download Molière's plays, print the path of a text, or show the files of your own."""


@corpus_commands.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the known texts. Any other text is given by its path."""
    if as_json:
        for text in KNOWN.values():
            click.echo(json.dumps(_as_json(text)))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("name", "characters", "distinct", "licence"):
        table.add_column(heading, justify="right" if heading in ("characters", "distinct") else "left", no_wrap=True)
    table.add_column("where", overflow="fold")  # a long path is wrapped
    for text in KNOWN.values():
        corpus = _loaded(text)
        figures = [f"{len(corpus):,}", str(len(corpus.characters))] if corpus else ["–", "–"]
        where = "bundled" if text.bundled else str(text.path) if corpus else "not here yet"
        name = f"{text.name} *" if text.name == default_name() else text.name
        table.add_row(name, *figures, text.licence, where)
    # The output of a pipe is not limited by the width of a window.
    Console(highlight=False, markup=False, width=None if is_terminal(sys.stdout) else 500).print(table)
    click.echo("* the text that `train` uses by default", err=True)
    if not MOLIERE.here:
        click.echo(about_moliere(), err=True)


@corpus_commands.command("fetch")
@name_argument
def fetch_command(name: str) -> None:
    """Download a text (by default Molière's plays) into the user's data folder. Ctrl-C stops it."""
    text = KNOWN[name]
    if text.bundled or (text.here and _loaded(text) is not None):
        click.echo(f"{text.title}: already here, {in_one_line(str(text.path))}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    with (
        Progress(
            TextColumn("fetching"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
            disable=not draws_bars(),
        ) as progress,
        closing(fetch(text)) as events,
    ):
        task = progress.add_task("", total=text.size)
        for event in events:
            match event:
                case FetchProgress(received=received):
                    progress.update(task, completed=received)
                case Fetched(path=path):
                    click.echo(f"{text.title}: fetched, {in_one_line(str(path))}")


@corpus_commands.command("path")
@click.argument("name", default=default_name, type=click.Choice(list(KNOWN)))
def path_command(name: str) -> None:
    """Print the path of a text (by default, the default text of `train`)."""
    path = str(CorpusConfig(source=name).path)
    click.echo(in_one_line(path) if is_terminal(sys.stdout) else path)  # a program needs the exact path, unsanitised


corpus_commands.add_command(show_command)


def _loaded(text: KnownText) -> Corpus | None:
    """Return the corpus of a known text; None if its file is missing or damaged."""
    try:
        return load_corpus(CorpusConfig(source=text.name)) if text.here else None
    except UserError:
        return None


def _as_json(text: KnownText) -> dict[str, object]:
    corpus = _loaded(text)
    return {
        "name": text.name,
        "title": text.title,
        "default": text.name == default_name(),
        "characters": len(corpus) if corpus else None,
        "distinct": len(corpus.characters) if corpus else None,
        "where": str(text.path) if corpus else None,
        "licence": text.licence,
        "url": text.url or None,
    }
