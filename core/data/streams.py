"""Divides a text into contiguous streams, which are read in parallel in windows of fixed length.

An epoch skips `offset` characters, divides the rest into B consecutive streams of equal length, and reads them in
parallel, T characters at a time. With B = 2 and T = 3, the text "abcdefghijklmno" at offset 1:

    a | b c d e f g | h i j k l m | n o
        '-stream 0-'  '-stream 1-'  '-tail, skipped in this epoch

                    window 0                window 1
    inputs    b c d                   e f g
              h i j                   k l m
    targets   c d e                   f g h         the next character, also across the end of a stream
              i j k                   l m n

In every stream, window 1 begins where window 0 ended, so the hidden and cell state can be carried from one window to
the next. Tensors are time-major, (T, B), as `torch.nn.LSTM` expects them.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from core.data.text_slice import Ids
from core.data.windows import check_length, windows_at

SLAB = 1 << 18
"""Approximate number of characters read from the text at a time, in whole windows and at least one."""


class Streams:
    """The windows of a text, for B streams and windows of T characters.

    Raises:
        UserError: the text is too short for one window at every offset; the message says which window would fit.
    """

    def __init__(
        self,
        ids: Ids,
        *,
        streams: int,
        window: int,
        columns: slice = slice(None),
        in_pass: Callable[[int], Ids] | None = None,
    ) -> None:
        """Divide a text.

        Args:
            ids: the text.
            streams: number of streams, B.
            window: number of characters in a window, T.
            columns: streams that are read; by default, all B.
            in_pass: returns the text as it is read in a pass, for its number from 1; by default, it is `ids` in each.
        """
        self.ids = ids
        self._in_pass = in_pass
        self.streams = streams
        self.window = window
        self._columns = columns
        check_length(len(ids), streams=streams, window=window)

    def windows_at(self, offset: int) -> int:
        """Return the number of windows of an epoch that skips `offset` characters."""
        return windows_at(len(self.ids), offset, streams=self.streams, window=self.window)

    def epoch(
        self, offset: int, device: str = "cpu", begin: int = 0, number: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the inputs and targets of each window from window `begin` on: two tensors of ids, (T, B), on `device`.

        B is the number of streams that are read here. `number` is that of the pass, from 1.
        Many windows are copied to the device at once, while it computes, so that no step waits for a copy.
        """
        text = self.ids if self._in_pass is None else self._in_pass(number)
        windows = self.windows_at(offset)
        starts = offset + windows * self.window * np.arange(self.streams)[self._columns]  # (B,)
        at_once = max(SLAB // (len(starts) * self.window), 1)

        def slab(first: int) -> Tensor:
            """Return the characters of the next windows, from window `first` on: (windows * T + 1, B)."""
            steps = np.arange(first * self.window, min(first + at_once, windows) * self.window + 1)
            ids = torch.from_numpy(text.take(steps[:, None] + starts))
            if device == "cuda":  # a copy from other memory would wait for the steps before it
                ids = ids.pin_memory()
            return ids.to(device, non_blocking=device == "cuda")

        following = slab(begin) if begin < windows else None
        for first in range(begin, windows, at_once):
            current, following = following, None
            assert current is not None
            for start in range(0, len(current) - 1, self.window):
                yield current[start : start + self.window], current[start + 1 : start + self.window + 1]
                if following is None and first + at_once < windows:
                    following = slab(first + at_once)
