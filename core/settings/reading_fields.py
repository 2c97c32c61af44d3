"""Settings for decoding and splitting the files of a text, for a form or a command line."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from core.data.corpus import CorpusConfig
from core.data.encodings import Errors, encoding_named
from core.settings.config import Field, Value, fields_of

MAX_SEED = 2**32 - 1
"""Largest seed of the split by files."""


class Reading(Struct, frozen=True, kw_only=True):
    """How the bytes of a text file are decoded."""

    encoding: Annotated[str, Meta(max_length=40, description="Encoding, such as windows-1252; empty detects it.")] = ""
    encoding_errors: Annotated[Errors, Meta(description="Invalid bytes: strict refuses the text, replace shows �.")] = (
        "strict"
    )


class FilesReading(Struct, frozen=True, kw_only=True):
    """How a text of many files is read and split."""

    split_seed: Annotated[
        int, Meta(ge=0, le=MAX_SEED, description="Draws the files of the test part in the split by files.")
    ] = 0
    unreadable_files: Annotated[
        Literal["refuse", "skip"], Meta(description="Files that cannot be read: refuse the text, or skip them.")
    ] = "refuse"


class ReadingField(Field):
    """A setting of `Reading` or `FilesReading`, which checks that Python knows the encoding."""

    def check(self, value: object) -> Value:
        """Return `value` if it is valid for this setting.

        Raises:
            UserError: the encoding does not exist; the message suggests the nearest name.
        """
        if self.name == "encoding" and str(value).strip():
            encoding_named(str(value))
        return super().check(value)


def reading_fields() -> list[ReadingField]:
    """Return the settings of `Reading`."""
    return [ReadingField(*field) for field in fields_of(Reading)]


def file_fields() -> list[ReadingField]:
    """Return the settings of `FilesReading`."""
    return [ReadingField(*field) for field in fields_of(FilesReading)]


def file_field(name: str) -> ReadingField:
    """Return one of the settings of `FilesReading`."""
    return next(field for field in file_fields() if field.name == name)


def value_in(corpus: CorpusConfig, name: str) -> Value:
    """Return the value that one of these settings has in the configuration of a text."""
    if name == "unreadable_files":
        return "skip" if corpus.skip_unreadable else "refuse"
    value: Value | None = getattr(corpus, name)
    return "" if value is None else value
