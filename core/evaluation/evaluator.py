"""The exact loss of a model on a text: each character is scored once, given all the characters before it.

`core.evaluation.scoring` runs the model over the text; `core.evaluation.loss_accumulator` adds up the losses.
"""

from collections.abc import Generator, Iterator
from contextlib import closing

import numpy as np

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus
from core.data.play_roles import RoleFinder, Roles
from core.data.splits import PARTS, Part
from core.data.text_slice import Passage
from core.errors import UserError
from core.evaluation.estimate import estimate_loss
from core.evaluation.loss_accumulator import LossAccumulator
from core.evaluation.scoring import score_text
from core.evaluation.surprisal import Surprisals
from core.reports.results import Evaluation, EvaluationProgress, PartLoss, Score

MAX_APPROXIMATE = 50_000
"""Number of characters of a part that `part_losses` scores, taken from the whole part."""


def evaluate(
    checkpoint: Checkpoint, corpus: Corpus, part: Part, keep: Surprisals | None = None
) -> Iterator[EvaluationProgress | Evaluation]:
    """Evaluate a model on a part of a corpus. Yields progress and, last, the result. To cancel, stop iterating.

    Args:
        checkpoint: the model to evaluate.
        corpus: the text.
        part: the part of the text to score.
        keep: records the loss of every character, if given.

    Raises:
        UserError: the part is empty, or contains no character of the model's vocabulary.
    """
    passage = part_of(checkpoint, corpus, part)
    for event in score(checkpoint, passage, keep):
        if isinstance(event, Score):
            if not event.scored:
                raise UserError(f"{_described(part)} has no character that the model knows. Choose another text.")
            yield Evaluation(
                corpus=corpus.config,
                part=part,
                characters=len(passage),
                unknown_characters=len(passage) - event.scored,
                learnt_characters=count_learnt(checkpoint, corpus, passage),
                score=event,
            )
        else:
            yield event


def part_of(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> Passage:
    """Return a part of a corpus, with the share for validation that the model was trained with.

    Raises:
        UserError: the part is empty.
    """
    passage = corpus.part(part, checkpoint.training.validation)
    if not len(passage):
        without = part == "validation" and not checkpoint.training.validation
        why = "because the model was trained without one" if without else "because it is too short"
        raise UserError(f"This text has no {part} part, {why}. Choose another part, or another text.")
    return passage


def _described(part: Part) -> str:
    return "This text" if part == "whole" else f"The {part} part of this text"


def count_learnt(checkpoint: Checkpoint, corpus: Corpus, passage: Passage) -> int:
    """Return how many characters of a passage of the corpus are also in the model's training part."""
    if checkpoint.corpus.sha256 != corpus.text.sha256:
        return 0
    trained_on = Corpus(checkpoint.corpus, corpus.text).part("train", checkpoint.training.validation)
    return trained_on.characters_shared_with(passage)


def score(
    checkpoint: Checkpoint, passage: Passage, keep: Surprisals | None = None
) -> Generator[EvaluationProgress | Score, None, None]:
    """Score a passage; unknown characters are skipped.

    Yields progress and, last, the score. To cancel, stop iterating. `keep` records the loss of every character.
    """
    vocabulary = checkpoint.vocabulary
    accumulator = LossAccumulator(vocabulary)
    finder = RoleFinder()
    roles = _Reader(finder.roles(passage))
    with closing(score_text(checkpoint.model, passage.ids(vocabulary), vocabulary.start_id)) as chunks:
        for chunk in chunks:
            if isinstance(chunk, float):
                yield EvaluationProgress(scored=round(chunk * len(passage)), characters=len(passage))
                continue
            accumulator.add(chunk, roles.next(len(chunk.ids)))
            if keep is not None:
                keep.add(chunk)
    yield accumulator.score(is_play=finder.is_play)


class _Reader:
    """Joins arrays of any length and returns them again in pieces of the requested lengths."""

    def __init__(self, pieces: Iterator[Roles]) -> None:
        self._pieces = pieces
        self._left = np.empty(0, dtype=np.uint8)

    def next(self, count: int) -> Roles:
        while len(self._left) < count:
            self._left = np.concatenate([self._left, next(self._pieces)])
        given, self._left = self._left[:count], self._left[count:]
        return given


def part_losses(
    checkpoint: Checkpoint, corpus: Corpus, known: PartLoss | None = None
) -> Iterator[EvaluationProgress | PartLoss]:
    """Estimate the loss on each part of a corpus. Yields progress and each part's loss. To cancel, stop iterating.

    The corpus must have no character outside the model's vocabulary; otherwise nothing is yielded. Empty parts are
    skipped. The loss on a part that is `known` is not estimated.
    """
    if not set(corpus.characters) <= set(checkpoint.vocabulary.characters):
        return
    for part in PARTS:
        if known is not None and part == known.part:
            yield known
            continue
        passage = corpus.part(part, checkpoint.training.validation)
        if not len(passage):
            continue
        estimate = yield from estimate_loss(
            checkpoint.model, passage.ids(checkpoint.vocabulary), checkpoint.vocabulary.start_id, MAX_APPROXIMATE
        )
        assert estimate is not None  # every character is known
        yield PartLoss(part=part, characters=estimate.characters, of=len(passage), loss=estimate.loss)
