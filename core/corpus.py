"""A text to learn from, and which part of it serves for what.

    |<------------------- 90 % ------------------->|<-- 10 % -->|
    |            train             |  validation   |    test    |       split "tail"

The test part is read by evaluation only. Validation is cut from the end of what comes before it, and may be empty.
"""

from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from core.errors import UserError
from core.files import user_path
from core.text import in_one_line, read_text, shortened

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

TEST_SHARE = 0.1


class CorpusConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which text: enough to load the same one again."""

    path: str
    limit: int | None = None
    """Only so many characters from the start; None takes all."""
    split: Literal["tail"] = "tail"

    @classmethod
    def typed(cls, path: str, limit: int | None = None) -> "CorpusConfig":
        """Return the choice of a file whose path a person typed, so that it means the same from any folder.

        Raises:
            UserError: nothing was typed, or a home folder that is not there.
        """
        if not path.strip():
            raise UserError("No text was named. Give the path of a UTF-8 text file.")
        return cls(path=str(user_path(path.strip()).absolute()), limit=limit)

    @property
    def name(self) -> str:
        """The file's name without its ending, in one line and safe to show."""
        return in_one_line(Path(self.path).stem)

    @property
    def title(self) -> str:
        """The name, and how much of the text it is."""
        return f"{self.name}, first {self.limit:,} characters" if self.limit else self.name


class Corpus(Struct, frozen=True, kw_only=True):
    """A loaded text."""

    config: CorpusConfig
    text: str

    def part(self, part: Part, validation: float = 0.0) -> str:
        """Return the text of one part, where `validation` is the share of the first 90 % kept for validation."""
        test_start = round(len(self.text) * (1 - TEST_SHARE))
        validation_start = test_start - round(test_start * validation)
        spans = {
            "train": slice(0, validation_start),
            "validation": slice(validation_start, test_start),
            "test": slice(test_start, None),
        }
        return self.text[spans[part]]


def load_corpus(config: CorpusConfig) -> Corpus:
    """Read the text that `config` names.

    Raises:
        UserError: it cannot be read, is not text, or holds fewer than two distinct characters.
    """
    if config.limit is not None and config.limit < 1:
        raise UserError(f"The limit must be at least 1 character, not {config.limit:,}.")
    text = read_text(Path(config.path))[: config.limit]
    if len(set(text)) < 2:
        what = "is empty," if not text else f"holds only one character, {text[0]!r},"
        raise UserError(f"{shortened(config.path)} {what} so there is nothing to learn. Choose a longer text.")
    return Corpus(config=config, text=text)
