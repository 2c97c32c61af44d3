"""How the bytes of a text are decoded, as settings that a form or a command line can show."""

from typing import Annotated

from msgspec import Meta, Struct

from core.data.encodings import Errors, encoding_named
from core.settings.config import Field, Value, fields_of


class Reading(Struct, frozen=True, kw_only=True):
    """How the bytes of a text are decoded."""

    encoding: Annotated[str, Meta(max_length=40, description="Of the text: windows-1252, koi8-r; empty finds it.")] = ""
    encoding_errors: Annotated[
        Errors, Meta(description="Where bytes are not in the encoding: refuse the text, or take � for each.")
    ] = "strict"


class ReadingField(Field):
    """A setting of `Reading`. Python must know the encoding that it names."""

    def check(self, value: object) -> Value:
        """Return `value` if this setting can have it.

        Raises:
            UserError: there is no such encoding; the message suggests a name that is spelt like it.
        """
        if self.name == "encoding" and str(value).strip():
            encoding_named(str(value))
        return super().check(value)


def reading_fields() -> list[ReadingField]:
    """Describe the settings of `Reading`."""
    return [ReadingField(*field) for field in fields_of(Reading)]
