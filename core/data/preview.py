"""A preview of a text before it is chosen. It is quick even for a gigabyte, since only the beginning is read."""

from msgspec import Struct

from core.data.corpus import Corpus, CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import KNOWN
from core.data.splits import SPLITS, Part, Split, parts_of
from core.errors import UserError
from core.text import in_one_line

BEGINNING = 2_000
"""Number of characters shown."""


class Preview(Struct, frozen=True, kw_only=True):
    """Figures about a text, and its beginning."""

    name: str
    bytes: int
    encoding: str
    characters: int
    exact: bool
    """Whether the whole text was read. If not, `characters` is an estimate, and there may be more distinct characters.
    """
    distinct: int
    """Number of distinct characters, up to the limit."""
    beginning: str
    """The first characters of the text."""
    parts: dict[Split, dict[Part, int]]
    """Number of characters of each part under each split. If the text is short, its interleaved test part is empty."""


def preview(
    source: str,
    *,
    limit: int | None = None,
    validation: float = 0.0,
    encoding: str | None = None,
    encoding_errors: Errors = "strict",
) -> Preview:
    """Return a preview of a text, with the parts that a run with these settings would have.

    Args:
        source: the name of a known text, or the path of a file.
        limit: the number of characters to use; None for all.
        validation: the share of the training part that is kept for validation.
        encoding: the encoding of the file; None to detect it.
        encoding_errors: what to do with bytes that are invalid in the encoding.

    Raises:
        UserError: the text cannot be read, is not text, or is empty.
    """
    from core.data.text_slice import TextSlice

    config = CorpusConfig.typed(source, limit, encoding=encoding, encoding_errors=encoding_errors)
    corpus, share = open_beginning(config)
    text = corpus.text
    path = config.path
    characters = round(len(text) / share)
    used = min(characters, limit or characters)
    beginning = TextSlice(text=text, length=min(BEGINNING, len(text)), run=len(text), period=len(text))
    return Preview(
        name=config.source if config.source in KNOWN else in_one_line(path.name),
        bytes=path.stat().st_size,
        encoding=text.encoding,
        characters=characters,
        exact=share == 1.0,
        distinct=len(corpus.characters),
        beginning=str(beginning),
        parts={split: parts_of(used, split, validation) for split in SPLITS},
    )


def open_beginning(config: CorpusConfig) -> tuple[Corpus, float]:
    """Return a text, or the beginning of a large one, and the share of its bytes that was read.

    Raises:
        UserError: the text cannot be read, is not text, or is empty.
    """
    from core.data.encoded_text import read_beginning

    path = config.path
    text, share = read_beginning(path, *config.reading)
    if not len(text):
        raise UserError(f"{in_one_line(path.name)} is empty.")
    return Corpus(config, text), share
