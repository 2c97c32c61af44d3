"""The loss of a model on a text, and what stands beside it.

The text is read once, from no state, with the state carried to its end. Each character is scored exactly once, given
all that came before it. The first is given what stands before any text, as when the model writes
(`Vocabulary.start_id`).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.checkpoint import Checkpoint
from core.corpus import Corpus, Part
from core.errors import UserError
from core.model import CharLSTM, State
from core.passage import UNKNOWN, Ids
from core.scores import Evaluation, EvaluationProgress, Score

CHUNK = 1_000
"""Characters read between two reports: enough for speed, few enough for a stop to be honoured at once."""
WARM_UP = 200
"""Characters that a stream of `quick_loss` reads before the ones it scores; also those it reads at a time."""
MOST_STREAMS = 32
BLOCK = 200
"""Characters a block of the standard error: long enough for neighbouring blocks to be nearly independent."""


def evaluate(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> Iterator[EvaluationProgress | Evaluation]:
    """Score a part of a corpus, yielding progress and, last, the result. To stop, stop asking.

    Raises:
        UserError: the part holds no character that the model knows.
    """
    passage = corpus.part(part, checkpoint.training.validation)
    if not len(passage):
        why = "as the model was trained without one" if not checkpoint.training.validation else "as it is too short"
        why = why if part == "validation" else "as it is too short"
        raise UserError(f"This text has no {part} part, {why}. Choose another part, or another text.")
    for event in score(checkpoint.model, passage.ids(checkpoint.vocabulary), checkpoint.vocabulary.start_id):
        if isinstance(event, Score):
            if not event.scored:
                raise UserError(
                    f"The {part} part of this text has no character that the model knows. Choose another text."
                )
            yield Evaluation(
                corpus=corpus.config,
                part=part,
                characters=len(passage),
                unknown_characters=len(passage) - event.scored,
                learnt_characters=_learnt(checkpoint, corpus, part),
                score=event,
            )
        else:
            yield event


def _learnt(checkpoint: Checkpoint, corpus: Corpus, part: Part) -> int:
    """Return how many characters of the part were in the model's training part."""
    if checkpoint.corpus.sha256 != corpus.text.sha256:
        return 0
    trained_on = Corpus(checkpoint.corpus, corpus.text).part("train", checkpoint.training.validation)
    return trained_on.characters_shared_with(corpus.part(part, checkpoint.training.validation))


def score(model: CharLSTM, ids: Ids, start_id: int) -> Iterator[EvaluationProgress | Score]:
    """Score a text, leaving out unknown ids; yields progress and, last, the result. To stop, stop asking."""
    losses = _Losses()
    right = 0
    device = model.output.weight.device
    before = torch.tensor([start_id], device=device)  # what stands before the next character
    state: State | None = None
    for begin in range(0, len(ids), CHUNK):
        places = np.arange(begin, min(begin + CHUNK, len(ids)))
        targets = torch.from_numpy(ids.take(places)).to(device)
        targets = targets[targets != UNKNOWN]  # (T,)
        if len(targets):
            with torch.inference_mode():
                inputs = torch.cat([before, targets[:-1]])
                logits, state = model(inputs[:, None], state)  # (T, 1) -> (T, 1, V)
                logits = logits[:, 0]  # (T, V)
                losses.add(F.cross_entropy(logits, targets, reduction="none").cpu().double())
                right += int((logits.argmax(dim=1) == targets).sum())
            before = targets[-1:]
        yield EvaluationProgress(scored=begin + len(places), characters=len(ids))
    yield Score(
        scored=losses.count,
        loss=losses.mean,
        standard_error=losses.standard_error,
        accuracy=right / max(losses.count, 1),
    )


def quick_loss(model: CharLSTM, ids: Ids, start_id: int) -> Iterator[EvaluationProgress | float]:
    """Score a text of known ids as streams side by side, yielding how far it is and, last, the mean loss.

    Much faster than `score`, and nearly the same: each stream but the first begins `WARM_UP` characters early, to know
    what came before it. To stop, stop asking.
    """
    device = model.output.weight.device
    streams = max(1, min(MOST_STREAMS, len(ids) // (5 * WARM_UP)))
    length = math.ceil(len(ids) / streams)  # the last stream may have less
    begins = np.arange(streams) * length
    total = torch.zeros((), dtype=torch.float64, device=device)
    state: State | None = None
    for begin in range(-WARM_UP if streams > 1 else 0, length, WARM_UP):
        places = np.arange(begin, min(begin + WARM_UP, length))[:, None] + begins  # (T, B)
        scored = torch.from_numpy((places < len(ids)) & (places < begins + length) & (places >= begins)).to(device)
        targets = torch.from_numpy(ids.take(places.clip(0, len(ids) - 1))).to(device)
        inputs = torch.from_numpy(ids.take((places - 1).clip(0, len(ids) - 1))).to(device)
        if begin == 0:
            inputs[0, 0] = start_id
            if state is not None:
                keep = torch.ones(streams, device=device)
                keep[0] = 0  # nothing came before the first stream
                state = state.masked(keep)
        with torch.inference_mode():
            logits, state = model(inputs, state)
            losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
            total += losses[scored.flatten()].sum(dtype=torch.float64)
        done = min(max(begin + WARM_UP, 0), length) / length
        yield EvaluationProgress(scored=round(done * len(ids)), characters=len(ids))
    yield total.item() / len(ids)


class _Losses:
    """The losses of a long text, without keeping each."""

    def __init__(self) -> None:
        self.count = 0
        self._total = 0.0
        self._block_means: list[Tensor] = []
        self._begun = torch.zeros(0, dtype=torch.float64)  # a block that is not full yet

    def add(self, losses: Tensor) -> None:
        self.count += len(losses)
        self._total += float(losses.sum())
        losses = torch.cat([self._begun, losses])
        full = len(losses) // BLOCK * BLOCK
        self._block_means.append(losses[:full].view(-1, BLOCK).mean(dim=1))
        self._begun = losses[full:]

    @property
    def mean(self) -> float:
        return self._total / max(self.count, 1)

    @property
    def standard_error(self) -> float | None:
        """Of the mean, from the means of blocks; None with fewer than two."""
        means = torch.cat(self._block_means) if self._block_means else self._begun
        return (means.std() / math.sqrt(len(means))).item() if self.count >= 2 * BLOCK else None
