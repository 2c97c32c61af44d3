"""A long text as contiguous streams, read in fixed windows.

An epoch skips `offset` characters, lays the rest out as B streams of equal length that follow one another in the text,
and reads them side by side, T characters at a time. With B = 2 and T = 3, the text "abcdefghijklmno" at offset 1:

    a | b c d e f g | h i j k l m | n o
        '-stream 0-'  '-stream 1-'  '-tail, left out this time

                    window 0                window 1
    inputs    b c d                   e f g
              h i j                   k l m
    targets   c d e                   f g h         the next character, also across the end of a stream
              i j k                   l m n

Window 1 begins where window 0 ended in every stream, so the hidden and cell state can be carried from one to the next.
Tensors are time-major, (T, B), as the LSTM wants them.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from core.data.text_slice import Ids
from core.data.windows import check_length, windows_at

SLAB = 1 << 18
"""Characters read from the text at a time: as many windows as that holds, at least one."""


class Streams:
    """The windows of a text, for B streams and windows of T characters.

    Raises:
        UserError: the text is too short for one window at every offset; the text says what would fit.
    """

    def __init__(self, ids: Ids, *, streams: int, window: int) -> None:
        self.ids = ids
        self.streams = streams
        self.window = window
        check_length(len(ids), streams=streams, window=window)

    def windows_at(self, offset: int) -> int:
        """Return how many windows an epoch has that skips `offset` characters."""
        return windows_at(len(self.ids), offset, streams=self.streams, window=self.window)

    def epoch(self, offset: int, device: str = "cpu", begin: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the inputs and targets of each window from `begin` on, two tensors of ids of shape (T, B), on a device.

        Many windows go there at once, so that no step waits for its own.
        """
        windows = self.windows_at(offset)
        starts = offset + windows * self.window * np.arange(self.streams)  # (B,): where each stream begins
        at_once = max(SLAB // (self.streams * self.window), 1)
        for first in range(begin, windows, at_once):
            steps = np.arange(first * self.window, min(first + at_once, windows) * self.window + 1)
            slab = torch.from_numpy(self.ids.take(steps[:, None] + starts)).to(device)  # (windows * T + 1, B)
            for start in range(0, len(steps) - 1, self.window):
                yield slab[start : start + self.window], slab[start + 1 : start + self.window + 1]
