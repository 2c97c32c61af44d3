"""The training time of a run, without pauses and without the time for which the process was stopped."""

from core import stopped_time


class Clock:
    """Stopwatch that counts seconds, starting at `before`."""

    def __init__(self, before: float) -> None:
        self._before = before
        self._started: float | None = None

    def start(self) -> None:
        """Start counting."""
        self._started = stopped_time.running_time()

    def stop(self) -> None:
        """Stop counting."""
        self._before = self.elapsed()
        self._started = None

    def elapsed(self) -> float:
        """Return the seconds counted so far."""
        running = stopped_time.running_time() - self._started if self._started is not None else 0.0
        return self._before + running
