"""The prompt box: what was typed before comes back with the up arrow, as in a shell."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from charlstm_tui.widgets.text_input import TextInput

MOST_REMEMBERED = 2_000
"""Characters of a prompt that is kept."""


class PromptInput(TextInput):
    """A box to type a prompt in, with a history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Earlier prompt", show=False),
        Binding("down", "recall(1)", "Later prompt", show=False),
    ]

    def __init__(
        self,
        remembered: tuple[str, ...] = (),
        *,
        id: str | None = None,  # noqa: A002 (Textual's own name)
        placeholder: str = "",
        compact: bool = False,
    ) -> None:
        super().__init__(id=id, placeholder=placeholder, compact=compact)
        self.remembered = remembered
        """Prompts of before, the newest last."""
        self._place = len(remembered)
        self._draft = ""  # what was being typed when the first was recalled

    def _on_paste(self, event: events.Paste) -> None:
        """Take all lines of what is pasted: a new line is written `\\n` here."""
        event.prevent_default()
        event.stop()
        pasted = "\\n".join(event.text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        self.replace(pasted, *self.selection)

    def remember(self) -> bool:
        """Keep what is in the box; tell whether it is new."""
        if not 0 < len(self.value) <= MOST_REMEMBERED or self.value == (self.remembered or ("",))[-1]:
            self._place = len(self.remembered)
            return False
        self.remembered = (*(one for one in self.remembered if one != self.value), self.value)
        self._place = len(self.remembered)
        return True

    def action_recall(self, by: int) -> None:
        """Show an earlier prompt, or a later one, or at last what was being typed."""
        if self._place == len(self.remembered):
            self._draft = self.value
        self._place = min(max(self._place + by, 0), len(self.remembered))
        self.value = self._draft if self._place == len(self.remembered) else self.remembered[self._place]
        self.cursor_position = len(self.value)
