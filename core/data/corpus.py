"""Training corpora: naming one, loading it, checking that it can be trained on, and its parts (`core.data.splits`)."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from core.data.encodings import ERRORS, Errors, encoding_named
from core.data.known_texts import KNOWN, MOLIERE
from core.data.splits import Part, Split, check_split, cut
from core.errors import UserError
from core.files import is_file, user_path
from core.text import in_one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.data.encoded_text import EncodedText, ReadingProgress
    from core.data.text_slice import TextSlice


class CorpusConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Identifies a corpus: enough to load the same one again."""

    source: str
    """Name of a known text, or absolute path of a file."""
    limit: int | None = None
    """Number of characters to use from the start; None for all."""
    split: Split = "tail"
    sha256: str = ""
    """SHA-256 of the file's bytes; empty until it was read."""
    encoding: str | None = None
    """Python's name of the encoding that the user chose; None detects it. Known texts are always UTF-8."""
    encoding_errors: Errors = "strict"
    """How bytes that are invalid in the encoding are handled: the text is refused, or each becomes U+FFFD."""

    @classmethod
    def typed(
        cls,
        source: str,
        limit: int | None = None,
        split: Split = "tail",
        encoding: str | None = None,
        encoding_errors: Errors = "strict",
    ) -> "CorpusConfig":
        """Return the configuration for a text that a user named; a relative path is made absolute.

        Raises:
            UserError: the name is empty, a home folder in it does not exist, or the encoding does not exist.
        """
        if not source.strip():
            raise UserError(f"No text was named. Give the path of a text file, or one of: {', '.join(KNOWN)}.")
        if not _is_there(source):  # a file's name may begin or end with a space
            source = source.strip()
        if source not in KNOWN:
            source = str(user_path(source).absolute())
        if encoding_errors not in ERRORS:
            raise UserError(f"encoding_errors must be {' or '.join(ERRORS)}, not {shortened(encoding_errors)}.")
        encoding = encoding_named(encoding) if encoding and encoding.strip() else None
        return cls(source=source, limit=limit, split=split, encoding=encoding, encoding_errors=encoding_errors)

    @property
    def name(self) -> str:
        """Name of the known text, even if this is a copy of its file; otherwise the file's stem, safe to show."""
        if self.source in KNOWN:
            return self.source
        known = next((text.name for text in KNOWN.values() if text.sha256 and text.sha256 == self.sha256), None)
        return known or in_one_line(Path(self.source).stem)

    @property
    def title(self) -> str:
        """Name, with the limit if there is one."""
        return f"{self.name}, first {self.limit:,} characters" if self.limit else self.name

    @property
    def reading(self) -> tuple[str | None, Errors]:
        """Encoding (None to detect it) and handling of invalid bytes: arguments of `read_file`."""
        return ("utf-8", "strict") if self.source in KNOWN else (self.encoding, self.encoding_errors)

    @property
    def path(self) -> Path:
        """Path of the text. If a copy of Molière that was named by its path no longer exists, the downloaded one.

        Raises:
            UserError: it is a known text that was not downloaded yet.
        """
        known = KNOWN.get(self.source)
        if known is None:
            path = Path(self.source)
            moved = self.sha256 == MOLIERE.sha256 and MOLIERE.here and not path.exists()
            return MOLIERE.path if moved else path
        if not known.here:
            raise UserError(
                f"{known.title} are not here yet. Fetch them with `charlstm-tui corpus fetch`, or with f on the Train "
                "screen; or name another text."
            )
        return known.path


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

    def part(self, part: Part, validation: float = 0.0) -> "TextSlice":
        """Return one part of the text; `validation` is the validation part's share of what is not in the test part."""
        from core.data.text_slice import TextSlice

        return TextSlice(text=self.text, **cut(len(self), part, self.config.split, validation)._asdict())


def open_corpus(config: CorpusConfig) -> "Generator[ReadingProgress | Corpus, None, None]":
    """Read the text that `config` names. Yields progress and, last, the corpus. To cancel, stop iterating.

    Raises:
        UserError: the text cannot be read, is not text, has fewer than two distinct characters, or is too short for
            its split.
    """
    from core.data.encoded_text import EncodedText, read_file

    if config.limit is not None and config.limit < 1:
        raise UserError(f"The limit must be at least 1 character, not {config.limit:,}.")
    for event in _read_moliere(config) if config.source == MOLIERE.name else read_file(config.path, *config.reading):
        if not isinstance(event, EncodedText):
            yield event
            continue
        corpus = Corpus(msgspec.structs.replace(config, sha256=event.sha256), event)
        check_corpus(corpus)
        yield corpus


def _read_moliere(config: CorpusConfig) -> "Generator[ReadingProgress | EncodedText, None, None]":
    """Read Molière's plays. Raises a `UserError` if the file has any other content."""
    from core.data.encoded_text import EncodedText, read_file

    path = config.path
    damaged = UserError(f"{path} is damaged. Download it again: `charlstm-tui corpus fetch`.")
    try:
        for event in read_file(path, *config.reading):
            if isinstance(event, EncodedText) and event.sha256 != MOLIERE.sha256:
                raise damaged
            yield event
    except UserError:
        if _has_other_content(path):
            raise damaged from None
        raise


def _has_other_content(path: Path) -> bool:
    """Return whether the content of a file differs from Molière's plays; False if it cannot be read."""
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != MOLIERE.sha256
    except OSError:
        return False


def open_whole(config: CorpusConfig) -> "Generator[ReadingProgress | Corpus, None, None]":
    """Read a text to evaluate a model on as a whole: one character is enough. Yields the same as `open_corpus`.

    Raises:
        UserError: the text cannot be read, is not text, or is empty.
    """
    from core.data.encoded_text import EncodedText, read_file

    for event in read_file(config.path, *config.reading):
        if isinstance(event, EncodedText):
            if not len(event):
                raise UserError(f"{shortened(config.path)} is empty. Choose another text.")
            yield Corpus(msgspec.structs.replace(config, sha256=event.sha256), event)
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


def _is_there(typed: str) -> bool:
    try:
        return is_file(user_path(typed))
    except UserError:  # reading it raises the same error later
        return False


def check_corpus(corpus: Corpus) -> None:
    """Check that a model can be trained on a text.

    Raises:
        UserError: the text has fewer than two distinct characters, is only white space, or is too short for its split.
    """
    shown = shortened(corpus.config.path)
    if len(corpus.characters) < 2 and len(corpus) < len(corpus.text):
        raise UserError(
            f"Within the limit of {len(corpus):,}, {shown} contains only {corpus.characters!r}. Raise the limit."
        )
    if len(corpus.characters) < 2:
        what = "is empty" if not len(corpus) else f"contains only the character {corpus.characters!r}"
        raise UserError(f"{shown} {what}. Choose a longer text.")
    if corpus.characters.isspace():
        raise UserError(f"{shown} contains only white space. Choose another text.")
    check_split(len(corpus), corpus.config.split)
