"""The order in which a run reads its text: pass after pass, each from another offset.

A loader knows which window comes next. `state_dict` tells it and `load_state_dict` sets it, so a resumed run reads the
same windows as one that was never stopped.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from core.data.streams import Streams


class Window(NamedTuple):
    """A window of every stream."""

    begins: bool
    """Whether it is the first of a pass: no hidden state is carried into it."""
    inputs: Tensor  # (T, B)
    targets: Tensor  # (T, B)


class WindowLoader:
    """Yields the windows of a text without end."""

    def __init__(self, streams: Streams, seed: int, device: str) -> None:
        self._streams = streams
        self._seed = seed
        self._device = device
        self._reading = 1  # the number of the pass
        self._window = 0  # the next window of that pass
        self._pass: Iterator[tuple[Tensor, Tensor]] | None = None  # None until a window of it is wanted

    @property
    def characters(self) -> int:
        """How many characters a window has, of all streams together."""
        return self._streams.streams * self._streams.window

    def steps_of(self, number: int) -> int:
        """Return how many windows a pass has."""
        return self._streams.windows_at(self._offset(number))

    def next(self) -> Window:
        """Return the next window."""
        while True:
            if self._pass is None:
                self._pass = self._streams.epoch(self._offset(self._reading), self._device, self._window)
            window = next(self._pass, None)
            if window is not None:
                self._window += 1
                return Window(self._window == 1, *window)
            self._reading, self._window, self._pass = self._reading + 1, 0, None

    def state_dict(self) -> dict[str, int]:
        """Return the pass under way, from 1, as "reading", and its next window, from 0, as "window"."""
        return {"reading": self._reading, "window": self._window}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue at the window that `state_dict` told."""
        self._reading, self._window, self._pass = state["reading"], state["window"], None

    def _offset(self, number: int) -> int:
        """Return how many characters a pass skips at the start, so that no two passes have the same windows."""
        return int(np.random.default_rng((self._seed, number)).integers(self._streams.window))
