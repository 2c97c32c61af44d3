"""What a run's losses mean, in words: the one rule for the Train screen, the Evaluate screen, the shell and reports.

Overfitting is validation loss that rises while training loss falls, so only a run's history can tell it. A validation
loss that merely lies above the training loss is a gap, and is called a gap.
"""

import math
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from core.events import EpochCompleted

Kind = Literal["unknown", "untrained", "learning", "levelled", "overfitting", "unsteady"]

NOTICEABLE = 0.005
"""Nats per character: a loss that changed by less has not changed."""
RECENT = 0.2
"""The share of the epochs that tells whether the loss still falls."""
LITTLE = 0.05
"""Nats per character: a gap between training and held-out text of no more is hardly one."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What the history of a run says."""

    kind: Kind
    sentence: str
    advice: str = ""
    """What would help."""
    since: int | None = None
    """The first epoch with a higher validation loss than the best one, where validation rose."""

    @property
    def in_short(self) -> str:
        """The sentence without its figures."""
        return self.sentence.partition(":")[0].removesuffix(".") + "."

    @property
    def text(self) -> str:
        """The sentence and the advice."""
        return f"{self.sentence} {self.advice}".rstrip()


def judge(epochs: Sequence[EpochCompleted], vocabulary_size: int) -> Verdict:
    """Say what the losses of a run's completed epochs mean.

    Args:
        epochs: the completed ones.
        vocabulary_size: how many distinct characters the text has; 0 where that is not known.
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
    """Return an epoch's training loss, or its validation loss where that is lower, as with much dropout."""
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
        advice=f"That is no overfitting: training loss rose too, from {best.train_loss:.4f} to {last.train_loss:.4f}. "
        "The best epoch is kept; a lower learning rate would help.",
    )


def gap_sentence(train: float, held_out: float, *, where: str, judged: bool) -> str:
    """Say how the loss on held-out text compares with that on training text, both of the same weights.

    Args:
        train: the loss on the training part, nats per character.
        held_out: the loss on the part called `where`.
        where: "validation" or "test".
        judged: whether a verdict by the run's history stands beside this sentence.
    """
    gap = held_out - train
    size = f"{where} loss is {abs(gap):.2f} {'above' if gap >= 0 else 'below'} training loss"
    if round(abs(gap), 2) <= LITTLE:  # as it is shown
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
    """Say in a few words how an epoch's training loss is measured, and why it lies above validation loss where it does.

    Validation is read with the weights at the epoch's end and without dropout.
    """
    mean = f"mean over epoch {last.epoch}" + (", with dropout" if dropout else "")
    if last.val_loss is None:
        return mean
    if last.train_loss <= last.val_loss:
        return f"{mean}; validation is " + ("without" if dropout else "read after it")
    return f"{mean}, so above validation" + ("" if dropout else " after it")
