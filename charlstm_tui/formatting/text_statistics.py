"""Figures of a text while it is generated: mean surprisal, and the share of its words that are in the training text."""

from typing import Protocol


class WordCount(Protocol):
    """Counts the words of a text that occur in the training text, as `core.evaluation.memorization.WordCount` does."""

    @property
    def share(self) -> float | None:
        """Share of these words, 0 to 1; None before the first word is complete."""

    def add(self, text: str) -> None:
        """Count the words of more text."""


class TextFigures:
    """Collects the figures of one text as it grows."""

    def __init__(self) -> None:
        self._waiting = ""  # text added before the words of the training text were known
        self._words: WordCount | None = None
        self._surprise = 0.0
        self._characters = 0

    def know(self, words: WordCount) -> None:
        """Use this word counter, which has read the prompt, from the beginning of the generated text."""
        self._words = words
        self._words.add(self._waiting)
        self._waiting = ""

    def add(self, text: str, surprise: float) -> None:
        """Add more characters; `surprise` is the sum of their surprisals, in nats."""
        self._characters += len(text)
        self._surprise += surprise
        if self._words is not None:
            self._words.add(text)
        else:
            self._waiting += text

    @property
    def mean_surprise(self) -> float | None:
        """Mean surprisal in nats per character; None before the first character."""
        return self._surprise / self._characters if self._characters else None

    @property
    def known_words(self) -> float | None:
        """Share of the words that are in the training text, 0 to 1; None while unknown."""
        return self._words.share if self._words is not None else None

    def line(self, width: int) -> str:
        """Return the figures in words, in at most `width` cells; "" if they do not fit or there is no text."""
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
