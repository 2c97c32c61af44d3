"""Inputs for text."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from core.text import in_one_line


class TextInput(Input):
    """An input for untrusted text: it replaces control characters by visible ones."""

    def validate_value(self, value: str) -> str:
        """Return the typed or pasted text, sanitised and on one line."""
        return in_one_line(value)


class FieldInput(TextInput):
    """An input in a form, in which Enter moves to the next one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Next field", key_display="Enter", id="field.submit")
    ]
