"""The order in which a run reads its text: pass after pass, each from a different offset.

A loader keeps the position of the next window. `state_dict` returns the position and `load_state_dict` sets it, so a
resumed run reads the same windows as a run that was never stopped.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from core.data.streams import Streams


class Window(NamedTuple):
    """One window of every stream: T characters of each of B streams."""

    begins: bool
    """Whether it is the first window of a pass: no hidden state is carried into it."""
    inputs: Tensor  # (T, B)
    targets: Tensor  # (T, B)


class WindowLoader:
    """Yields the windows of a text endlessly."""

    def __init__(self, streams: Streams, seed: int, device: str) -> None:
        self._streams = streams
        self._seed = seed
        self._device = device
        self._reading = 1  # number of the current pass, from 1
        self._window = 0  # next window of that pass, from 0
        self._pass: Iterator[tuple[Tensor, Tensor]] | None = None  # None until its first window is requested

    @property
    def characters(self) -> int:
        """Number of characters in a window over all streams: T × B."""
        return self._streams.streams * self._streams.window

    def steps_of(self, number: int) -> int:
        """Return the number of windows in a pass."""
        return self._streams.windows_at(self._offset(number))

    def next(self) -> Window:
        """Return the next window."""
        while True:
            if self._pass is None:
                offset = self._offset(self._reading)
                self._pass = self._streams.epoch(offset, self._device, self._window, self._reading)
            window = next(self._pass, None)
            if window is not None:
                self._window += 1
                return Window(self._window == 1, *window)
            self._reading, self._window, self._pass = self._reading + 1, 0, None

    def state_dict(self) -> dict[str, int]:
        """Return the number of the current pass, from 1, as "reading", and its next window, from 0, as "window"."""
        return {"reading": self._reading, "window": self._window}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue at the window that `state_dict` returned."""
        self._reading, self._window, self._pass = state["reading"], state["window"], None

    def _offset(self, number: int) -> int:
        """Return the number of characters that a pass skips at the start, so that passes differ in their windows."""
        return int(np.random.default_rng((self._seed, number)).integers(self._streams.window))
