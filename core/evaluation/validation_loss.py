"""A fast estimate of a model's loss on a long text, which is read as many streams in parallel."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F

from core.data.text_slice import Ids
from core.model.char_lstm import CharLSTM, State
from core.reports.results import EvaluationProgress
from core.settings.forecast import VALIDATION_STREAMS, VALIDATION_WINDOW

WARM_UP = VALIDATION_WINDOW
"""Number of characters that a stream reads before those it scores; also the number that it reads at a time."""
MAX_STREAMS = VALIDATION_STREAMS


class Processes(Protocol):
    """Processes that share the work, as seen from one of them."""

    rank: int
    """Number of this process, from 0."""
    size: int
    """Number of processes."""

    def total(self, value: float) -> float:
        """Return the sum of a number over all processes."""


def quick_loss(
    model: CharLSTM, ids: Ids, start_id: int, processes: Processes | None = None
) -> Iterator[EvaluationProgress | float]:
    """Estimate the mean loss on a text, in nats per character. Yields progress and, last, the loss.

    This is much faster than `core.evaluation.evaluator.score`, with nearly the same result
    (`python -m tests.benchmarks.evaluation` measures the difference). The text is divided into streams, which are read
    in parallel. Each stream except the first starts `WARM_UP` characters early, so that its hidden state is warm when
    scoring begins. To cancel, stop iterating.

    Args:
        model: the network.
        ids: the ids of the text, without `UNKNOWN`.
        start_id: the id that the model reads before the first character of the text.
        processes: those that share the streams, all of which iterate together; None for this one alone.
    """
    device = model.output.weight.device
    streams = max(1, min(MAX_STREAMS, len(ids) // (5 * WARM_UP)))
    stride = math.ceil(len(ids) / streams)
    begins = np.arange(streams) * stride  # the last stream may be shorter
    if processes is not None:
        begins = begins[processes.rank :: processes.size]
    total = torch.zeros((), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device)
    state: State | None = None
    for begin in range(-WARM_UP if streams > 1 else 0, stride, WARM_UP):
        places = np.arange(begin, min(begin + WARM_UP, stride))[:, None] + begins  # (T, B)
        scored = torch.from_numpy((places < len(ids)) & (places >= begins)).to(device)
        targets = torch.from_numpy(ids.take(places.clip(0, len(ids) - 1))).to(device)
        inputs = torch.from_numpy(ids.take((places - 1).clip(0, len(ids) - 1))).to(device)
        if begin == 0 and 0 in begins:  # nothing precedes the first stream
            inputs[0, 0] = start_id
            if state is not None:
                keep = torch.ones(len(begins), device=device)
                keep[0] = 0
                state = state.masked(keep)
        if len(begins):  # there may be fewer streams than processes
            with torch.inference_mode():
                logits, state = model(inputs, state)
                losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
                total += losses.masked_fill(~scored.flatten(), 0.0).sum(dtype=total.dtype)
        done = min(max(begin + WARM_UP, 0), stride) / stride
        yield EvaluationProgress(scored=round(done * len(ids)), characters=len(ids))
    loss = total.item() if processes is None else processes.total(total.item())
    yield loss / len(ids)
