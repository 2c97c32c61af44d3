"""The loss of a model on a text, and what stands beside it.

The text is read once, from no state, with the state carried to its end. Each character is scored exactly once, given
all that came before it. The first is given what stands before any text, as when the model writes
(`Vocabulary.start_id`).
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from core.checkpoint import Checkpoint
from core.corpus import Corpus, Part
from core.errors import UserError
from core.model import CharLSTM, State
from core.scores import Evaluation, EvaluationProgress, Score

CHUNK = 1_000
"""Characters read between two reports: enough for speed, few enough for a stop to be honoured at once."""
BLOCK = 200
"""Characters a block of the standard error: long enough for neighbouring blocks to be nearly independent."""


def evaluate(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> Iterator[EvaluationProgress | Evaluation]:
    """Score a part of a corpus, yielding progress and, last, the result. To stop, stop asking.

    Raises:
        UserError: the part holds no character that the model knows.
    """
    text = corpus.part(part, checkpoint.training.validation)
    if not text:
        raise UserError(f"This text has no {part} part, as the model was trained without one. Choose another part.")
    ids = torch.from_numpy(checkpoint.vocabulary.encode(text))
    if not len(ids):
        raise UserError(f"The {part} part of this text has no character that the model knows. Choose another text.")
    for event in score(checkpoint.model, ids, checkpoint.vocabulary.start_id):
        if isinstance(event, Score):
            yield Evaluation(
                corpus=corpus.config,
                part=part,
                characters=len(text),
                unknown_characters=len(text) - len(ids),
                score=event,
            )
        else:
            yield event


def score(model: CharLSTM, ids: Tensor, start_id: int) -> Iterator[EvaluationProgress | Score]:
    """Score a text of at least one id, (N,), yielding progress and, last, the result. To stop, stop asking."""
    inputs = torch.cat([torch.tensor([start_id]), ids[:-1]])  # (N,): what stands before each of `ids`
    losses: list[Tensor] = []
    right = 0
    state: State | None = None
    for begin in range(0, len(ids), CHUNK):
        here = slice(begin, begin + CHUNK)
        with torch.inference_mode():
            logits, state = model(inputs[here, None], state)  # (T, 1) -> (T, 1, V)
            logits, targets = logits[:, 0], ids[here]  # (T, V), (T,)
            losses.append(F.cross_entropy(logits, targets, reduction="none"))  # (T,)
            right += int((logits.argmax(dim=1) == targets).sum())
        yield EvaluationProgress(scored=begin + len(targets), characters=len(ids))
    every = torch.cat(losses).double()
    yield Score(
        scored=len(ids),
        loss=every.mean().item(),
        standard_error=_standard_error(every),
        accuracy=right / len(ids),
    )


def _standard_error(losses: Tensor) -> float | None:
    blocks = len(losses) // BLOCK
    if blocks < 2:
        return None
    means = losses[: blocks * BLOCK].view(blocks, BLOCK).mean(dim=1)
    return (means.std() / math.sqrt(blocks)).item()
