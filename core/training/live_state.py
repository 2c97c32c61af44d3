"""The state of a run during training: everything that steps and epochs change. It can be copied and restored."""

import math

import msgspec
import torch
from torch import Tensor

from core.checkpoints.counters import Counters, Plan
from core.checkpoints.training_state import Snapshot, TrainingState
from core.events import Diverged, EpochCompleted, RateHalved
from core.training.clock import Clock
from core.training.divergence import MAX_ROLL_BACKS, has_diverged
from core.training.plan import progress
from core.training.replica import Replica
from core.training.schedule import rate_share


class LiveState:
    """Current state of a run. Only its trainer changes it."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.learner = replica.learner
        self.counters = Counters()
        self.plan: Plan | None = None
        self.history: list[EpochCompleted] = []
        self.clock = Clock(0.0)
        self.rate = 0.0
        """Learning rate of the last step."""
        self._unread: list[Tensor] = []  # losses on the device; reading each would delay the next step
        self._good: TrainingState | None = None  # state at the start of the epoch

    def begin(self) -> None:
        """Store the state at the start of the first epoch, unless the run was resumed."""
        if self._good is None:
            self._good = self._now()

    def resume(self, snapshot: Snapshot) -> None:
        """Restore the state of a snapshot."""
        self._restore(snapshot.now)
        self._good = snapshot.good or snapshot.now
        self.plan = snapshot.plan
        self.history = list(snapshot.history)
        self.clock = Clock(self.counters.elapsed)
        config, before = self.learner.config, snapshot.training
        if (config.epochs, config.seconds) != (before.epochs, before.seconds):
            self.counters.without_better = 0  # an extended run gets its full patience again

    def step(self) -> None:
        """Take one training step on the next window."""
        assert self.plan is not None
        config = self.learner.config
        share = rate_share(progress(self.plan, self.counters, self.clock), config)
        self.rate = config.learning_rate * share * self.counters.rate_factor
        loss = self.replica.step(self.rate)
        self.counters.steps += 1
        self._unread.append(loss)

    def read_losses(self) -> None:
        """Add the losses of the steps since the last call, one by one, so that the sum does not depend on reports."""
        if self._unread:
            for loss in torch.stack(self._unread).tolist():
                self.counters.epoch_loss += loss
            self._unread.clear()

    def forget_losses(self) -> None:
        """Discard the losses that were not read yet, once they are computed: their steps do not belong to an epoch."""
        if self._unread:
            self._unread[-1].item()  # waits for a GPU
        self._unread.clear()

    def has_diverged(self, *, check: bool, over: bool) -> bool:
        """Return whether the loss has diverged or, at the end of an epoch, a weight is NaN or infinite.

        Args:
            check: whether a check of the loss is due.
            over: whether the epoch's last step was taken.
        """
        vocabulary_size = self.learner.model.vocabulary_size
        diverged = has_diverged(self.counters, vocabulary_size, due=check, over=over)
        return diverged or (over and not self.learner.is_finite())

    def roll_back(self) -> RateHalved | Diverged:
        """Return to the start of the epoch with half the learning rate; `Diverged` after `MAX_ROLL_BACKS` times."""
        counters, good = self.counters, self._good
        assert good is not None
        epoch, step = counters.epochs + 1, counters.epoch_steps
        times, rate_factor = counters.roll_backs + 1, counters.rate_factor / 2
        thread_changes = counters.thread_changes
        if times > MAX_ROLL_BACKS:
            return Diverged(epoch=epoch, step=step)
        self._restore(good)
        counters.roll_backs, counters.rate_factor, counters.thread_changes = times, rate_factor, thread_changes
        self._good = TrainingState(msgspec.structs.replace(counters), good.tensors)
        return RateHalved(epoch=epoch, step=step, rate_factor=rate_factor, time=times)

    def complete_epoch(self, val_loss: float | None) -> EpochCompleted:
        """Complete the epoch, and store the state at the start of the next."""
        counters = self.counters
        now = self.clock.elapsed()
        completed = EpochCompleted(
            epoch=counters.epochs + 1,
            train_loss=counters.epoch_loss / counters.epoch_steps,
            val_loss=val_loss,
            best=counters.would_be_best(val_loss),
            seconds=max(now - counters.epoch_began, 0.0),
            elapsed_seconds=now,
            chars_per_second=self.replica.characters * counters.epoch_steps / max(counters.training_seconds, 1e-9),
            total_steps=counters.steps,
        )
        counters.complete(completed)
        self.history.append(completed)
        self._good = self._now()
        return completed

    def copies(self) -> tuple[TrainingState, TrainingState | None]:
        """Return the current state, and the state at the start of the epoch; None if they are the same."""
        self.read_losses()
        good = self._good or self._now()
        if self.counters.epoch_steps and math.isfinite(self.counters.epoch_loss):
            return self._now(), good
        return good, None  # a run whose loss is NaN is resumed from the start of the epoch

    def _now(self) -> TrainingState:
        """Return a copy of the current state on the CPU."""
        self.read_losses()
        self.counters.elapsed = self.clock.elapsed()
        tensors = self.replica.state()
        copied = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        return TrainingState(msgspec.structs.replace(self.counters, **self.replica.position), copied)

    def _restore(self, saved: TrainingState) -> None:
        """Restore a state."""
        for name in self.counters.__struct_fields__:
            setattr(self.counters, name, getattr(saved.counters, name))
        position = {"reading": self.counters.reading, "window": self.counters.window}
        self.replica.restore(saved.tensors, position, self.counters.steps)
        self._unread.clear()
