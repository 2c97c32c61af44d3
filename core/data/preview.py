"""A preview of a text before it is chosen. It is quick even for a gigabyte, since only the beginning is read."""

from collections.abc import Generator, Iterator
from typing import NamedTuple

from msgspec import Struct

from core.data.corpus import Corpus, CorpusConfig, within_limit
from core.data.encodings import Errors
from core.data.known_texts import KNOWN
from core.data.splits import SPLITS, Part, Split, parts_of
from core.data.text_files import PassedOver, TextFile
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
    """Number of characters of each part under each split. If the text is short, its interleaved test part is empty, and
    so is that of the split by files if it is one file."""
    files: tuple[TextFile, ...] = ()
    """The files of a text that is not named as a single file. Of those that were not read, the number of characters is
    an estimate and the encoding is empty."""
    passed_over: tuple[PassedOver, ...] = ()
    """The files that are no part of the text."""


class Beginning(NamedTuple):
    """The beginning of a text."""

    corpus: Corpus
    share: float
    """Share of the text that was read, 0 to 1."""
    lengths: tuple[int, ...]
    """Number of characters of each file within the limit, or an estimate of it."""

    @property
    def characters(self) -> int:
        """Number of characters of the whole text, or an estimate of it."""
        return round(len(self.corpus.text) / self.share)


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
        source: the name of a known text, or the path of a file, a folder or a glob.
        limit: the number of characters to use; None for all.
        validation: the share of the training part that is kept for validation.
        encoding: the encoding of the file; None to detect it.
        encoding_errors: what to do with bytes that are invalid in the encoding.

    Raises:
        UserError: the text cannot be read, is not text, or is empty.
    """
    config = CorpusConfig.typed(source, limit, encoding=encoding, encoding_errors=encoding_errors)
    for event in previewing(config, validation):
        last = event
    assert last is not None
    return last


def previewing(config: CorpusConfig, validation: float = 0.0) -> Iterator[Preview | None]:
    """Yield None after each folder and file, and last a preview. To cancel, stop iterating.

    Raises:
        UserError: as for `preview`.
    """
    from core.data.text_slice import TextSlice

    begun = yield from opening_beginning(config)
    text = begun.corpus.text
    used = min(begun.characters, config.limit or begun.characters)
    beginning = TextSlice(text=text, length=min(BEGINNING, len(text)), run=len(text), period=len(text))
    single = config.is_single
    name = in_one_line(config.path.name) if single and config.source not in KNOWN else config.name
    yield Preview(
        name=name,
        bytes=config.path.stat().st_size if single else sum(file.size for file in text.files),
        encoding=text.encoding,
        characters=begun.characters,
        exact=begun.share == 1.0,
        distinct=len(begun.corpus.characters),
        beginning=str(beginning),
        parts={
            split: parts_of(used, split, validation, files=begun.lengths, seed=config.split_seed) for split in SPLITS
        },
        files=text.files,
        passed_over=text.passed_over,
    )


def open_beginning(config: CorpusConfig) -> Beginning:
    """Return a text, or the beginning of a large one.

    Raises:
        UserError: the text cannot be read, is not text, or is empty.
    """
    opening = opening_beginning(config)
    while True:
        try:
            next(opening)
        except StopIteration as end:
            begun: Beginning = end.value
            return begun


def opening_beginning(config: CorpusConfig) -> Generator[None, None, Beginning]:
    """Yield after each folder and file, and return the same as `open_beginning`."""
    from core.data.encoded_text import read_beginning
    from core.data.many_files import read_beginnings

    if config.is_single:
        text, share = read_beginning(config.path, *config.reading)
        if not len(text):
            raise UserError(f"{in_one_line(config.path.name)} is empty.")
    else:
        reading = (config.encoding, config.encoding_errors)
        text, share = yield from read_beginnings(config.sources, reading, skip_unreadable=config.skip_unreadable)
    lengths = [file.characters for file in text.files] or [round(len(text) / share)]
    return Beginning(Corpus(config, text), share, within_limit(lengths, config.limit or sum(lengths)))
