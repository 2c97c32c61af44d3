"""Dropout: zeroes random activations and weights in training, so that the network does not rely on single ones.

Locked dropout (Gal and Ghahramani, 2016) drops the same activations at every character of a window. Weight-drop
(Merity, Keskar and Socher, 2018) drops recurrent weights, from the cells at one character to those at the next.
"""

import math

import torch
from torch import Generator, Tensor

from core.settings.config import TrainingConfig


class Dropout:
    """Draws new dropout masks for each window, from a generator of its own."""

    def __init__(self, config: TrainingConfig, generator: Generator) -> None:
        self._config = config
        self._generator = generator

    @property
    def drops_weights(self) -> bool:
        """Whether recurrent weights are dropped."""
        return self._config.weight_drop > 0

    @property
    def drops_nothing(self) -> bool:
        """Whether all dropout rates are 0."""
        return not self._config.has_dropout

    def of_inputs(self, embedded: Tensor) -> Tensor:
        """Apply dropout to the inputs of the first layer, (T, B, E)."""
        return self._locked(embedded, self._config.input_dropout)

    def between_layers(self, outputs: Tensor) -> Tensor:
        """Apply dropout to the outputs of a layer that the next layer reads, (T, B, H)."""
        return self._locked(outputs, self._config.layer_dropout)

    def of_outputs(self, outputs: Tensor) -> Tensor:
        """Apply dropout to the outputs of the last layer, (T, B, H)."""
        return self._locked(outputs, self._config.output_dropout)

    def of_weights(self, weight: Tensor) -> Tensor:
        """Apply dropout to a recurrent weight matrix, (G, H)."""
        return weight * self._mask(weight, weight.shape, self._config.weight_drop)

    def _locked(self, values: Tensor, share: float) -> Tensor:
        return values * self._mask(values, (1, *values.shape[1:]), share) if share else values

    def _mask(self, like: Tensor, shape: tuple[int, ...], share: float) -> Tensor:
        """Return a mask: 0 for dropped elements, and 1 / (1 - share) for the others, which preserves the mean."""
        if like.device.type == "cpu":
            return self._mask_of_bytes(like, shape, share)
        mask = torch.empty(shape, dtype=like.dtype, device=like.device)
        return mask.bernoulli_(1 - share, generator=self._generator).div_(1 - share)

    def _mask_of_bytes(self, like: Tensor, shape: tuple[int, ...], share: float) -> Tensor:
        """Return the same mask on the CPU, with an eighth as many random numbers: one byte decides for each element.

        The CPU's generator draws numbers one at a time, so their count matters. The share is rounded to a multiple of
        1/256.
        """
        below = min(max(round(share * 256), 1), 255)
        places = math.prod(shape)
        draws = torch.empty(math.ceil(places / 8), dtype=torch.int64).random_(-(2**63), None, generator=self._generator)
        mask = draws.view(torch.uint8)[:places].view(shape) >= below
        return mask.to(like.dtype).mul_(256 / (256 - below))
