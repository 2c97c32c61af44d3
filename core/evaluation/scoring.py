"""A model reading along in a text: what it expected at each character, given all that came before.

The text is read once, from no state, with the state carried to its end. The first character is given what stands before
any text, as when the model writes (`Vocabulary.start_id`). Characters that the model has never seen are passed over, as
if they were not there: they are neither scored nor read.
"""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.text_slice import UNKNOWN, Ids
from core.model.char_lstm import CharLSTM, State

CHUNK = 1_000
"""Characters read at a time: enough for speed, few enough for a stop to be honoured at once."""
MAX_ALTERNATIVES = 5
"""Characters that are told to have been expected most, at each place."""


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
    """What each of these would have cost, in nats: shape (K, A)."""

    @property
    def end(self) -> int:
        """The place after its last character."""
        return self.begin + len(self.ids)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of its characters the model knows: shape (T,)."""
        known: NDArray[np.bool_] = self.ids != UNKNOWN
        return known


def score_text(model: CharLSTM, ids: Ids, start_id: int) -> Generator[ScoredChunk, None, None]:
    """Read a text to its end, telling of each stretch what the model made of it. To stop, stop asking."""
    device = model.output.weight.device
    before = torch.tensor([start_id], device=device)  # what stands before the next character
    alternatives = min(MAX_ALTERNATIVES, model.output.out_features)
    nothing = np.empty((0, alternatives))
    state: State | None = None
    for begin in range(0, len(ids), CHUNK):
        read = ids.take(np.arange(begin, min(begin + CHUNK, len(ids))))
        targets = torch.from_numpy(read[read != UNKNOWN]).to(device)  # (K,)
        if not len(targets):
            yield ScoredChunk(begin, read, np.empty(0), nothing.astype(np.int64), nothing)
            continue
        with torch.inference_mode():
            logits, state = model(torch.cat([before, targets[:-1]])[:, None], state)  # (K, 1) -> (K, 1, V)
            losses = -logits[:, 0].double().log_softmax(dim=1)  # (K, V)
            expected_losses, expected = losses.topk(alternatives, dim=1, largest=False)
            taken = losses.gather(1, targets[:, None])[:, 0]
        before = targets[-1:]
        yield ScoredChunk(begin, read, taken.cpu().numpy(), expected.cpu().numpy(), expected_losses.cpu().numpy())
