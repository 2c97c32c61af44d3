"""`charlstm-tui corpus show`: the files of a text, with their sizes, encodings and parts, and what is passed over."""

import sys

import click
import msgspec

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import json_option
from charlstm_tui.commands.stdio import bar, is_terminal
from charlstm_tui.commands.text_options import (
    check_split_seed,
    encoding_errors_option,
    encoding_option,
    limit_option,
    split_option,
    split_seed_option,
)
from charlstm_tui.formatting.numbers import size_in_bytes
from core.data.corpus import Corpus, CorpusConfig, open_whole
from core.data.encodings import Errors
from core.data.splits import PARTS, Split, check_split, files_of_parts, parts_of
from core.data.text_files import TextFile
from core.text import count_of, in_one_line

_SHOWN = 20
"""Number of names that are printed for each reason of passing over files; --json has more."""


@click.command("show", short_help="Show the files of a text.")
@click.argument("texts", metavar="TEXT…", nargs=-1, required=True, shell_complete=proposals.texts)
@limit_option
@split_option
@split_seed_option
@encoding_option
@encoding_errors_option
@click.option(
    "--validation", metavar="X", type=click.FloatRange(0, 0.5), default=0.05, show_default=True,
    help="Share for validation with --split files.",
)  # fmt: skip
@json_option
def show_command(
    texts: tuple[str, ...],
    limit: int | None,
    split: Split | None,
    split_seed: int | None,
    encoding: str | None,
    encoding_errors: Errors | None,
    validation: float,
    as_json: bool,
) -> None:
    """Show the files of each TEXT in the order in which they are read: a file, a folder, a glob or a known text.

    A folder stands for all .txt files below it. Each file is read, so that its encoding is known; those that cannot be
    read are listed. With --split files, the part of each file is shown.
    """
    cut = split or "tail"
    check_split_seed(cut, split_seed)
    config = CorpusConfig.typed(
        texts, limit, cut, encoding, encoding_errors or "strict", split_seed=split_seed or 0, skip_unreadable=True
    )
    corpus = _read(config)
    check_split(len(corpus), cut, len(corpus.lengths))
    files = corpus.text.files or (_of_one_file(corpus),)
    parts = _parts(corpus, validation) if cut == "files" else []
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_as_json(corpus, files, parts, validation))).decode())
        return
    _print(corpus, files, parts, validation)


def _read(config: CorpusConfig) -> Corpus:
    with bar("reading the text") as progress:
        task = progress.add_task("", total=1.0)
        for event in open_whole(config):
            if isinstance(event, Corpus):
                corpus = event
            else:
                progress.update(task, completed=event.done)
    return corpus


def _of_one_file(corpus: Corpus) -> TextFile:
    """Return the figures of a text that is named as a single file."""
    path = corpus.config.path
    return TextFile(
        path=in_one_line(path.name),
        size=path.stat().st_size,
        characters=len(corpus.text),
        encoding=corpus.text.encoding,
        sha256=corpus.text.sha256,
    )


def _parts(corpus: Corpus, validation: float) -> list[str]:
    """Return the part of each file in the split by files; of those beyond the limit, nothing."""
    parts = [""] * len(corpus.text.files)
    for part, numbers in files_of_parts(corpus.lengths, validation, corpus.config.split_seed).items():
        for number in numbers:
            parts[number] = part
    return parts


def _as_json(corpus: Corpus, files: tuple[TextFile, ...], parts: list[str], validation: float) -> dict[str, object]:
    config = corpus.config
    return {
        "text": config.name,
        "sources": config.sources,
        "files": [
            msgspec.structs.asdict(file) | ({"part": parts[number] or None} if parts else {})
            for number, file in enumerate(files)
        ],
        "passed_over": corpus.text.passed_over,
        "bytes": sum(file.size for file in files),
        "characters": len(corpus),
        "distinct": len(corpus.characters),
        "encoding": corpus.text.encoding,
        "sha256": corpus.text.sha256,
        "split": config.split,
        "split_seed": config.split_seed,
        "parts": _sizes(corpus, validation),
    }


def _sizes(corpus: Corpus, validation: float) -> dict[str, int]:
    sizes = parts_of(len(corpus), corpus.config.split, validation, files=corpus.lengths, seed=corpus.config.split_seed)
    return {part: sizes[part] for part in PARTS}


def _print(corpus: Corpus, files: tuple[TextFile, ...], parts: list[str], validation: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("file", "size", "characters", "encoding", *(["part"] if parts else [])):
        table.add_column(
            heading,
            justify="right" if heading in ("size", "characters") else "left",
            no_wrap=heading != "file",
            overflow="fold",
        )
    for number, file in enumerate(files):
        figures = [size_in_bytes(file.size), f"{file.characters:,}", in_one_line(file.encoding)]
        table.add_row(in_one_line(file.path), *figures, *([parts[number] or "–"] if parts else []))
    # The output of a pipe is not limited by the width of a window.
    Console(highlight=False, markup=False, width=None if is_terminal(sys.stdout) else 500).print(table)
    size = size_in_bytes(sum(file.size for file in files))
    characters = count_of(len(corpus), "character")
    click.echo(f"{count_of(len(files), 'file')}, {size}, {characters}, {len(corpus.characters)} distinct")
    if parts:
        sizes = _sizes(corpus, validation)
        total = max(sum(sizes.values()), 1)
        click.echo(", ".join(f"{part} {characters / total:.1%}" for part, characters in sizes.items() if characters))
    for passed_over in corpus.text.passed_over:
        click.echo(passed_over.sentence(_SHOWN), err=True)
        for detail in passed_over.details[:_SHOWN]:
            click.echo(f"  {in_one_line(detail)}", err=True)
    if any(one.reason == "unreadable" for one in corpus.text.passed_over):
        click.echo("`train` refuses such a text without --skip-unreadable.", err=True)
