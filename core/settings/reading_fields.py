"""Settings for decoding a text file, for a form or a command line."""

from typing import Annotated

from msgspec import Meta, Struct

from core.data.encodings import Errors, encoding_named
from core.settings.config import Field, Value, fields_of


class Reading(Struct, frozen=True, kw_only=True):
    """How the bytes of a text file are decoded."""

    encoding: Annotated[str, Meta(max_length=40, description="Encoding, such as windows-1252; empty detects it.")] = ""
    encoding_errors: Annotated[Errors, Meta(description="Invalid bytes: strict refuses the text, replace shows �.")] = (
        "strict"
    )


class ReadingField(Field):
    """A setting of `Reading`, which checks that Python knows the encoding."""

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
