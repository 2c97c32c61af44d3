"""Inputs for text."""

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from core.text import in_one_line

MAX_CHARACTERS = 4096
"""Maximum number of characters in a box: the longest path that Linux knows. Longer texts make each key slow."""


class TextInput(Input):
    """An input for untrusted text: it replaces control characters by visible ones, and has a maximum length."""

    def __init__(
        self, *arguments: Any, max_length: int = MAX_CHARACTERS, takes_lines: bool = False, **options: Any
    ) -> None:
        """Set up the box with the arguments of Textual's input.

        `takes_lines` is for a prompt, in which `\\n` is a newline: all lines of a pasted text are inserted.
        """
        super().__init__(*arguments, max_length=max_length, **options)
        self._takes_lines = takes_lines

    def validate_value(self, value: str) -> str:
        """Return the typed or pasted text, sanitised and on one line."""
        return in_one_line(value)

    def _on_paste(self, event: events.Paste) -> None:
        """Paste a text from the terminal."""
        event.prevent_default()
        event.stop()
        self._paste(event.text)

    def action_paste(self) -> None:
        """Paste the text that was copied in the app."""
        self._paste(self.app.clipboard)

    def _paste(self, text: str) -> None:
        """Replace the selection by a text, unless it is too long."""
        lines = text.splitlines()
        if self._takes_lines:
            pasted = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", r"\n").replace("\t", r"\t")
        else:
            lines = [line for line in lines if line.strip()]
            pasted = lines[0] if lines else ""
        start, end = sorted(self.selection)
        length = len(self.value) - (end - start) + len(pasted)
        if self.max_length and length > self.max_length:
            self.notify(
                f"Nothing was pasted: this box takes at most {self.max_length:,} characters, not {length:,}.",
                severity="warning",
            )
        elif pasted:
            self.replace(pasted, start, end)
            if len(lines) > 1 and not self._takes_lines:
                self.notify(f"Only the first of {len(lines):,} lines was pasted: this box takes one line.")


class FieldInput(TextInput):
    """An input in a form, in which Enter moves to the next one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Next field", key_display="Enter", id="field.submit")
    ]
