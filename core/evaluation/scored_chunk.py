"""The losses of consecutive characters of a text, as arrays. Scoring yields such chunks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.text_slice import UNKNOWN


class ScoredChunk(NamedTuple):
    """T consecutive characters of the text, K of which the model knows, with A alternatives for each of these."""

    begin: int
    """Position of the first character in the text."""
    ids: NDArray[np.int64]
    """Ids of all characters, `UNKNOWN` for unknown ones: shape (T,)."""
    losses: NDArray[np.float64]
    """Losses of the known characters, in nats: shape (K,)."""
    expected: NDArray[np.int64]
    """Ids of the most probable characters at each known character, most probable first: shape (K, A)."""
    expected_losses: NDArray[np.float64]
    """Losses that these characters would have had, in nats: shape (K, A)."""

    @property
    def end(self) -> int:
        """Position after the last character."""
        return self.begin + len(self.ids)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of the characters the model knows: shape (T,)."""
        known: NDArray[np.bool_] = self.ids != UNKNOWN
        return known
