"""Types of numeric options. `core.settings.number_parsing` parses them, as it parses the app's inputs."""

from typing import Any

import click

from core.errors import UserError
from core.settings.number_parsing import read_number


class Number(click.ParamType[int | float]):
    """A number without bounds; the code that receives it checks them."""

    def __init__(self, kind: type[int] | type[float]) -> None:
        self.name = "integer" if kind is int else "float"
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        """Parse the option's text; return a default, which is a number already, as it is."""
        if not isinstance(value, str):
            return self._kind(value)
        try:
            number: int | float = read_number(value, self._kind)
        except UserError as error:
            self.fail(str(error), param, ctx)
        return number


class WholeNumberRange(click.IntRange):
    """A whole number within bounds."""

    def _describe_range(self) -> str:
        """Return the bounds for the help, worded like those of the settings."""
        return f"from {self.min:,} to {self.max:,}".replace(",", " ")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the option's text and check the bounds."""
        return super().convert(int(Number(int).convert(value, param, ctx)), param, ctx)


class NumberRange(click.FloatRange):
    """A number within bounds."""

    def _describe_range(self) -> str:
        """Return the bounds for the help, worded like those of the settings."""
        return f"from {self.min:,} to {self.max:,}".replace(",", " ")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the option's text and check the bounds."""
        return super().convert(Number(float).convert(value, param, ctx), param, ctx)
