"""The loss of a model on a long text, nearly: many places of it are read side by side."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from core.data.text_slice import Ids
from core.model.char_lstm import CharLSTM, State
from core.reports.results import EvaluationProgress
from core.settings.forecast import VALIDATION_STREAMS, VALIDATION_WINDOW

WARM_UP = VALIDATION_WINDOW
"""Characters that a stream reads before the ones it scores; also those it reads at a time."""
MAX_STREAMS = VALIDATION_STREAMS


def quick_loss(
    model: CharLSTM, ids: Ids, start_id: int, most: int | None = None
) -> Iterator[EvaluationProgress | float]:
    """Score a text of known ids as streams side by side, yielding how far it is and, last, the mean loss.

    Much faster than `core.evaluation.evaluator.score`, and nearly the same (`python -m tests.benchmarks.evaluation`
    measures how nearly): each stream but the first begins `WARM_UP` characters early, to know what came before it. Of a
    text of more than `most` characters about so many are scored, from as many places all over it as there are streams;
    the progress says how many. To stop, stop asking.
    """
    device = model.output.weight.device
    streams = max(1, min(MAX_STREAMS, len(ids) // (5 * WARM_UP)))
    stride = math.ceil(len(ids) / streams)
    length = min(stride, math.ceil((most or len(ids)) / streams))
    begins = np.arange(streams) * stride  # the last stream may have less
    count = int((len(ids) - begins).clip(0, length).sum())
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
        yield EvaluationProgress(scored=round(done * count), characters=count)
    yield total.item() / count
