"""A setting on screen: its name and a box to type its value in, checked as one types."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.validation import Function
from textual.widgets import Input, Label

from charlstm_tui.widgets.text_input import TextInput
from core.config import Field, Value
from core.errors import UserError


class SettingInput(Horizontal):
    """A label and an input for one `core.config.Field`."""

    DEFAULT_CSS = """
    SettingInput {
        height: 1;
        width: auto;
        & > Label { width: 16; color: $text-muted; }
        & > Input { width: 12; }
        & > Input.-invalid { color: $error; text-style: underline; }
        &:focus-within > Label { color: $foreground; }
    }
    """

    def __init__(self, field: Field, value: Value | None = None) -> None:
        super().__init__(id=f"setting-{field.name}")
        self.field = field
        self._first = field.default if value is None else value

    def compose(self) -> ComposeResult:
        """Lay out the label and the box."""
        yield Label(self.field.name.replace("_", " "))
        yield TextInput(
            self.field.show(self._first), compact=True, validators=[Function(self._fits)], select_on_focus=True
        )

    @property
    def input(self) -> Input:
        """The box."""
        return self.query_one(Input)

    @property
    def value(self) -> Value:
        """What was typed.

        Raises:
            UserError: it is not a number within the bounds.
        """
        return self.field.parse(self.input.value)

    @property
    def explanation(self) -> str:
        """What the setting means, or what is wrong with what was typed."""
        try:
            self.field.parse(self.input.value)
        except UserError as error:
            return str(error)
        return f"{self.field.description.removesuffix('.')} ({self.field.bounds})."

    def show(self, value: Value) -> None:
        """Put a value into the box."""
        self.input.value = self.field.show(value)

    def _fits(self, text: str) -> bool:
        try:
            self.field.parse(text)
        except UserError:
            return False
        return True
