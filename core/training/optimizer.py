"""The optimizer, and the average of the weights over its last steps."""

import copy
import inspect

import torch
from torch.optim import AdamW

from core.model.char_lstm import CharLSTM
from core.settings.config import TrainingConfig


class PlainAdamW(AdamW):
    """AdamW without the decorators of `torch.compile`.

    They import PyTorch's compiler at the first step, which takes 1.2 seconds, and nothing here is compiled.
    """

    add_param_group = inspect.unwrap(AdamW.add_param_group)
    zero_grad = inspect.unwrap(AdamW.zero_grad)
    _plain_step = inspect.unwrap(AdamW.step)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update the weights from their gradients."""
        self._plain_step()


def make_optimizer(model: CharLSTM, config: TrainingConfig) -> AdamW:
    """Return an AdamW optimizer (Loshchilov and Hutter, 2019) of the model's weights."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    biases = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups = [{"params": list(model.parameters())}]
    if config.decay == "matrices":
        groups = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]  # type: ignore[dict-item]
    return PlainAdamW(
        groups, lr=config.learning_rate, betas=(0.9, config.beta2), weight_decay=config.weight_decay, fused=True
    )


class WeightAverage:
    """An exponential moving average of a model's weights (Polyak averaging): steadier than the weights themselves."""

    def __init__(self, model: CharLSTM, memory: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._memory = memory
        self.updates = 0
        """Number of steps averaged so far."""

    @torch.no_grad()
    def update(self, model: CharLSTM) -> None:
        """Update the average after a step. The memory is short at first, so that the initial weights are forgotten."""
        self.updates += 1
        memory = min(self._memory, self.updates / (self.updates + 10))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - memory)
