"""The optimizer of the weights: AdamW for all of them, or Muon for the matrices of the layers and AdamW for the rest.

AdamW: Loshchilov and Hutter, 2019. Muon: Jordan et al., 2024, with the scale of the updates of Liu et al., 2025, so
that the same learning rate suits both.
"""

import inspect
import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import AdamW

from core.model.char_lstm import CharLSTM, is_layer_matrix
from core.settings.cell_kinds import GATES
from core.settings.config import TrainingConfig

_MOMENTS = ("exp_avg", "exp_avg_sq")  # AdamW's names of its state for each weight
MOMENTUM = 0.95
"""Memory of Muon for the gradients."""
ITERATIONS = 3
"""Newton-Schulz iterations of a step of Muon."""
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients a, b, c of an iteration, X <- a X + (b A + c A A) X with A = X X^T: those of Jordan et al., which raise
small singular values fastest."""
UPDATE_SIZE = 0.2
"""Root mean square of the elements of an orthogonal update, as a factor of the learning rate: about that of AdamW."""


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


class Muon:
    """Momentum with orthogonalised updates, for the weight matrices of recurrent layers.

    A layer's matrix, (G H, I), consists of one block, (H, I), for each of its G gates; each block's update is made
    orthogonal by itself, so that no direction of a gate learns much faster than the others.
    """

    def __init__(self, matrices: dict[str, Parameter], gates: int, *, weight_decay: float, dtype: torch.dtype) -> None:
        self._gates = gates
        self._weight_decay = weight_decay
        self._dtype = dtype
        self._matrices = matrices
        self.momentum = {name: torch.zeros_like(matrix.detach()) for name, matrix in matrices.items()}
        """Running mean of each matrix's gradients."""

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the matrices from their gradients."""
        for name, matrix in self._matrices.items():
            assert matrix.grad is not None
            momentum = self.momentum[name]
            momentum.lerp_(matrix.grad, 1 - MOMENTUM)
            ahead = matrix.grad.lerp(momentum, MOMENTUM)  # Nesterov's momentum
            blocks = ahead.view(self._gates, -1, matrix.shape[1])
            update = orthogonalised(blocks, self._dtype).to(matrix.dtype).reshape(matrix.shape)
            size = UPDATE_SIZE * math.sqrt(max(blocks.shape[1:]))
            matrix.mul_(1 - rate * self._weight_decay).add_(update, alpha=-rate * size)


def orthogonalised(blocks: Tensor, dtype: torch.dtype) -> Tensor:
    """Return an approximation of the nearest orthogonal matrix of each block, (N, R, C), computed in `dtype`.

    With the singular value decomposition U S V^T of a block, that is U V^T. Newton-Schulz iterations move the singular
    values towards 1: values above a hundredth of the block's norm to between 0.3 and 1.2.
    """
    a, b, c = COEFFICIENTS
    values = blocks / blocks.norm(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    is_tall = blocks.shape[1] > blocks.shape[2]
    values = (values.mT if is_tall else values).to(dtype)
    for _ in range(ITERATIONS):
        gram = values @ values.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        values = torch.baddbmm(values, polynomial, values, beta=a)
    result: Tensor = values.mT if is_tall else values
    return result


class Optimizer:
    """Updates the weights of a network from their gradients."""

    def __init__(self, model: CharLSTM, config: TrainingConfig, dtype: torch.dtype = torch.float32) -> None:
        """Prepare the updates; `dtype` is for the matrix products of Muon."""
        self._named = dict(model.named_parameters())
        matrices = [name for name, weight in self._named.items() if is_layer_matrix(name, tuple(weight.shape))]
        by_muon = matrices if config.optimizer == "muon" else []
        self._adamw_names = [name for name in self._named if name not in by_muon]
        self.adamw = _make_adamw([self._named[name] for name in self._adamw_names], config)
        self.muon = Muon(
            {name: self._named[name] for name in by_muon},
            GATES[model.config.cell],
            weight_decay=config.weight_decay,
            dtype=dtype,
        )

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self._named.values():
            weight.grad = None

    def step(self, rate: float) -> None:
        """Update the weights with this learning rate."""
        for group in self.adamw.param_groups:
            group["lr"] = rate
        self.adamw.step()
        self.muon.step(rate)

    def state(self) -> dict[str, Tensor]:
        """Return the state as tensors: the optimizer's own, not copies. Names end with the names of the weights."""
        tensors, steps = {}, 0.0
        for name in self._adamw_names:
            weight = self._named[name]
            remembered = self.adamw.state[weight]  # empty before the first step
            steps = float(remembered.get("step", 0.0))
            for moment in _MOMENTS:
                tensors[f"{moment}.{name}"] = remembered.get(moment, torch.zeros_like(weight.detach()))
        tensors |= {f"momentum.{name}": momentum for name, momentum in self.muon.momentum.items()}
        return tensors | {"steps": torch.tensor(int(steps))}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned, perhaps on another device."""
        for name in self._adamw_names:
            weight = self._named[name]
            self.adamw.state[weight] = {
                "step": torch.tensor(float(tensors["steps"]), device=weight.device),
                **{moment: tensors[f"{moment}.{name}"].to(weight.device, copy=True) for moment in _MOMENTS},
            }
        for name, momentum in self.muon.momentum.items():
            momentum.copy_(tensors[f"momentum.{name}"])


def _make_adamw(weights: list[Parameter], config: TrainingConfig) -> PlainAdamW:
    """Return AdamW for these weights."""
    matrices = [weight for weight in weights if weight.dim() > 1]
    biases = [weight for weight in weights if weight.dim() == 1]
    groups = [{"params": weights}]
    if config.decay == "matrices":
        groups = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]  # type: ignore[dict-item]
    return PlainAdamW(
        groups, lr=config.learning_rate, betas=(0.9, config.beta2), weight_decay=config.weight_decay, fused=True
    )
