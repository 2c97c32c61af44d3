"""What a run's losses say about it, in words: still learning, a good fit, or overfitting."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from core.events import EpochCompleted

Kind = Literal["unknown", "learning", "good", "overfitting"]

NOTICEABLE = 0.005
"""Nats a character: a validation loss that moved by less has not moved."""
RECENT = 0.2
"""Share of the epochs by which to tell whether the loss still falls."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What the gap between training and validation says."""

    kind: Kind
    sentence: str
    advice: str = ""
    """What would help."""
    since: int | None = None
    """The first epoch that was worse than the best, where it overfits."""


def judge(epochs: Sequence[EpochCompleted]) -> Verdict:
    """Say what the losses of some completed epochs mean."""
    validated = [(epoch, epoch.val_loss) for epoch in epochs if epoch.val_loss is not None]
    if not epochs:
        return Verdict(kind="unknown", sentence="No epoch was completed: there is nothing to judge by.")
    if not validated:
        return Verdict(
            kind="unknown",
            sentence="Without a validation part nobody can say whether it overfits.",
            advice="Measure it on the test part.",
        )
    if len(validated) < 2:
        return Verdict(kind="unknown", sentence="One epoch says little: give it more.")
    best, best_loss = min(validated, key=lambda pair: pair[1])
    last, last_loss = validated[-1]
    if last_loss > best_loss + NOTICEABLE:
        since = best.epoch + 1
        return Verdict(
            kind="overfitting",
            since=since,
            sentence=f"Overfitting since epoch {since}: validation rose from {best_loss:.4f} to {last_loss:.4f}.",
            advice=f"Training went on to {last.train_loss:.4f}. The best epoch is the one to use; more text, more "
            "dropout or fewer cells would help.",
        )
    before = validated[-1 - max(1, round(RECENT * len(validated)))][1]
    if before - last_loss > NOTICEABLE:
        return Verdict(
            kind="learning",
            sentence=f"Still learning: validation fell by {before - last_loss:.4f} over the last "
            f"{_count(max(1, round(RECENT * len(validated))))}.",
            advice="More epochs would help.",
        )
    return Verdict(
        kind="good",
        sentence=f"A good fit: validation has levelled off at {best_loss:.4f}, and does not rise.",
        advice="To do better takes another network, or more text.",
    )


def _count(epochs: int) -> str:
    return "epoch" if epochs == 1 else f"{epochs} epochs"
