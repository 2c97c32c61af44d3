"""Two models on the same text: which predicts it better, and whether that may be chance.

Both read along, each with its own vocabulary, and the difference is taken character by character: texts have easy and
hard places, which are the same for both, so the difference is known far better than either loss.
"""

from collections.abc import Generator
from contextlib import closing

from msgspec import Struct

from core.checkpoint import Checkpoint
from core.errors import UserError
from core.following import follow
from core.passage import Passage
from core.scores import EvaluationProgress
from core.tally import Blocks


class Comparison(Struct, frozen=True, kw_only=True):
    """How two models compare on the characters that both know."""

    characters: int
    """That both scored."""
    loss: float
    """Of the first, nats per character."""
    other_loss: float
    standard_error: float | None
    """Of the difference; None for a text too short to tell."""

    @property
    def difference(self) -> float:
        """The first's loss less the other's: below 0 where the first is better."""
        return self.loss - self.other_loss

    @property
    def sentence(self) -> str:
        """What it means."""
        size = abs(self.difference)
        if size == 0:
            return "They predict it equally well, to the last digit."
        if self.standard_error is None:
            return f"They differ by {size:.4f}; the text is too short to tell whether that is chance."
        better = "The first" if self.difference < 0 else "The other"
        within = f"{size:.4f} ± {self.standard_error:.4f} nats per character"
        if size > 2 * self.standard_error:
            return f"{better} is better by {within}: more than chance."
        return f"They differ by {within}: no more than chance may do."


def compare(
    first: Checkpoint, other: Checkpoint, passage: Passage
) -> Generator[EvaluationProgress | Comparison, None, None]:
    """Have two models read a passage side by side; yields progress and, last, the comparison. To stop, stop asking.

    Raises:
        UserError: there is no character that both know.
    """
    mine, theirs, difference = Blocks(), Blocks(), Blocks()
    with (
        closing(follow(first.model, passage.ids(first.vocabulary), first.vocabulary.start_id)) as my_stretches,
        closing(follow(other.model, passage.ids(other.vocabulary), other.vocabulary.start_id)) as their_stretches,
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
