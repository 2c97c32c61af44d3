"""Boxes to type in."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from core.text import in_one_line


class TextInput(Input):
    """An input that shows what was pasted into it without acting on it: control characters become visible ones."""

    def validate_value(self, value: str) -> str:
        """Sanitise what was typed or pasted."""
        return in_one_line(value)


class FieldInput(TextInput):
    """One of several in a form, where Enter goes to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Next field", key_display="Enter")]
