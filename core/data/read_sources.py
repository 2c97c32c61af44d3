"""Reading the text that a configuration names: one file, several, or a known text, whose content is checked."""

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.encoded_text import EncodedText, ReadingProgress, read_file
from core.data.known_texts import MOLIERE
from core.data.many_files import read_files
from core.errors import UserError

if TYPE_CHECKING:
    from core.data.corpus import CorpusConfig


def read_sources(config: "CorpusConfig") -> Generator[ReadingProgress | EncodedText, None, None]:
    """Read the text that `config` names. Yields progress and, last, the text. To cancel, stop iterating.

    Raises:
        UserError: the text cannot be read, or is not text.
    """
    if not config.is_single:
        reading = (config.encoding, config.encoding_errors)
        yield from read_files(config.sources, reading, skip_unreadable=config.skip_unreadable)
    elif config.source == MOLIERE.name:
        yield from _read_moliere(config)
    else:
        yield from read_file(config.path, *config.reading)


def _read_moliere(config: "CorpusConfig") -> Generator[ReadingProgress | EncodedText, None, None]:
    """Read Molière's plays. Raises a `UserError` if the file has any other content."""
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
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != MOLIERE.sha256
    except OSError:
        return False
