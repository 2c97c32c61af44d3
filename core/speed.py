"""How fast a run would be on this machine: measured on a few steps."""

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from core.config import ModelConfig, TrainingConfig
from core.control import Control
from core.learner import Learner
from core.machine import choose

MEASURING = 0.3
"""Seconds of steps, after the first, by which the speed is told."""
MOST_STEPS = 50


def measured_speed(model: ModelConfig, config: TrainingConfig, vocabulary_size: int, control: Control) -> float | None:
    """Return the characters a second that training would have on this machine; None when told to stop meanwhile.

    Takes about a second. The steps are real ones, on made-up text.

    Raises:
        UserError: the machine has not the device or the precision asked for.
    """
    choice = choose(model, vocabulary_size, config)
    if control.stopped:
        return None
    with choice.applied():
        learner = Learner(model, vocabulary_size, config, choice)
        shape = (config.window + 1, config.streams)
        ids = torch.randint(vocabulary_size, shape, generator=torch.Generator().manual_seed(0)).to(choice.device)
        seconds: list[float] = []
        for took in _steps(learner, ids):
            seconds.append(took)
            if control.stopped:
                return None
            if len(seconds) > 1 and (sum(seconds[1:]) > MEASURING or len(seconds) > MOST_STEPS):
                break
    steady = sorted(seconds[1:])  # the first builds what the others use
    return config.window * config.streams / steady[len(steady) // 2]


def _steps(learner: Learner, ids: Tensor) -> Iterator[float]:
    """Yield the seconds of one step after the other."""
    state = None
    while True:
        started = time.perf_counter()
        loss, state = learner.step(ids[:-1], ids[1:], state, learner.config.learning_rate)
        float(loss)  # a GPU has done it only when it is read
        yield time.perf_counter() - started
