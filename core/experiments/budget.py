"""The time that an experiment has used on this machine, over all its sessions."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import UserError
from core.files import write_atomically

SAVE_SECONDS = 10.0
"""Seconds between two writes; a killed process loses at most these."""


class Budget:
    """Counts the seconds of an experiment, from what earlier sessions have used."""

    def __init__(self, folder: Path, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            folder: the experiment's folder, where the time is kept.
            seconds: time limit; 0 sets none.
            clock: returns the time in seconds.
        """
        self.seconds = seconds
        self._path = folder / "used_seconds"
        self._clock = clock
        self._before = read_used(folder)
        self._began = self._saved = clock()

    @property
    def used(self) -> float:
        """Seconds used so far."""
        return self._before + self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds left; None without a limit."""
        return max(0.0, self.seconds - self.used) if self.seconds else None

    def is_over(self) -> bool:
        """Return whether the time is over. To be called often: it also saves the time from time to time."""
        if self._clock() - self._saved >= SAVE_SECONDS:
            self.save()
        return self.left == 0.0

    def save(self) -> None:
        """Write the time used; an error of the disk is ignored, since the trials matter more."""
        self._saved = self._clock()
        with contextlib.suppress(UserError):
            write_atomically(self._path, f"{self.used:.1f}\n".encode())


def read_used(folder: Path) -> float:
    """Return the seconds that earlier sessions have used."""
    with contextlib.suppress(OSError, ValueError):
        return max(0.0, float((folder / "used_seconds").read_text("utf-8")))
    return 0.0
