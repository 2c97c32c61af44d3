"""Options that choose a text, its limit, split and encoding; and the function that reads it with a progress bar."""

from collections.abc import Sequence

import click
import msgspec

from charlstm_tui.commands.number_types import WholeNumberRange
from charlstm_tui.commands.options import Command
from charlstm_tui.commands.stdio import bar
from charlstm_tui.formatting.numbers import size_in_bytes
from core.data.corpus import Corpus, CorpusConfig, open_corpus, open_whole
from core.data.encodings import ERRORS, Errors, encoding_named
from core.data.known_texts import KNOWN, MOLIERE
from core.data.splits import SPLITS, Split
from core.data.text_files import TextFile, changes_between, named
from core.errors import UserError
from core.settings.reading_fields import MAX_SEED
from core.text import in_one_line

limit_option = click.option(
    "--limit", metavar="N", type=WholeNumberRange(1, 10**15), help="Use only the first N characters of the text."
)
split_option = click.option(
    "--split",
    type=click.Choice(SPLITS),
    help="Test part: the last tenth of the text (tail), every tenth block (interleaved), or every tenth file (files).",
)
split_seed_option = click.option(
    "--split-seed",
    metavar="N",
    type=WholeNumberRange(0, MAX_SEED),
    help="Draws the files of the test part with --split files. [default: 0]",
)
skip_unreadable_option = click.option(
    "--skip-unreadable", is_flag=True, help="Skip files that cannot be read or are not text, and name them."
)


def _encoding(ctx: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Return the encoding of that name; raise a `UserError` before any other work if there is none."""
    return encoding_named(name) if name is not None else None


encoding_option = click.option(
    "--encoding",
    metavar="NAME",
    callback=_encoding,
    help="Encoding of the text: windows-1252, koi8-r, … [default: detected]",
)
encoding_errors_option = click.option(
    "--encoding-errors",
    type=click.Choice(ERRORS),
    help="Bytes that are not in the encoding: refuse the text, or read each as �. [default: strict]",
)
_READING_OPTIONS = (
    limit_option,
    split_option,
    split_seed_option,
    encoding_option,
    encoding_errors_option,
    skip_unreadable_option,
)


def reading_options(command: Command) -> Command:
    """Add all options that say how a text is read and split. They arrive as None, or False, if not given."""
    for option in reversed(_READING_OPTIONS):
        command = option(command)
    return command


TEXTS = f"{', '.join(KNOWN)}, or the path of a text file, a folder of .txt files, or a glob in quotes"


def read_text(config: CorpusConfig, *, whole: bool = False, silent: bool = False) -> Corpus:
    """Load a text with a progress bar, and report its encoding if that is not UTF-8.

    With `whole`, the text is not split and may be as short as one character.

    Raises:
        UserError: as for `open_corpus` or `open_whole`.
    """
    with bar("reading the text") as progress:
        task = progress.add_task("", total=1.0)
        for event in open_whole(config) if whole else open_corpus(config):
            if isinstance(event, Corpus):
                corpus = event
            else:
                progress.update(task, completed=event.done)
    if not silent:
        for sentence in about_reading(corpus):
            click.echo(sentence, err=True)
    return corpus


def about_reading(corpus: Corpus) -> list[str]:
    """Return sentences on the encoding of a text if it is not UTF-8, and on the files that were passed over."""
    if not corpus.text.files:
        if corpus.text.encoding == "utf-8":
            return []
        return [f"{corpus.config.shown} was read as {in_one_line(corpus.text.encoding)}."]
    read_as: dict[str, list[TextFile]] = {}
    for file in corpus.text.files:
        read_as.setdefault(file.encoding, []).append(file)
    sentences = [
        f"{named([file.path for file in files], len(files))} {'was' if len(files) == 1 else 'were'} read as "
        f"{in_one_line(encoding)}."
        for encoding, files in read_as.items()
        if encoding != "utf-8"
    ]
    return [*sentences, *(one.sentence() for one in corpus.text.passed_over)]


def about_change(before: CorpusConfig, corpus: Corpus) -> str | None:
    """Return a sentence if a text has changed since a model was trained on it, with the files; None if it has not."""
    if before.sha256 in ("", corpus.config.sha256):
        return None
    changes = changes_between(before.files, corpus.config.files)
    return f"{corpus.config.shown} has changed since the model was trained on it{changes}."


def check_split_seed(split: Split, seed: int | None) -> None:
    """Check that a seed is given only for the split that has one.

    Raises:
        UserError: it is given for another split.
    """
    if seed is not None and split != "files":
        raise UserError(f"--split-seed draws the files of --split files: the split {split} needs no seed. Remove it.")


def named_or_own(
    trained_on: CorpusConfig,
    named: Sequence[str],
    limit: int | None,
    split: Split | None,
    encoding: str | None,
    errors: Errors | None,
    *,
    split_seed: int | None = None,
    skip_unreadable: bool = False,
) -> CorpusConfig:
    """Return the named text, or the model's own with the given options in place of those it was trained with.

    Options of the model's own text (limit, encoding) never apply to a named text. A named file is not split by files.
    """
    cut = split or trained_on.split
    seed = trained_on.split_seed if split_seed is None else split_seed
    if named:
        config = CorpusConfig.typed(
            named, limit, cut, encoding, errors or "strict", split_seed=seed, skip_unreadable=skip_unreadable
        )
        if split is None:
            config = config.split_like(msgspec.structs.replace(trained_on, split_seed=seed))
    else:
        config = msgspec.structs.replace(
            trained_on,
            limit=limit or trained_on.limit,
            split=cut,
            split_seed=seed,
            encoding=encoding or trained_on.encoding,
            encoding_errors=errors or trained_on.encoding_errors,
            skip_unreadable=skip_unreadable or trained_on.skip_unreadable,
        )
    check_split_seed(config.split, split_seed)
    return config


def about_moliere() -> str:
    """Return one line on Molière's plays: title, size, licence, and how to fetch them."""
    return (
        f"{MOLIERE.title} ({size_in_bytes(MOLIERE.size)}, {MOLIERE.licence}) are not here yet: "
        "`charlstm-tui corpus fetch` fetches them."
    )
