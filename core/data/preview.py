"""A look at a text before it is chosen: quick even for one of a gigabyte, of which only the beginning is read."""

from msgspec import Struct

from core.data.corpus import Corpus, CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import KNOWN
from core.data.splits import SPLITS, Part, Split, parts_of
from core.errors import UserError
from core.text import in_one_line

BEGINNING = 2_000
"""Characters shown."""


class Preview(Struct, frozen=True, kw_only=True):
    """What a text is, in figures, and how it begins."""

    name: str
    bytes: int
    encoding: str
    characters: int
    exact: bool
    """False where only the beginning was read: then the characters are an estimate, and there may be more distinct."""
    distinct: int
    """Up to the limit."""
    beginning: str
    parts: dict[Split, dict[Part, int]]
    """Characters of each part under each split; too short a text has no test part when interleaved."""


def preview(
    source: str,
    *,
    limit: int | None = None,
    validation: float = 0.0,
    encoding: str | None = None,
    encoding_errors: Errors = "strict",
) -> Preview:
    """Look at the text that a person named, cut as a run with these settings would cut it.

    Raises:
        UserError: it cannot be read, is not text, or is empty.
    """
    from core.data.text_slice import Passage

    config = CorpusConfig.typed(source, limit, encoding=encoding, encoding_errors=encoding_errors)
    corpus, share = open_beginning(config)
    text = corpus.text
    path = config.path
    characters = round(len(text) / share)
    used = min(characters, limit or characters)
    beginning = Passage(text=text, length=min(BEGINNING, len(text)), run=len(text), period=len(text))
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
    """Return a text, or as much of its beginning as is quickly read, and which share of its bytes that is.

    Raises:
        UserError: it cannot be read, is not text, or is empty.
    """
    from core.data.encoded_text import read_beginning

    path = config.path
    text, share = read_beginning(path, *config.reading)
    if not len(text):
        raise UserError(f"{in_one_line(path.name)} is empty.")
    return Corpus(config, text), share
