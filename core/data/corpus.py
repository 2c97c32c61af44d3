"""Training corpora: naming one, loading it, checking that it can be trained on, and its parts (`core.data.splits`)."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from core.data.encodings import ERRORS, Errors, encoding_named
from core.data.known_texts import KNOWN, MOLIERE
from core.data.splits import SPLITS, Part, Split, check_split, cut, ranges_of
from core.data.text_files import TextFile
from core.data.text_sources import absolute_source, is_folder, is_glob, is_there, name_of_source
from core.errors import UserError
from core.text import count_of, in_one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from core.data.encoded_text import EncodedText, ReadingProgress
    from core.data.text_slice import Passage


_KNOWN_SOURCES = {(name,) for name in KNOWN}


class CorpusConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Identifies a corpus: enough to load the same one again."""

    source: str
    """Name of a known text, or absolute path of a file, a folder or a glob."""
    limit: int | None = None
    """Number of characters to use from the start; None for all."""
    split: Split = "tail"
    sha256: str = ""
    """SHA-256 of the file's bytes, or of the hashes of several files; empty until they were read."""
    encoding: str | None = None
    """Python's name of the encoding that the user chose; None detects it. Known texts are always UTF-8."""
    encoding_errors: Errors = "strict"
    """How bytes that are invalid in the encoding are handled: the text is refused, or each becomes U+FFFD."""
    more_sources: tuple[str, ...] = ()
    """Further sources, whose files follow those of the first."""
    split_seed: int = 0
    """Draws the files of the test part in the split by files."""
    skip_unreadable: bool = False
    """Whether files that cannot be read are passed over; otherwise the text is refused."""
    files: tuple[TextFile, ...] = ()
    """The files that were read; empty before that, and for a text that is named as a single file."""

    @classmethod
    def typed(
        cls,
        source: "str | Sequence[str]",
        limit: int | None = None,
        split: Split = "tail",
        encoding: str | None = None,
        encoding_errors: Errors = "strict",
        *,
        split_seed: int = 0,
        skip_unreadable: bool = False,
    ) -> "CorpusConfig":
        """Return the configuration for a text that a user named, by one source or several.

        A relative path is made absolute.

        Raises:
            UserError: a name is empty, a home folder in it does not exist, or the encoding does not exist.
        """
        first, *others = [absolute_source(each) for each in ([source] if isinstance(source, str) else source)]
        if encoding_errors not in ERRORS:
            raise UserError(f"encoding_errors must be {' or '.join(ERRORS)}, not {shortened(encoding_errors)}.")
        if split not in SPLITS:
            raise UserError(f"The split must be {', '.join(SPLITS)}, not {shortened(split)}.")
        encoding = encoding_named(encoding) if encoding and encoding.strip() else None
        return cls(
            source=first,
            limit=limit,
            split=split,
            encoding=encoding,
            encoding_errors=encoding_errors,
            more_sources=tuple(others),
            split_seed=split_seed,
            skip_unreadable=skip_unreadable,
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources."""
        return (self.source, *self.more_sources)

    @property
    def is_single(self) -> bool:
        """Whether the text is named as a single file, or is a known one. This looks at the disk."""
        if self.more_sources or self.files:
            return False
        return self.is_unknown or self.source in KNOWN or not (is_glob(self.source) or is_folder(self.source))

    @property
    def is_unknown(self) -> bool:
        """Whether no text is known: that of an imported model of which only the characters are."""
        return not self.source

    @property
    def name(self) -> str:
        """Name of the known text, even if this is a copy of its file; otherwise the file's stem, or the folder's name,
        safe to show. Of several sources, the name of the first, with the number of the others."""
        others = f" and {count_of(len(self.more_sources), 'other')}" if self.more_sources else ""
        if self.source in KNOWN:
            return self.source + others
        if self.is_unknown:
            return "unknown"
        known = next((text.name for text in KNOWN.values() if text.sha256 and text.sha256 == self.sha256), None)
        several = self.files or self.more_sources
        return known or in_one_line(name_of_source(self.source) if several else Path(self.source).stem) + others

    @property
    def title(self) -> str:
        """Name, with the number of files if they are known, and with the limit if there is one."""
        files = f", {count_of(len(self.files), 'file')}" if self.files else ""
        limit = f", first {self.limit:,} characters" if self.limit else ""
        return self.name + files + limit

    @property
    def shown(self) -> str:
        """Where the text lies, for a message: the path, or those of several sources."""
        if not self.more_sources:
            return shortened(self.path if self.is_single else self.source)
        more = f" and {count_of(len(self.sources) - 2, 'other')}" if len(self.sources) > 2 else ""
        return f"{shortened(self.sources[0], 60)}{',' if more else ' and'} {shortened(self.sources[1], 60)}{more}"

    @property
    def split_name(self) -> str:
        """Name of the split, with the seed if it has one other than 0."""
        return f"files, seed {self.split_seed}" if self.split == "files" and self.split_seed else self.split

    @property
    def missing(self) -> str | None:
        """The first source that no longer exists; None if all exist.

        Raises:
            UserError: it is a known text that was not downloaded yet.
        """
        if self.is_single:
            return None if self.path.exists() else str(self.path)
        return next((source for source in self.sources if not is_there(source)), None)

    def at(self, other: "CorpusConfig") -> "CorpusConfig":
        """Return this text with the sources of another one: where it lies now."""
        return msgspec.structs.replace(self, source=other.source, more_sources=other.more_sources)

    def split_like(self, other: "CorpusConfig") -> "CorpusConfig":
        """Return this text with the split of another one. A single file has no split by files, but the tail split."""
        split: Split = "tail" if other.split == "files" and self.is_single else other.split
        return msgspec.structs.replace(self, split=split, split_seed=other.split_seed)

    def is_like(self, other: "CorpusConfig") -> bool:
        """Return whether both are the same text with the same settings, wherever it lies."""
        # The hash says which files were read, so it does not matter how, nor what was skipped.
        same = msgspec.structs.replace(self.at(other), files=other.files, skip_unreadable=other.skip_unreadable)
        return same == other

    @property
    def reading(self) -> tuple[str | None, Errors]:
        """Encoding (None to detect it) and handling of invalid bytes: arguments of `read_file`."""
        return ("utf-8", "strict") if self.sources in _KNOWN_SOURCES else (self.encoding, self.encoding_errors)

    @property
    def path(self) -> Path:
        """Path of a text that is a single file. If a copy of Molière that was named by its path no longer exists, that
        of the downloaded one.

        Raises:
            UserError: it is a known text that was not downloaded yet, or no text is known.
        """
        if self.is_unknown:
            raise UserError(
                "It is not known which text this model was trained on. Name one: --corpus FILE, or with o on the "
                "Evaluate screen."
            )
        known = KNOWN.get(self.source)
        if known is None:
            path = Path(self.source)
            moved = self.sha256 == MOLIERE.sha256 and MOLIERE.here and not path.exists()
            return MOLIERE.path if moved else path
        return known.path_here()


class Corpus:
    """A loaded text."""

    def __init__(self, config: CorpusConfig, text: "EncodedText") -> None:
        self.config = config
        self.text = text

    def __len__(self) -> int:
        return min(len(self.text), self.config.limit or len(self.text))

    @cached_property
    def characters(self) -> str:
        """Distinct characters of the text within the limit, sorted by code point."""
        alphabet = self.text.alphabet
        if len(self) < len(self.text):
            import numpy as np

            used = np.zeros(len(alphabet), dtype=bool)
            for start in range(0, len(self), 1 << 20):
                used[self.text.codes[start : min(start + (1 << 20), len(self))]] = True
            alphabet = "".join(character for character, is_used in zip(alphabet, used, strict=True) if is_used)
        return "".join(sorted(alphabet))

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Number of characters of each file within the limit, with those that separate it from the next one."""
        return within_limit([file.characters for file in self.text.files] or [len(self.text)], len(self))

    def part(self, part: Part, validation: float = 0.0) -> "Passage":
        """Return one part of the text; `validation` is the validation part's share of what is not in the test part."""
        from core.data.text_slice import TextSlice
        from core.data.text_stretches import TextStretches

        if self.config.split == "files" and part != "whole":
            ranges = ranges_of(self.lengths, part, validation, self.config.split_seed)
            return TextStretches.of(self.text, ranges)
        return TextSlice(text=self.text, **cut(len(self), part, self.config.split, validation)._asdict())


def open_corpus(config: CorpusConfig) -> "Generator[ReadingProgress | Corpus, None, None]":
    """Read the text that `config` names. Yields progress and, last, the corpus. To cancel, stop iterating.

    Raises:
        UserError: the text cannot be read, is not text, has fewer than two distinct characters, or is too short for
            its split.
    """
    from core.data.encoded_text import EncodedText
    from core.data.read_sources import read_sources

    if config.limit is not None and config.limit < 1:
        raise UserError(f"The limit must be at least 1 character, not {config.limit:,}.")
    for event in read_sources(config):
        if not isinstance(event, EncodedText):
            yield event
            continue
        corpus = _corpus(config, event)
        check_corpus(corpus)
        yield corpus


def _corpus(config: CorpusConfig, text: "EncodedText") -> Corpus:
    return Corpus(msgspec.structs.replace(config, sha256=text.sha256, files=text.files), text)


def open_whole(config: CorpusConfig) -> "Generator[ReadingProgress | Corpus, None, None]":
    """Read a text to evaluate a model on as a whole: one character is enough. Yields the same as `open_corpus`.

    Raises:
        UserError: the text cannot be read, is not text, or is empty.
    """
    from core.data.encoded_text import EncodedText
    from core.data.read_sources import read_sources

    for event in read_sources(config):
        if isinstance(event, EncodedText):
            if not len(event):
                raise UserError(f"{config.shown} is empty. Choose another text.")
            yield _corpus(config, event)
        else:
            yield event


def load_corpus(config: CorpusConfig) -> Corpus:
    """Read the text that `config` names.

    Raises:
        UserError: as for `open_corpus`.
    """
    for event in open_corpus(config):
        last = event
    assert isinstance(last, Corpus)
    return last


def within_limit(lengths: "Sequence[int]", characters: int) -> tuple[int, ...]:
    """Return the lengths of the files of which the first `characters` characters of a text consist."""
    kept = []
    for length in lengths:
        if characters <= 0:
            break
        kept.append(min(length, characters))
        characters -= length
    return tuple(kept)


def check_corpus(corpus: Corpus) -> None:
    """Check that a model can be trained on a text.

    Raises:
        UserError: the text has fewer than two distinct characters, is only white space, or is too short for its split.
    """
    shown = corpus.config.shown
    if len(corpus.characters) < 2 and len(corpus) < len(corpus.text):
        raise UserError(
            f"Within the limit of {len(corpus):,}, {shown} contains only {corpus.characters!r}. Raise the limit."
        )
    if len(corpus.characters) < 2:
        what = "is empty" if not len(corpus) else f"contains only the character {corpus.characters!r}"
        raise UserError(f"{shown} {what}. Choose a longer text.")
    if corpus.characters.isspace():
        raise UserError(f"{shown} contains only white space. Choose another text.")
    check_split(len(corpus), corpus.config.split, len(corpus.lengths))
