"""Reports on training steps, as `StepsCompleted` events."""

from core.checkpoints.counters import Counters
from core.events import StepsCompleted


class StepReports:
    """Makes the reports of one epoch, each on the steps since the previous report."""

    def __init__(self, counters: Counters, now: float, *, steps: int, characters: int) -> None:
        """Start the first report.

        Args:
            counters: counters of the run, which the trainer changes.
            now: training time of the run, in seconds.
            steps: planned number of steps of the epoch.
            characters: number of characters per step.
        """
        self._counters = counters
        self._steps = steps
        self._characters = characters
        self.begin(now)

    def begin(self, now: float) -> None:
        """Start the next report at `now` seconds of the run. The time to handle the last report counts in neither."""
        self.begun = now
        self._reported_steps, self._reported_loss = self._counters.epoch_steps, self._counters.epoch_loss

    def make(
        self, now: float, *, learning_rate: float, gradient_norm: float | None, memory_bytes: int
    ) -> StepsCompleted:
        """Return a report on the steps since the last one, of which there must be at least one.

        The learning rate and the gradient norm are those of the last step.
        """
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
