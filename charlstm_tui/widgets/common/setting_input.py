"""A setting on screen: its name, a box for its value, and below it the error in the input."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.validation import Function
from textual.widget import Widget
from textual.widgets import Input, Label, Select

from charlstm_tui.formatting.characters import unbroken
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.text_input import TextInput
from core.errors import UserError
from core.settings.config import Field, Value

MAX_NUMBER, MAX_TEXT = 100, 2_000
"""Maximum number of characters in the box of a number, and of a text: the prompt of samples, with its escapes."""


class SettingInput(Vertical):
    """Widget for one `core.settings.config.Field`: an input box, or a list if there are choices."""

    DEFAULT_CSS = """
    SettingInput {
        height: auto;
        width: 100%;
        & > Horizontal { height: 1; width: auto; }
        & Label { width: 17; color: $text-muted; }
        & Input { width: 12; }
        & Select { width: 13; }
        & Input.-invalid { color: $text-error; text-style: underline; }
        & > .reason { display: none; width: 100%; height: auto; color: $text-error; }
        &.-invalid > .reason { display: block; }
        &.-changed Label { color: $accent; }
        &:focus-within Label { color: $foreground; text-style: bold; }
    }
    """

    class Changed(Message):
        """The value was changed."""

        def __init__(self, setting: "SettingInput") -> None:
            super().__init__()
            self.setting = setting

    def __init__(
        self,
        field: Field,
        value: Value | None = None,
        *,
        usual: Value | None = None,
        box: type[TextInput] = TextInput,
    ) -> None:
        """Set the value; `usual` is what counts as unchanged, `value` by default. `box` is the input box."""
        super().__init__(id=f"setting-{field.name}")
        self.field = field
        self._box = box
        self._first = field.show(field.default if value is None else value)
        self._usual = self._first if usual is None else field.show(usual)

    def compose(self) -> ComposeResult:
        """Lay out the label, the box and the error."""
        with Horizontal():
            yield Label(self.field.title)
            if self.field.choices:
                choices = [(choice, choice) for choice in self.field.choices]
                yield Select(choices, value=self._first, allow_blank=False, compact=True)
            else:
                is_text = self.field.kind is str
                yield self._box(
                    self._first,
                    compact=True,
                    validators=[Function(self._fits)],
                    select_on_focus=True,
                    max_length=MAX_TEXT if is_text else MAX_NUMBER,
                    takes_lines=is_text,
                )
        yield PlainText(classes="reason")

    def on_mount(self) -> None:
        """Mark the setting if its value is not the usual one."""
        self._judge()

    @property
    def box(self) -> Widget:
        """The widget that takes the focus."""
        return self.query_one(Select if self.field.choices else Input)

    @property
    def input(self) -> Input:
        """The input box, if there are no choices."""
        return self.query_one(Input)

    @property
    def typed(self) -> str:
        """The text in the box."""
        if not self.is_mounted:  # the boxes are made a little later
            return self._first
        return str(self.query_one(Select).value) if self.field.choices else self.input.value

    @property
    def value(self) -> Value:
        """The value in the box.

        Raises:
            UserError: the value is not within the bounds.
        """
        return self.field.parse(self.typed)

    @property
    def is_valid(self) -> bool:
        """Whether the value is within the bounds."""
        return self._fits(self.typed)

    @property
    def is_changed(self) -> bool:
        """Whether the value differs from the usual one."""
        return self.typed != self._usual

    @property
    def explanation(self) -> str:
        """The explanation of the setting."""
        return unbroken(f"{self.field.description.removesuffix('.')} ({self.field.bounds}).")

    def show(self, value: Value, *, usual: Value | None = None) -> None:
        """Set the value; `usual` is the value that counts as unchanged (default: the same)."""
        self._usual = self.field.show(value if usual is None else usual)
        if self.field.choices:
            self.query_one(Select).value = self.field.show(value)
        else:
            self.input.value = self.field.show(value)
        self._judge()

    @on(Input.Changed)
    @on(Select.Changed)
    def _listen(self, event: Message) -> None:
        event.stop()
        self._judge()
        self.post_message(self.Changed(self))

    def _judge(self) -> None:
        """Show the error below the box, and mark the name if the value was changed."""
        reason = ""
        try:
            self.field.parse(self.typed)
        except UserError as error:
            reason = str(error)
        self.query_one(".reason", PlainText).update(unbroken(reason))
        self.set_class(bool(reason), "-invalid")
        self.set_class(self.is_changed, "-changed")

    def _fits(self, text: str) -> bool:
        try:
            self.field.parse(text)
        except UserError:
            return False
        return True
