"""How long a run has trained, without pauses."""

import time


class Clock:
    """Counts seconds from `before` on, while it is started."""

    def __init__(self, before: float) -> None:
        self._before = before
        self._started: float | None = None

    def start(self) -> None:
        """Count from now on."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Hold the count."""
        self._before = self.elapsed()
        self._started = None

    def elapsed(self) -> float:
        """Return the seconds so far."""
        running = time.perf_counter() - self._started if self._started is not None else 0.0
        return self._before + running
