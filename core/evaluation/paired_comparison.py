"""Paired comparison: which of two models predicts the same text better, and whether the difference may be chance.

Each model reads the text with its own vocabulary, and their losses are subtracted character by character. The easy and
the hard passages of the text are the same for both models, so the standard error of the difference is much smaller
than that of either loss.
"""

from collections.abc import Generator
from contextlib import closing

from core.checkpoints.checkpoint import Checkpoint
from core.data.text_slice import Passage
from core.errors import UserError
from core.evaluation.loss_accumulator import Blocks
from core.evaluation.scored_chunk import ScoredChunk
from core.evaluation.scoring import score_text
from core.reports.results import Comparison, EvaluationProgress


def compare(
    first: Checkpoint, other: Checkpoint, passage: Passage
) -> Generator[EvaluationProgress | Comparison, None, None]:
    """Compare two models on a passage. Yields progress and, last, the comparison. To cancel, stop iterating.

    Only characters that both models know are counted.

    Raises:
        UserError: no character of the passage is known to both models.
    """
    of_first, of_other, difference = Blocks(), Blocks(), Blocks()
    with (
        closing(score_text(first.model, passage.ids(first.vocabulary), first.vocabulary.start_id)) as first_events,
        closing(score_text(other.model, passage.ids(other.vocabulary), other.vocabulary.start_id)) as other_events,
    ):
        done = [0.0, 0.0]  # share of the text that each model has read
        while True:
            chunks: list[ScoredChunk] = []
            for number, events in enumerate((first_events, other_events)):
                for event in events:
                    if isinstance(event, ScoredChunk):
                        chunks.append(event)
                        break
                    done[number] = event
                    yield EvaluationProgress(scored=round(sum(done) / 2 * len(passage)), characters=len(passage))
            if not chunks:
                break
            chunk, other_chunk = chunks
            known = chunk.known & other_chunk.known
            losses = chunk.losses[known[chunk.known]]
            other_losses = other_chunk.losses[known[other_chunk.known]]
            of_first.add(losses)
            of_other.add(other_losses)
            difference.add(losses - other_losses)
    if not of_first.count:
        raise UserError("This text has no character that both models know. Choose another text, or another model.")
    yield Comparison(
        characters=of_first.count,
        loss=of_first.mean,
        other_loss=of_other.mean,
        standard_error=difference.standard_error,
    )
