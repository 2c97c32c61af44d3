"""Reads the training text of a model again, for an evaluation, unless the text has changed."""

from collections.abc import Generator

from core.data.corpus import Corpus, CorpusConfig, open_corpus
from core.errors import UserError
from core.reports.results import Stage


def open_unchanged(config: CorpusConfig, doing: str) -> Generator[Stage, None, Corpus | None]:
    """Yield stages, and return the text; None if it is missing, cannot be read, or has changed since the training.

    Args:
        config: the text, with the SHA-256 of its content at the time of the training.
        doing: what the stages say.
    """
    try:
        for event in open_corpus(config):
            if isinstance(event, Corpus):
                return event if event.text.sha256 == config.sha256 else None
            yield Stage(doing=doing, done=event.done)
    except UserError:
        pass
    return None
