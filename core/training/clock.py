"""The training time of a run, without pauses."""

import time


class Clock:
    """Stopwatch that counts seconds, starting at `before`."""

    def __init__(self, before: float) -> None:
        self._before = before
        self._started: float | None = None

    def start(self) -> None:
        """Start counting."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Stop counting."""
        self._before = self.elapsed()
        self._started = None

    def elapsed(self) -> float:
        """Return the seconds counted so far."""
        running = time.perf_counter() - self._started if self._started is not None else 0.0
        return self._before + running
