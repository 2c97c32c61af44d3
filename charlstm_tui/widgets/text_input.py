"""A box to type in."""

from textual.widgets import Input

from core.text import in_one_line


class TextInput(Input):
    """An input that shows what was pasted into it without acting on it: control characters become visible ones."""

    def validate_value(self, value: str) -> str:
        """Sanitise what was typed or pasted."""
        return in_one_line(value)
