"""What a network is not shown while it learns, so that it does not rely on any one number.

Locked dropout (Gal and Ghahramani, 2016) leaves out the same numbers at every character of a window. Weight-drop
(Merity, Keskar and Socher, 2018) leaves out connections from each cell to the next character's cells.
"""

import math

import torch
from torch import Generator, Tensor

from core.settings.config import TrainingConfig


class Dropout:
    """Draws masks from a generator of its own, anew for each window."""

    def __init__(self, config: TrainingConfig, generator: Generator) -> None:
        self._config = config
        self._generator = generator

    @property
    def drops_weights(self) -> bool:
        """Whether recurrent weights are left out."""
        return self._config.weight_drop > 0

    @property
    def drops_nothing(self) -> bool:
        """Whether nothing is ever left out."""
        return not self._config.has_dropout

    def of_inputs(self, embedded: Tensor) -> Tensor:
        """Drop from what goes into the first layer, (T, B, E)."""
        return self._locked(embedded, self._config.input_dropout)

    def between_layers(self, outputs: Tensor) -> Tensor:
        """Drop from what one layer gives the next, (T, B, H)."""
        return self._locked(outputs, self._config.layer_dropout)

    def of_outputs(self, outputs: Tensor) -> Tensor:
        """Drop from what the last layer gives the output, (T, B, H)."""
        return self._locked(outputs, self._config.output_dropout)

    def of_weights(self, weight: Tensor) -> Tensor:
        """Drop from a recurrent weight."""
        return weight * self._mask(weight, weight.shape, self._config.weight_drop)

    def _locked(self, values: Tensor, share: float) -> Tensor:
        return values * self._mask(values, (1, *values.shape[1:]), share) if share else values

    def _mask(self, like: Tensor, shape: tuple[int, ...], share: float) -> Tensor:
        """Return 0 in the places to leave out, and elsewhere what keeps the mean as it was."""
        if like.device.type == "cpu":
            return self._mask_of_bytes(like, shape, share)
        kept = torch.empty(shape, dtype=like.dtype, device=like.device)
        return kept.bernoulli_(1 - share, generator=self._generator).div_(1 - share)

    def _mask_of_bytes(self, like: Tensor, shape: tuple[int, ...], share: float) -> Tensor:
        """Return a mask that costs a processor, whose generator gives one number after another, an eighth as many.

        A byte decides for each place, so that the share is one of 255 equally spaced ones, the nearest.
        """
        below = min(max(round(share * 256), 1), 255)
        places = math.prod(shape)
        draws = torch.empty(math.ceil(places / 8), dtype=torch.int64).random_(-(2**63), None, generator=self._generator)
        kept = draws.view(torch.uint8)[:places].view(shape) >= below
        return kept.to(like.dtype).mul_(256 / (256 - below))
