"""What moves the weights: the optimizer, the rate through a run, and the average of the weights over its last steps."""

import copy
import math

import torch
from torch.optim import AdamW

from core.config import TrainingConfig
from core.model import CharLSTM


def make_optimizer(model: CharLSTM, config: TrainingConfig) -> AdamW:
    """Return AdamW (Loshchilov and Hutter, 2019) over the model's weights."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    biases = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups = [{"params": list(model.parameters())}]
    if config.decay == "matrices":
        groups = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]  # type: ignore[dict-item]
    return AdamW(
        groups, lr=config.learning_rate, betas=(0.9, config.beta2), weight_decay=config.weight_decay, fused=True
    )


def rate_share(progress: float, config: TrainingConfig) -> float:
    """Return which share of the learning rate holds when this share of the run is done: up a line, down a cosine."""
    if progress < config.warmup:
        return progress / config.warmup
    along = (progress - config.warmup) / (1 - config.warmup)
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * along)) / 2


class Average:
    """An exponential moving average of a model's weights (Polyak averaging): steadier than the weights themselves."""

    def __init__(self, model: CharLSTM, memory: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._memory = memory
        self.updates = 0
        """Steps taken in."""

    @torch.no_grad()
    def update(self, model: CharLSTM) -> None:
        """Take in the weights after a step. The memory is shorter at first, so that the first weights are forgotten."""
        self.updates += 1
        memory = min(self._memory, self.updates / (self.updates + 10))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - memory)
