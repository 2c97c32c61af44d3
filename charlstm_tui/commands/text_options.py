"""Options that choose a text, its limit, split and encoding; and the function that reads it with a progress bar."""

import click
import msgspec

from charlstm_tui.commands.number_types import WholeNumberRange
from charlstm_tui.commands.stdio import bar
from charlstm_tui.formatting.numbers import size_in_bytes
from core.data.corpus import Corpus, CorpusConfig, open_corpus, open_whole
from core.data.encodings import ERRORS, Errors, encoding_named
from core.data.known_texts import KNOWN, MOLIERE
from core.data.splits import SPLITS, Split
from core.text import in_one_line

limit_option = click.option(
    "--limit", metavar="N", type=WholeNumberRange(1, 10**15), help="Use only the first N characters of the text."
)
split_option = click.option(
    "--split",
    type=click.Choice(SPLITS),
    help="Test part: the last tenth of the text (tail), or every tenth block (interleaved).",
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
TEXTS = f"{', '.join(KNOWN)}, or the path of a text file"


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
    if corpus.text.encoding != "utf-8" and not silent:
        click.echo(f"{in_one_line(str(config.path))} was read as {in_one_line(corpus.text.encoding)}.", err=True)
    return corpus


def named_or_own(
    trained_on: CorpusConfig,
    named: str | None,
    limit: int | None,
    split: Split | None,
    encoding: str | None,
    errors: Errors | None,
) -> CorpusConfig:
    """Return the named text, or the model's own with the given options in place of those it was trained with.

    Options of the model's own text (limit, encoding) never apply to a named text.
    """
    split = split or trained_on.split
    if named is not None:
        return CorpusConfig.typed(named, limit, split, encoding, errors or "strict")
    return msgspec.structs.replace(
        trained_on,
        limit=limit or trained_on.limit,
        split=split,
        encoding=encoding or trained_on.encoding,
        encoding_errors=errors or trained_on.encoding_errors,
    )


def about_moliere() -> str:
    """Return one line on Molière's plays: title, size, licence, and how to fetch them."""
    return (
        f"{MOLIERE.title} ({size_in_bytes(MOLIERE.size)}, {MOLIERE.licence}) are not here yet: "
        "`charlstm-tui corpus fetch` fetches them."
    )
