"""Reports of an epoch's steps, as `StepsCompleted` events."""

from core.checkpoints.counters import Counters
from core.events import StepsCompleted


class StepReports:
    """Makes the reports of one epoch, each of the steps since the one before."""

    def __init__(self, counters: Counters, now: float, *, steps: int, characters: int) -> None:
        """Begin.

        Args:
            counters: the run's, which the trainer changes.
            now: the run's seconds.
            steps: how many the epoch is to have.
            characters: how many a step reads.
        """
        self._counters = counters
        self._steps = steps
        self._characters = characters
        self.begin(now)

    def begin(self, now: float) -> None:
        """Begin the next report at `now` seconds of the run: the time to read the last one counts in neither."""
        self.begun = now
        self._reported_steps, self._reported_loss = self._counters.epoch_steps, self._counters.epoch_loss

    def make(
        self, now: float, *, learning_rate: float, gradient_norm: float | None, memory_bytes: int
    ) -> StepsCompleted:
        """Report the steps since the last report, at least one; the rate and the norm are those of the last step."""
        counters = self._counters
        taken = counters.epoch_steps - self._reported_steps
        return StepsCompleted(
            epoch=counters.epochs + 1,
            step=counters.epoch_steps,
            steps=max(self._steps, counters.epoch_steps),
            loss=counters.epoch_loss / counters.epoch_steps,
            recent_loss=(counters.epoch_loss - self._reported_loss) / taken,
            total_steps=counters.steps,
            chars_per_second=taken * self._characters / max(now - self.begun, 1e-9),
            elapsed_seconds=now,
            learning_rate=learning_rate,
            gradient_norm=gradient_norm,
            memory_bytes=memory_bytes,
        )
