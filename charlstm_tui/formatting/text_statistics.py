"""Figures of a text while it is generated: its mean surprisal, and how many of its words the training text has."""

from typing import Protocol


class WordCount(Protocol):
    """Counts the words of a text that the training text has: `core.evaluation.memorization.WordCount`."""

    @property
    def share(self) -> float | None:
        """Their share, 0 to 1; None before the first word is complete."""

    def add(self, text: str) -> None:
        """Count the words of more text."""


class TextFigures:
    """Counts what is added to one text."""

    def __init__(self) -> None:
        self._waiting = ""  # what was added before the words of the training text were there
        self._words: WordCount | None = None
        self._surprise = 0.0
        self._characters = 0

    def know(self, words: WordCount) -> None:
        """Count the words of the training text with this, which has read the prompt: from the beginning."""
        self._words = words
        self._words.add(self._waiting)
        self._waiting = ""

    def add(self, text: str, surprise: float) -> None:
        """Count more characters; `surprise` is the sum of their surprisals, in nats."""
        self._characters += len(text)
        self._surprise += surprise
        if self._words is not None:
            self._words.add(text)
        else:
            self._waiting += text

    @property
    def mean_surprise(self) -> float | None:
        """In nats a character; None before the first."""
        return self._surprise / self._characters if self._characters else None

    @property
    def known_words(self) -> float | None:
        """The share of its words that the training text has, 0 to 1; None while it is not known."""
        return self._words.share if self._words is not None else None

    def line(self, width: int) -> str:
        """Return the figures in words, as long as `width` cells allow; nothing where there is no room or no text."""
        if self.mean_surprise is None:
            return ""
        mean = f"{self.mean_surprise:.2f}"
        lines = [f"mean surprisal {mean} nats/char", f"surprise {mean} nats", f"{mean} nats"]
        if self.known_words is not None:
            known = f"{100 * self.known_words:.0f} %"
            lines = [
                f"{known} of its words are in the training text · mean surprisal {mean} nats/char",
                f"{known} known words · surprisal {mean} nats/char",
                f"{known} known words · {mean} nats",
                f"words {known} · {mean} nats",
                *lines,
            ]
        return next((line for line in lines if len(line) <= width), "")
