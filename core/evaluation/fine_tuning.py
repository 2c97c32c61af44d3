"""Fine-tuning: what a model gained on its text, and what it forgot of the text of the model that it began with."""

from collections.abc import Generator

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.origin_model import load_origin
from core.data.corpus import Corpus
from core.errors import UserError
from core.evaluation.evaluator import count_learnt
from core.evaluation.paired_comparison import compare
from core.evaluation.training_text import open_unchanged
from core.reports.results import Comparison, FineTuning, Stage, TextEffect

MAX_COMPARED = 20_000
"""Maximum number of characters of a test part that both models read: its first ones."""


def fine_tuning_effect(checkpoint: Checkpoint, own: Corpus | None) -> Generator[Stage, None, FineTuning | None]:
    """Yield stages, and return how a model differs from the one that its training began with.

    Both models read the test part of the new and of the old text. To cancel, stop iterating.

    Args:
        checkpoint: the model.
        own: the text that it was trained on; None if it is not available.

    Returns:
        The comparison; None if the training began with random weights.
    """
    origin = checkpoint.origin
    if origin is None or origin.kind != "model":
        return None
    try:
        before = load_origin(origin)
    except UserError as error:
        return FineTuning(origin=origin.name, missing=str(error))
    try:
        new = (yield from _effect(checkpoint, before, own, "the new text")) if own is not None else None
    except UserError as error:  # they have no character in common
        return FineTuning(origin=origin.name, missing=str(error))
    if own is not None and before.corpus.sha256 == own.text.sha256:
        return FineTuning(origin=origin.name, new=new)
    corpus = yield from open_unchanged(before.corpus, "reading the text of the model before")
    if corpus is None:
        missing = f"What it forgot is not known: {before.corpus.title}, the text of {origin.name}, was not found."
        return FineTuning(origin=origin.name, new=new, missing=missing)
    try:
        old = yield from _effect(checkpoint, before, corpus, "the old text")
    except UserError as error:
        return FineTuning(origin=origin.name, new=new, missing=str(error))
    return FineTuning(origin=origin.name, new=new, old=old)


def _effect(after: Checkpoint, before: Checkpoint, corpus: Corpus, which: str) -> Generator[Stage, None, TextEffect]:
    """Compare both models. Raises a `UserError` if they know no character of the text in common."""
    test = corpus.part("test")
    passage = test.cut(0, min(len(test), MAX_COMPARED))
    for event in compare(after, before, passage):
        if isinstance(event, Comparison):
            compared = event
        else:
            yield Stage(doing=f"comparing on {which}", done=event.scored / max(event.characters, 1))
    learnt = count_learnt(before, corpus, passage)
    return TextEffect(text=corpus.config.title, compared=compared, of=len(test), learnt=learnt)
