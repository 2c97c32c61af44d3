"""Two models on the same text: which predicts it better, and whether that may be chance.

Both read along, each with its own vocabulary, and the difference is taken character by character: texts have easy and
hard places, which are the same for both, so the difference is known far better than either loss.
"""

from collections.abc import Generator
from contextlib import closing

from core.checkpoints.checkpoint import Checkpoint
from core.data.text_slice import Passage
from core.errors import UserError
from core.evaluation.loss_accumulator import Blocks
from core.evaluation.scoring import score_text
from core.reports.results import Comparison, EvaluationProgress


def compare(
    first: Checkpoint, other: Checkpoint, passage: Passage
) -> Generator[EvaluationProgress | Comparison, None, None]:
    """Have two models read a passage side by side; yields progress and, last, the comparison. To stop, stop asking.

    Raises:
        UserError: there is no character that both know.
    """
    mine, theirs, difference = Blocks(), Blocks(), Blocks()
    with (
        closing(score_text(first.model, passage.ids(first.vocabulary), first.vocabulary.start_id)) as my_stretches,
        closing(score_text(other.model, passage.ids(other.vocabulary), other.vocabulary.start_id)) as their_stretches,
    ):
        for one, another in zip(my_stretches, their_stretches, strict=True):
            both = one.known & another.known
            my_losses = one.losses[both[one.known]]
            their_losses = another.losses[both[another.known]]
            mine.add(my_losses)
            theirs.add(their_losses)
            difference.add(my_losses - their_losses)
            yield EvaluationProgress(scored=one.end, characters=len(passage), loss=mine.mean)
    if not mine.count:
        raise UserError("This text has no character that both models know. Choose another text, or another model.")
    yield Comparison(
        characters=mine.count,
        loss=mine.mean,
        other_loss=theirs.mean,
        standard_error=difference.standard_error,
    )
