"""The job that collects the words of a model's training text, with which generated texts are compared."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from core.control import Control
from core.errors import UserError

if TYPE_CHECKING:
    from core.evaluation.memorization import WordCount

MAX_TEXT = 10_000_000
"""Number of characters at the start of a training text whose words are collected."""


class TrainingWords(Struct, frozen=True):
    """The distinct words of a model's training text."""

    words: frozenset[str]

    def count_in(self, prompt: str) -> "WordCount":
        """Return a counter of how many words of a generated text are among these; the text begins with the prompt."""
        from core.evaluation.memorization import WordCount

        return WordCount(self.words, prompt)


def words_of_training_text(control: Control, path: Path) -> Iterator[TrainingWords]:
    """Yield the words of a model's training text, as `core.evaluation.memorization` splits it, if it is found."""
    from core.checkpoints.file_format import opened
    from core.data.corpus import Corpus, open_corpus
    from core.evaluation.memorization import words

    with opened(path) as file:
        config, validation = file.header.corpus, file.header.training.validation
    with contextlib.suppress(UserError), contextlib.closing(open_corpus(config)) as events:
        for event in events:
            if control.stopped:
                return
            if isinstance(event, Corpus) and event.text.sha256 == config.sha256:
                part = event.part("train", validation)
                yield TrainingWords(frozenset(words(str(part.cut(0, min(len(part), MAX_TEXT))))))
