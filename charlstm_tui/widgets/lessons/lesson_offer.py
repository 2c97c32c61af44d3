"""The line that offers the lessons to who opens the program for the first time."""

from typing import ClassVar

from textual.message import Message
from textual.widgets import Static

from charlstm_tui.formatting.lesson_text import marked
from charlstm_tui.lessons.languages import WORDS


class LessonOffer(Static):
    """One line above the keys. A click opens the lessons; Esc, a lesson or a run removes it for good."""

    DEFAULT_CSS: ClassVar[str] = "LessonOffer { height: 1; padding: 0 1; background: $surface; }"

    class Accepted(Message):
        """The line was clicked."""

    def __init__(self, key: str, language: str) -> None:
        """`key` opens the lessons."""
        super().__init__(marked(WORDS[language].offer.format(key=key)))

    def on_click(self) -> None:
        """Open the lessons."""
        self.post_message(self.Accepted())
