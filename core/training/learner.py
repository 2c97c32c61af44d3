"""The network with its optimizer: training steps, averaged weights, and the state of all of it as tensors."""

from collections.abc import Mapping
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from core.model.char_lstm import CharLSTM, State
from core.model.device import ComputeSettings
from core.model.dropout import Dropout
from core.settings.config import ModelConfig, TrainingConfig
from core.training.optimizer import Optimizer
from core.training.process_group import ProcessGroup
from core.training.weight_average import WeightAverage

_AFTER_THE_WEIGHTS = (
    1 << 33
)  # added to the seed, so that dropout does not use the random numbers of the initial weights
_PER_PROCESS = 1 << 34  # added for each rank, so that processes drop different activations and weights
_OPTIMIZER = "optimizer."


class Learner:
    """A network that is trained, one window at a time."""

    def __init__(
        self,
        model_config: ModelConfig,
        vocabulary_size: int,
        config: TrainingConfig,
        compute: ComputeSettings,
        group: ProcessGroup | None = None,
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Begin with these `weights`, or draw them. With a `group`, a step uses the mean gradient of its processes."""
        self.config = config
        self.compute = compute
        model = CharLSTM(model_config, vocabulary_size)
        model.initialise(Generator().manual_seed(config.seed), forget_bias=config.forget_bias)
        if weights is not None:
            model.load_state_dict(weights)
        self.model = model.to(compute.device)
        self._group = group
        self._network = self.model if group is None else group.averaging_gradients(self.model)
        rank = 0 if group is None else group.rank
        self._generator_name = f"generator.{rank}" if rank else "generator"
        self._dropout_seed = config.seed + _AFTER_THE_WEIGHTS + rank * _PER_PROCESS
        self._generator = Generator(compute.device).manual_seed(self._dropout_seed)
        dropout = Dropout(config, self._generator)
        self._dropout = None if dropout.drops_nothing else dropout
        self._optimizer = Optimizer(
            self.model, config, torch.bfloat16 if compute.precision == "bf16" else torch.float32
        )
        self._average = WeightAverage(self.model, config.averaging) if config.averaging else None
        self._norm: Tensor | None = None  # norm of the last gradient before clipping; None without clipping

    @property
    def kept(self) -> CharLSTM:
        """Network to validate and to save: the averaged one if weights are averaged."""
        return self._average.model if self._average is not None else self.model

    def step(self, inputs: Tensor, targets: Tensor, state: State | None, rate: float) -> tuple[Tensor, State]:
        """Take one training step on a window (truncated backpropagation through time).

        Args:
            inputs: ids of the characters, (T, B).
            targets: ids of the next characters, (T, B).
            state: state after the previous window; None for zeros.
            rate: the learning rate.

        Returns:
            Mean loss before the step, in nats per character, on the device; and the state after the window, detached.
        """
        if self.config.state_reset and state is not None:
            kept = torch.empty(inputs.shape[1], device=inputs.device)
            state = state.masked(kept.bernoulli_(1 - self.config.state_reset, generator=self._generator))
        with nullcontext() if self._group is None else self._group.averaged():
            with self.compute.autocast():
                logits, state = self._network(inputs, state, self._dropout)  # (T, B) -> (T, B, V)
            loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        if self.config.gradient_clip:
            self._norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self._optimizer.step(rate)
        if self._average is not None:
            self._average.update(self.model)
        return loss.detach(), state.detach()

    def gradient_norm(self) -> float:
        """Return the norm of the last step's gradient, before clipping."""
        if self._norm is None:
            gradients = [weight.grad for weight in self.model.parameters() if weight.grad is not None]
            return float(nn.utils.get_total_norm(gradients))
        return float(self._norm)

    def is_finite(self) -> bool:
        """Return whether all weights are finite."""
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    def state(self) -> dict[str, Tensor]:
        """Return everything that a step reads and changes, as tensors: the learner's own, not copies."""
        tensors = {f"weights.{name}": weight.detach() for name, weight in self.model.named_parameters()}
        tensors |= {_OPTIMIZER + name: tensor for name, tensor in self._optimizer.state().items()}
        if self._average is not None:
            tensors |= {f"average.{name}": weight for name, weight in self._average.model.named_parameters()}
            tensors["average.updates"] = torch.tensor(self._average.updates)
        return tensors | self.generator_state()

    def generator_state(self) -> dict[str, Tensor]:
        """Return the state of the random generator, under a name of this process."""
        return {self._generator_name: self._generator.get_state()}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], steps: int) -> None:
        """Restore a state that `state` returned after `steps` steps, perhaps on another device."""
        for name, weight in self.model.named_parameters():
            weight.copy_(tensors[f"weights.{name}"])
        of_optimizer = {name: tensor for name, tensor in tensors.items() if name.startswith(_OPTIMIZER)}
        self._optimizer.restore({name.removeprefix(_OPTIMIZER): tensor for name, tensor in of_optimizer.items()})
        if self._average is not None:
            for name, weight in self._average.model.named_parameters():
                weight.copy_(tensors[f"average.{name}"])
            self._average.updates = int(tensors["average.updates"])
        drawn = tensors.get(self._generator_name)
        if drawn is not None and drawn.shape == self._generator.get_state().shape:
            self._generator.set_state(drawn)
        else:  # from fewer processes, or another kind of device, whose random numbers differ in any case
            self._generator.manual_seed(self._dropout_seed + steps)
