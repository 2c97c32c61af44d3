"""The losses of some characters of a text, as arrays: what scoring yields, and what is added up or kept of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.text_slice import UNKNOWN


class ScoredChunk(NamedTuple):
    """Some characters of the text, K of which the model knows."""

    begin: int
    """The first one's place in the text."""
    ids: NDArray[np.int64]
    """Of all its characters: shape (T,), `UNKNOWN` among them."""
    losses: NDArray[np.float64]
    """Of the known ones, in nats: shape (K,)."""
    expected: NDArray[np.int64]
    """The ids that the model expected most there, likeliest first: shape (K, A)."""
    expected_losses: NDArray[np.float64]
    """Their losses, in nats: shape (K, A)."""

    @property
    def end(self) -> int:
        """The place after its last character."""
        return self.begin + len(self.ids)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of its characters the model knows: shape (T,)."""
        known: NDArray[np.bool_] = self.ids != UNKNOWN
        return known
