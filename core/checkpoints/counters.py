"""Where a training run stands between two steps: everything about it that is not a tensor."""

from typing import Annotated

from msgspec import Meta, Struct, field

from core.events import ComputePrecision, EpochCompleted
from core.settings.config import ComputeDevice

Count = Annotated[int, Meta(ge=0, le=2**53)]
Ordinal = Annotated[int, Meta(ge=1, le=2**53)]
Seconds = Annotated[float, Meta(ge=0)]


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is laid out."""

    epochs: Ordinal
    steps: Ordinal
    """In an epoch: of a run by time, about so many."""
    seconds: Seconds | None
    """How long the run may take; None for a run by epochs."""


class Counters(Struct, kw_only=True, forbid_unknown_fields=True):
    """A run's counters, which its trainer changes."""

    steps: Count = 0
    """Taken, in the whole run."""
    reading: Ordinal = 1
    """The pass through the text that is under way."""
    window: Count = 0
    """The next window of that pass; this and `reading` are the `WindowLoader`'s, noted when the run is saved."""
    elapsed: Seconds = 0.0
    """Without pauses; noted when the run is copied."""

    epochs: Count = 0
    """Completed."""
    train_loss: float | None = None
    """Of the last epoch completed."""
    val_loss: float | None = None
    best_val_loss: float | None = None
    without_better: Count = 0
    """Epochs since the best."""

    epoch_steps: Count = 0
    """Taken in the epoch under way."""
    epoch_loss: float = 0.0
    """The sum of their losses."""
    epoch_over: bool = False
    """Whether all were taken: only the validation is missing."""
    epoch_began: Seconds = 0.0
    training_seconds: Seconds = 0.0
    """Of the epoch under way, without validation."""
    validating_seconds: Seconds = 0.0
    """What the last validation took."""

    running_loss: float | None = None
    """A running mean of the losses that are not high (`core.training.divergence`)."""
    checked_steps: Count = 0
    """How many of the epoch's steps were checked; `checked_loss` is the sum of their losses."""
    checked_loss: float = 0.0
    high_steps: Count = 0
    """For how many steps the loss has been high."""
    roll_backs: Count = field(default=0, name="retreats")
    """How often the run returned to the beginning of an epoch; in files under an older name."""
    rate_factor: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Factor on the learning rate: halved each time the loss diverges."""

    def would_be_best(self, val_loss: float | None) -> bool:
        """Tell whether an epoch with this validation loss is the one to keep; without validation it is the latest."""
        return val_loss is None or self.best_val_loss is None or val_loss < self.best_val_loss

    def complete(self, epoch: EpochCompleted) -> None:
        """Note that the epoch under way is completed, and begin the next."""
        self.epochs, self.train_loss, self.val_loss = epoch.epoch, epoch.train_loss, epoch.val_loss
        self.best_val_loss = epoch.val_loss if epoch.best else self.best_val_loss
        self.without_better = 0 if epoch.best else self.without_better + 1
        self.epoch_steps, self.epoch_loss, self.epoch_over = 0, 0.0, False
        self.checked_steps, self.checked_loss = 0, 0.0
        self.epoch_began, self.training_seconds = epoch.elapsed_seconds, 0.0

    def is_possible(self) -> bool:
        """Tell whether the counters agree with each other: each is within its own bounds already."""
        return self.checked_steps <= self.epoch_steps and (self.epoch_steps > 0 or not self.epoch_over)


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the header of a file says of a run to resume; the tensors in the file are the rest."""

    device: ComputeDevice
    precision: ComputePrecision
    threads: Annotated[int, Meta(ge=1, le=1024)]
    plan: Plan | None
    now: Counters
    good: Counters | None
    """Where the epoch under way began, to return to after a divergence; None if that is now."""
