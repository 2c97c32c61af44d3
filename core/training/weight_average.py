"""The average of the weights over the last steps."""

import copy

import torch

from core.model.char_lstm import CharLSTM


class WeightAverage:
    """An exponential moving average of a model's weights (Polyak averaging): steadier than the weights themselves."""

    def __init__(self, model: CharLSTM, memory: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        for layer in self.model.layers:
            layer.flatten_parameters()  # type: ignore[operator]  # cuDNN wants a layer's weights in one piece
        self._memory = memory
        self.updates = 0
        """Number of steps averaged so far."""

    @torch.no_grad()
    def update(self, model: CharLSTM) -> None:
        """Update the average after a step. The memory is short at first, so that the initial weights are forgotten."""
        self.updates += 1
        memory = min(self._memory, self.updates / (self.updates + 10))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - memory)
