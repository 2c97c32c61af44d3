"""Milestones of a run: the epoch that first beat the n-gram baseline, and the one after which validation loss rose."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from core.events import EpochCompleted
from core.reports.diagnosis import NOTICEABLE

if TYPE_CHECKING:
    from core.reports.results import Baselines


class Milestones(Struct, frozen=True, kw_only=True):
    """Milestones in the validation losses of the completed epochs."""

    level: tuple[str, float] | None = None
    """Name and loss of the best n-gram model on the same validation part; None if unknown."""
    beat: EpochCompleted | None = None
    """The first epoch with a lower loss than `level`."""
    turned: EpochCompleted | None = None
    """The best epoch, if the loss has risen since; otherwise None."""
    last: EpochCompleted | None = None
    """The latest epoch with a validation loss."""

    @property
    def sentences(self) -> list[str]:
        """The milestones as sentences."""
        sentences = []
        if self.level is not None and self.last is not None:
            name, loss = self.level
            if self.beat is not None:
                sentences.append(f"First below the {name} ({loss:.3f}) after epoch {self.beat.epoch}.")
            else:
                sentences.append(f"Not yet below the {name} ({loss:.3f}).")
        if self.turned is not None and self.last is not None:
            sentences.append(
                f"The validation loss rose after epoch {self.turned.epoch}, "
                f"from {self.turned.val_loss:.4f} to {self.last.val_loss:.4f}."
            )
        return sentences


def milestones(epochs: Sequence[EpochCompleted], baselines: "Baselines | None" = None) -> Milestones:
    """Return the milestones of some completed epochs.

    Losses are compared on the same part only: baselines of another part than validation are ignored.
    """
    validated = [(epoch, epoch.val_loss) for epoch in epochs if epoch.val_loss is not None]
    validated = [(epoch, loss) for epoch, loss in validated if math.isfinite(loss)]
    if not validated:
        return Milestones()
    level = None
    if baselines is not None and baselines.part == "validation":
        level = (baselines.best.name, baselines.best.loss)
    best, lowest = min(validated, key=lambda pair: pair[1])
    last, last_loss = validated[-1]
    return Milestones(
        level=level,
        beat=next((epoch for epoch, loss in validated if level is not None and loss < level[1]), None),
        turned=best if last_loss > lowest + NOTICEABLE else None,
        last=last,
    )
