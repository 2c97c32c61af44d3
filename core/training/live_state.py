"""A run's state while it is trained: all that its steps and epochs change, to be copied and returned to."""

import math

import msgspec
import torch
from torch import Tensor

from core.checkpoints.counters import Counters, Plan
from core.checkpoints.training_state import Snapshot, TrainingState
from core.data.window_loader import WindowLoader
from core.events import Diverged, EpochCompleted, RateHalved
from core.model.char_lstm import State
from core.training.clock import Clock
from core.training.divergence import MAX_ROLL_BACKS, has_diverged
from core.training.learner import Learner
from core.training.plan import progress
from core.training.schedule import rate_share


class LiveState:
    """Where a run stands. Its trainer alone changes it."""

    def __init__(self, learner: Learner, windows: WindowLoader) -> None:
        self.learner = learner
        self.counters = Counters()
        self.plan: Plan | None = None
        self.history: list[EpochCompleted] = []
        self.clock = Clock(0.0)
        self.rate = 0.0
        """The learning rate of the last step."""
        self._windows = windows
        self._carried: State | None = None  # where the last window ended
        self._unread: list[Tensor] = []  # losses of steps, on the device: reading each would hold up the next
        self._good: TrainingState | None = None  # where the epoch began

    def begin(self) -> None:
        """Note where the first epoch begins, unless the run was resumed."""
        if self._good is None:
            self._good = self._now()

    def resume(self, snapshot: Snapshot) -> None:
        """Continue where another run was when it was copied."""
        self._restore(snapshot.now)
        self._good = snapshot.good or snapshot.now
        self.plan = snapshot.plan
        self.history = list(snapshot.history)
        self.clock = Clock(self.counters.elapsed)
        config, before = self.learner.config, snapshot.training
        if (config.epochs, config.seconds) != (before.epochs, before.seconds):
            self.counters.without_better = 0  # a run that is given more time is not stopped early at once

    def step(self) -> None:
        """Learn from the next window."""
        window = self._windows.next()
        assert self.plan is not None
        config = self.learner.config
        share = rate_share(progress(self.plan, self.counters, self.clock), config)
        self.rate = config.learning_rate * share * self.counters.rate_factor
        state = None if window.begins else self._carried
        loss, self._carried = self.learner.step(window.inputs, window.targets, state, self.rate)
        self.counters.steps += 1
        self._unread.append(loss)

    def read_losses(self) -> None:
        """Add the losses of the steps since the last call, one by one, so that the sum depends on no report."""
        if self._unread:
            for loss in torch.stack(self._unread).tolist():
                self.counters.epoch_loss += loss
            self._unread.clear()

    def forget_losses(self) -> None:
        """Count the steps since the losses were last read for no epoch."""
        self._unread.clear()

    def has_diverged(self, *, check: bool, over: bool) -> bool:
        """Tell whether the loss has diverged or, at the end of an epoch, a weight is no number.

        Args:
            check: whether a check of the loss is due.
            over: whether the epoch's last step was taken.
        """
        vocabulary_size = self.learner.model.vocabulary_size
        diverged = has_diverged(self.counters, vocabulary_size, due=check, over=over)
        return diverged or (over and not self.learner.is_finite())

    def roll_back(self) -> RateHalved | Diverged:
        """Return to where the epoch began, with half the rate; `Diverged` where that was done too often already."""
        counters, good = self.counters, self._good
        assert good is not None
        epoch, step = counters.epochs + 1, counters.epoch_steps
        times, rate_factor = counters.roll_backs + 1, counters.rate_factor / 2
        if times > MAX_ROLL_BACKS:
            return Diverged(epoch=epoch, step=step)
        self._restore(good)
        counters.roll_backs, counters.rate_factor = times, rate_factor
        self._good = TrainingState(msgspec.structs.replace(counters), good.tensors)
        return RateHalved(epoch=epoch, step=step, rate_factor=rate_factor, time=times)

    def complete_epoch(self, val_loss: float | None) -> EpochCompleted:
        """Note that the epoch is over, and where the next one begins."""
        counters = self.counters
        now = self.clock.elapsed()
        completed = EpochCompleted(
            epoch=counters.epochs + 1,
            train_loss=counters.epoch_loss / counters.epoch_steps,
            val_loss=val_loss,
            best=counters.would_be_best(val_loss),
            seconds=max(now - counters.epoch_began, 0.0),
            elapsed_seconds=now,
            chars_per_second=self._windows.characters * counters.epoch_steps / max(counters.training_seconds, 1e-9),
            total_steps=counters.steps,
        )
        counters.complete(completed)
        self.history.append(completed)
        self._good = self._now()
        return completed

    def copies(self) -> tuple[TrainingState, TrainingState | None]:
        """Return where the run stands, and where the epoch under way began; None if that is the same."""
        self.read_losses()
        good = self._good or self._now()
        if self.counters.epoch_steps and math.isfinite(self.counters.epoch_loss):
            return self._now(), good
        return good, None  # a run whose loss is no number is resumed from where the epoch began

    def _now(self) -> TrainingState:
        """Return where the run stands, copied to the CPU."""
        self.read_losses()
        self.counters.elapsed = self.clock.elapsed()
        tensors = self.learner.state()
        if self._carried is not None:
            tensors |= {"state.hidden": self._carried.hidden, "state.cell": self._carried.cell}
        copied = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        return TrainingState(msgspec.structs.replace(self.counters, **self._windows.state_dict()), copied)

    def _restore(self, stood: TrainingState) -> None:
        """Return to where a run stood."""
        tensors, compute = stood.tensors, self.learner.compute
        for name in self.counters.__struct_fields__:
            setattr(self.counters, name, getattr(stood.counters, name))
        self.learner.restore(tensors, self.counters.steps)
        self._windows.load_state_dict({"reading": self.counters.reading, "window": self.counters.window})
        self._unread.clear()
        self._carried = None
        if "state.hidden" in tensors:
            hidden, cell = (tensors[name].to(compute.device) for name in ("state.hidden", "state.cell"))
            if compute.precision == "fp32":
                hidden, cell = hidden.float(), cell.float()
            self._carried = State(hidden, cell)
