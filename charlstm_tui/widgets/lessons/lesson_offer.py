"""The line that offers the lessons the first time, and later the lesson that was open when the program was left."""

from typing import ClassVar

from textual.message import Message
from textual.widgets import Static

from charlstm_tui.formatting.lesson_text import marked


class LessonOffer(Static):
    """A line above the keys. A click accepts the offer; Esc, a lesson or a run removes it."""

    DEFAULT_CSS: ClassVar[str] = "LessonOffer { height: auto; padding: 0 1; background: $surface; }"

    class Accepted(Message):
        """The line was clicked."""

    class Declined(Message):
        """Esc was pressed."""

    def __init__(self, text: str) -> None:
        super().__init__(marked(text))

    def on_click(self) -> None:
        """Accept the offer."""
        self.post_message(self.Accepted())
