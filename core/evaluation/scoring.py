"""The loss of a model on each character of a text, given all that came before.

The text is read once: the hidden state is zero at its beginning and carried to its end. The first character is
predicted from the one that stands before any text, as in sampling (`Vocabulary.start_id`). Characters that the model
does not know are skipped, as if they were not there: they are neither scored nor read.
"""

from collections.abc import Generator

import numpy as np
import torch

from core.data.text_slice import UNKNOWN, Ids
from core.evaluation.scored_chunk import ScoredChunk
from core.model.char_lstm import CharLSTM, State

CHUNK = 1_000
"""Characters read at a time: enough for speed, few enough for a stop to be honoured at once."""
MAX_ALTERNATIVES = 5
"""Characters that are told to have been expected most, at each place."""


def score_text(model: CharLSTM, ids: Ids, start_id: int) -> Generator[ScoredChunk, None, None]:
    """Read a text to its end; yield the losses of each chunk. To stop, stop asking."""
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
