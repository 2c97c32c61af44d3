"""Scoring a text: the loss and the most probable alternatives at each character, given all characters before it.

The text is read once, from beginning to end, and the hidden state is carried along; it starts at zero. The character
before the first is `Vocabulary.start_id`, as when the model generates text. Characters outside the model's vocabulary
are skipped: they are neither scored nor fed to the model.
"""

from collections.abc import Generator

import numpy as np
import torch

from core.data.text_slice import UNKNOWN, Ids
from core.evaluation.scored_chunk import ScoredChunk
from core.model.char_lstm import CharLSTM, State

CHUNK = 1_000
"""Number of characters read at a time: large enough for speed, small enough for a quick response to a stop."""
MAX_ALTERNATIVES = 5
"""Number of most probable characters that are reported at each position."""


def score_text(model: CharLSTM, ids: Ids, start_id: int) -> Generator[ScoredChunk, None, None]:
    """Score a text from beginning to end. Yields one chunk at a time. To cancel, stop iterating.

    Args:
        model: the network.
        ids: the ids of the text; `UNKNOWN` for characters outside the model's vocabulary.
        start_id: the id that the model reads before the first character.
    """
    device = model.output.weight.device
    before = torch.tensor([start_id], device=device)  # the last known character so far
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
