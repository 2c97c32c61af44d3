"""The order in which a run reads its text: pass after pass, each from another offset, from any window on."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import Tensor

from core.checkpoints.counters import Counters
from core.data.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator


class Window(NamedTuple):
    """A window of the walk."""

    begins: bool
    """Whether a pass begins with it: nothing is carried into it."""
    inputs: Tensor  # (T, B)
    targets: Tensor  # (T, B)


class WindowLoader:
    """Reads a text for a run, and notes in the run's position how far it is."""

    def __init__(self, streams: Streams, seed: int, device: str) -> None:
        self._streams = streams
        self._seed = seed
        self._device = device
        self._pass: Iterator[tuple[Tensor, Tensor]] | None = None

    def steps_of(self, number: int) -> int:
        """Return how many windows a pass has."""
        return self._streams.windows_at(self._offset(number))

    def turn(self) -> None:
        """Forget where it is: the position was set to another place."""
        self._pass = None

    def next(self, counters: Counters) -> Window:
        """Return the window at the position, and move that past it."""
        while True:
            if self._pass is None:
                self._pass = self._streams.epoch(self._offset(counters.reading), self._device, counters.window)
            window = next(self._pass, None)
            if window is not None:
                counters.window += 1
                return Window(counters.window == 1, *window)
            counters.reading, counters.window, self._pass = counters.reading + 1, 0, None

    def _offset(self, number: int) -> int:
        """Return how many characters a pass leaves out at the start, so that no two have the same windows."""
        return int(np.random.default_rng((self._seed, number)).integers(self._streams.window))
