"""State of a training run between two steps: everything that is not a tensor."""

from typing import Annotated

from msgspec import Meta, Struct, field

from core.events import ComputePrecision, EpochCompleted
from core.settings.config import ComputeDevice

Count = Annotated[int, Meta(ge=0, le=2**53)]
Ordinal = Annotated[int, Meta(ge=1, le=2**53)]
Seconds = Annotated[float, Meta(ge=0)]


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Number of epochs and steps that a run is planned to have."""

    epochs: Ordinal
    steps: Ordinal
    """Steps per epoch; approximate if the run has a time limit."""
    seconds: Seconds | None
    """Time limit of the run; None if it is limited by epochs."""


class Counters(Struct, kw_only=True, forbid_unknown_fields=True):
    """Counters of a run. Only its trainer changes them. Losses are in nats per character."""

    steps: Count = 0
    """Number of steps taken in the whole run."""
    reading: Ordinal = 1
    """Number of the current pass through the text, from 1."""
    window: Count = 0
    """Next window of that pass. This and `reading` are the state of the `WindowLoader`, copied when a run is saved."""
    elapsed: Seconds = 0.0
    """Seconds of training without pauses, updated when the run is copied."""

    epochs: Count = 0
    """Number of completed epochs."""
    train_loss: float | None = None
    """Training loss of the last completed epoch."""
    val_loss: float | None = None
    """Validation loss of the last completed epoch."""
    best_val_loss: float | None = None
    without_better: Count = 0
    """Number of epochs since the best one."""

    epoch_steps: Count = 0
    """Number of steps taken in the current epoch."""
    epoch_loss: float = 0.0
    """Sum of the losses of these steps."""
    epoch_over: bool = False
    """Whether all steps of the epoch were taken, so that only validation is missing."""
    epoch_began: Seconds = 0.0
    """Value of `elapsed` at the start of the current epoch."""
    training_seconds: Seconds = 0.0
    """Seconds spent on the steps of the current epoch, without validation."""
    validating_seconds: Seconds = 0.0
    """Duration of the last validation."""

    running_loss: float | None = None
    """Running mean of the losses that are not high (`core.training.divergence`)."""
    checked_steps: Count = 0
    """Number of steps of the epoch that were checked for divergence; `checked_loss` is the sum of their losses."""
    checked_loss: float = 0.0
    high_steps: Count = 0
    """Number of steps for which the loss has been high."""
    roll_backs: Count = field(default=0, name="retreats")
    """Number of times the run returned to the start of an epoch. Files use an older name for this field."""
    rate_factor: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Factor on the learning rate: halved each time the loss diverges."""

    thread_changes: Count = 0
    """How often the number of threads was changed because of the load of the machine."""

    def would_be_best(self, val_loss: float | None) -> bool:
        """Return whether an epoch with this validation loss is the best so far; without validation, the latest is."""
        return val_loss is None or self.best_val_loss is None or val_loss < self.best_val_loss

    def complete(self, epoch: EpochCompleted) -> None:
        """Update the counters for a completed epoch, and start the next."""
        self.epochs, self.train_loss, self.val_loss = epoch.epoch, epoch.train_loss, epoch.val_loss
        self.best_val_loss = epoch.val_loss if epoch.best else self.best_val_loss
        self.without_better = 0 if epoch.best else self.without_better + 1
        self.epoch_steps, self.epoch_loss, self.epoch_over = 0, 0.0, False
        self.checked_steps, self.checked_loss = 0, 0.0
        self.epoch_began, self.training_seconds = epoch.elapsed_seconds, 0.0

    def is_possible(self) -> bool:
        """Return whether the counters are consistent with each other."""
        return self.checked_steps <= self.epoch_steps and (self.epoch_steps > 0 or not self.epoch_over)


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a checkpoint's header that describes a run to resume; the rest of its state is in tensors."""

    device: ComputeDevice
    precision: ComputePrecision
    threads: Annotated[int, Meta(ge=1, le=1024)]
    processes: Annotated[int, Meta(ge=1, le=65_536)] = 1
    plan: Plan | None
    now: Counters
    good: Counters | None
    """Counters at the start of the current epoch, to return to if the loss diverges; None if that is now."""
