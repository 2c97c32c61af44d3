"""Interprets the losses of a run in words, in the same way for the Train and Evaluate screens, the shell and reports.

A run overfits if the validation loss rises while the training loss falls, so the history of the run is needed to
diagnose it. A validation loss that is merely higher than the training loss is called a gap.
"""

import math
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from core.events import EpochCompleted

Kind = Literal["unknown", "untrained", "learning", "levelled", "overfitting", "unsteady"]

NOTICEABLE = 0.005
"""Smallest change of a loss that counts as a change, in nats per character."""
RECENT = 0.2
"""Share of the epochs, the last ones, over which the fall of the validation loss is computed."""
LITTLE = 0.05
"""Largest gap between the losses on training and held-out text that is called "hardly a gap", in nats per character."""


class Verdict(Struct, frozen=True, kw_only=True):
    """The diagnosis of a run, from its history."""

    kind: Kind
    sentence: str
    """The diagnosis in one sentence, with its figures."""
    advice: str = ""
    """Suggestion for the next run; may be empty."""
    since: int | None = None
    """The first epoch after the best one, if the validation loss rose."""

    @property
    def in_short(self) -> str:
        """The sentence without its figures."""
        return self.sentence.partition(":")[0].removesuffix(".") + "."

    @property
    def text(self) -> str:
        """The sentence followed by the advice."""
        return f"{self.sentence} {self.advice}".rstrip()


def judge(epochs: Sequence[EpochCompleted], vocabulary_size: int) -> Verdict:
    """Return the diagnosis of a run.

    Args:
        epochs: the completed epochs of the run.
        vocabulary_size: the number of distinct characters of the text; 0 if it is unknown.
    """
    validated = [(epoch, epoch.val_loss) for epoch in epochs if epoch.val_loss is not None]
    if not epochs:
        return Verdict(kind="unknown", sentence="No epoch was completed, so there is nothing to judge.")
    if vocabulary_size > 1 and (loss := _lowest_of(epochs[-1])) > math.log(vocabulary_size):
        return Verdict(
            kind="untrained",
            sentence=f"Nothing learnt yet: a loss of {loss:.4f} is above {math.log(vocabulary_size):.4f}, that of a "
            f"model which gives each of the {vocabulary_size} characters the same probability.",
            advice="A lower learning rate, or more epochs, would help.",
        )
    if not validated:
        return Verdict(
            kind="unknown",
            sentence="Without a validation part, nothing shows whether it overfits.",
            advice="Evaluate it on the test part.",
        )
    if len(validated) < 2:
        return Verdict(kind="unknown", sentence="One epoch says little.", advice="More epochs would tell.")
    best, best_loss = min(validated, key=lambda pair: pair[1])
    last, last_loss = validated[-1]
    if last_loss > best_loss + NOTICEABLE:
        return _risen(best, best_loss, last, last_loss)
    recent = max(1, round(RECENT * len(validated)))
    before = validated[-1 - recent][1]
    if before - last_loss > NOTICEABLE:
        over = "epoch" if recent == 1 else f"{recent} epochs"
        return Verdict(
            kind="learning",
            sentence=f"Still learning: validation fell by {before - last_loss:.4f} over the last {over}.",
            advice="More epochs would help.",
        )
    return Verdict(
        kind="levelled",
        sentence=f"Levelled off: validation stays at {best_loss:.4f} and does not rise.",
        advice="A different network or more text would be needed to do better.",
    )


def _lowest_of(epoch: EpochCompleted) -> float:
    """Return the lower of an epoch's training and validation loss. With much dropout, the validation loss is lower."""
    return epoch.train_loss if epoch.val_loss is None else min(epoch.train_loss, epoch.val_loss)


def _risen(best: EpochCompleted, best_loss: float, last: EpochCompleted, last_loss: float) -> Verdict:
    """Return the verdict on a run whose validation loss rose after its best epoch."""
    since = best.epoch + 1
    rose = f"validation rose from {best_loss:.4f} to {last_loss:.4f}"
    if last.train_loss < best.train_loss:
        return Verdict(
            kind="overfitting",
            since=since,
            sentence=f"Overfitting since epoch {since}: {rose}.",
            advice=f"Training loss fell meanwhile, from {best.train_loss:.4f} to {last.train_loss:.4f}. The best epoch "
            "is kept; more text, more dropout or fewer cells would help.",
        )
    return Verdict(
        kind="unsteady",
        since=since,
        sentence=f"Worse since epoch {since}: {rose}.",
        advice=f"This is not overfitting: training loss rose too, from {best.train_loss:.4f} to {last.train_loss:.4f}. "
        "The best epoch is kept; a lower learning rate would help.",
    )


def gap_sentence(train: float, held_out: float, *, where: str, judged: bool) -> str:
    """Return a sentence that compares the loss on held-out text with that on training text, for the same weights.

    Args:
        train: the loss on the training part, in nats per character.
        held_out: the loss on the held-out part, in nats per character.
        where: the held-out part: "validation" or "test".
        judged: whether a verdict from the run's history is shown next to the sentence.
    """
    gap = held_out - train
    size = f"{where} loss is {abs(gap):.2f} {'above' if gap >= 0 else 'below'} training loss"
    if round(abs(gap), 2) <= LITTLE:  # rounded as in the sentence
        return f"Hardly a gap: {size}."
    if gap < 0:
        return f"A gap: {size}, so that part is easier to predict."
    meaning = "it predicts the text that it was trained on better than new text"
    if judged:
        return f"A gap: {size}; {meaning}."
    return (
        f"A gap: {size}; {meaning}. Whether it overfits is not known: that takes the losses of its epochs, which are "
        "not here."
    )


def training_loss_note(last: EpochCompleted, *, dropout: bool) -> str:
    """Return a short note on how an epoch's training loss is computed, and on why it is above the validation loss.

    The validation loss is computed with the weights at the end of the epoch, and without dropout.
    """
    mean = f"mean over epoch {last.epoch}" + (", with dropout" if dropout else "")
    if last.val_loss is None:
        return mean
    if last.train_loss <= last.val_loss:
        return f"{mean}; validation is " + ("without" if dropout else "read after it")
    return f"{mean}, so above validation" + ("" if dropout else " after it")
