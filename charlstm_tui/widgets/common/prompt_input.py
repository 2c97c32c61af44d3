"""The prompt box: the up arrow recalls earlier prompts, as in a shell.

While the box has the focus, the footer shows the keys that work there, including the ones that leave it.
"""

from typing import ClassVar

from textual.binding import Binding, BindingType

from charlstm_tui.widgets.common.text_input import TextInput

MAX_PROMPT = 20_000
"""Maximum number of characters of a prompt, with its escapes. A key takes 25 ms in a box with so many."""
MAX_REMEMBERED = 2_000
"""Maximum number of characters of a prompt in the history."""


class PromptInput(TextInput):
    """A box to type a prompt in, with a history.

    Until something is typed, the box shows a suggestion, and Enter accepts it. Once the user has typed and deleted
    something, the box shows `EMPTY` instead, and Enter accepts the empty prompt.
    """

    EMPTY = "an empty prompt"
    """Placeholder if the box is empty and there is no suggestion."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.leave_field", "Leave the box", id="prompt.leave"),
        Binding("up", "recall(-1)", "Earlier prompt", show=False, id="prompt.earlier"),
        Binding("down", "recall(1)", "Later prompt", show=False, id="prompt.later"),
    ]

    def __init__(
        self,
        remembered: tuple[str, ...] = (),
        *,
        id: str | None = None,  # noqa: A002 (Textual's own name)
        suggestion: str = "",
        compact: bool = False,
    ) -> None:
        super().__init__(
            id=id, placeholder=suggestion or self.EMPTY, compact=compact, max_length=MAX_PROMPT, takes_lines=True
        )
        self._suggestion = suggestion
        self._suggests = True  # until the user types
        self.remembered = remembered
        """Earlier prompts, the newest last."""
        self._place = len(remembered)
        self._draft = ""  # the text in the box before the first recall

    def suggest(self, suggestion: str) -> None:
        """Set the suggestion, with escapes."""
        self._suggestion = suggestion
        if self._suggests:
            self.placeholder = suggestion or self.EMPTY

    def take(self) -> str:
        """Return the prompt with escapes; if the box is empty, fill in the suggestion."""
        if not self.value and self._suggests and self._suggestion:
            self.value = self._suggestion
            self.cursor_position = len(self.value)
        return self.value

    def watch_value(self, value: str) -> None:
        """Remove the suggestion after the user has typed."""
        if value and self._suggests:
            self._suggests = False
            self.placeholder = self.EMPTY

    def remember(self) -> bool:
        """Add the prompt to the history; return whether it is new."""
        if not 0 < len(self.value) <= MAX_REMEMBERED or self.value == (self.remembered or ("",))[-1]:
            self._place = len(self.remembered)
            return False
        self.remembered = (*(prompt for prompt in self.remembered if prompt != self.value), self.value)
        self._place = len(self.remembered)
        return True

    def action_recall(self, by: int) -> None:
        """Show an earlier or later prompt; after the last one, show the text that was being typed."""
        if self._place == len(self.remembered):
            self._draft = self.value
        self._place = min(max(self._place + by, 0), len(self.remembered))
        self.value = self._draft if self._place == len(self.remembered) else self.remembered[self._place]
        self.cursor_position = len(self.value)


class GenerationPrompt(PromptInput):
    """The prompt box of Generate."""

    EMPTY = "may be empty"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Generate", id="prompt.submit")]


class InspectionPrompt(PromptInput):
    """The text box of Inspect."""

    EMPTY = "may be empty: the model generates a text"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Read", id="text-box.read")]
