"""One network and what moves it: a step of learning, the rate, the averaged weights, the way back after a bad step."""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from core.config import ModelConfig, TrainingConfig
from core.dropout import Dropout
from core.machine import Choice
from core.model import CharLSTM, State
from core.optimization import Average, make_optimizer, rate_share

_AFTER_THE_WEIGHTS = 1 << 33  # so that dropout does not draw the numbers that the weights were made of


class Learner:
    """A network that learns, a window at a time."""

    def __init__(self, model_config: ModelConfig, vocabulary_size: int, config: TrainingConfig, choice: Choice) -> None:
        self.config = config
        self.choice = choice
        model = CharLSTM(model_config, vocabulary_size)
        model.initialise(Generator().manual_seed(config.seed), forget_bias=config.forget_bias)
        self.model = model.to(choice.device)
        self.rate_factor = 1.0
        """What is left of the rate after steps that went astray."""
        self._generator = Generator(choice.device).manual_seed(config.seed + _AFTER_THE_WEIGHTS)
        dropout = Dropout(config, self._generator)
        self._dropout = None if dropout.drops_nothing else dropout
        self._optimizer = make_optimizer(self.model, config)
        self._average = Average(self.model, config.averaging) if config.averaging else None
        self._good: dict[str, Any] = {}

    @property
    def kept(self) -> CharLSTM:
        """The weights to validate and to keep: the averaged ones, where there are any."""
        return self._average.model if self._average is not None else self.model

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def step(self, inputs: Tensor, targets: Tensor, state: State | None, progress: float) -> tuple[Tensor, State]:
        """Learn from one window.

        Args:
            inputs: ids, (T, B).
            targets: the ids that follow them, (T, B).
            state: where the previous window ended.
            progress: the share of the run that is done, for the rate.

        Returns:
            The mean loss before the step, on the device, and the state after it, without its history.
        """
        rate = self.config.learning_rate * rate_share(progress, self.config) * self.rate_factor
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        if self.config.state_reset and state is not None:
            kept = torch.empty(inputs.shape[1], device=inputs.device)
            state = state.masked(kept.bernoulli_(1 - self.config.state_reset, generator=self._generator))
        with self.choice.autocast():
            logits, state = self.model(inputs, state, self._dropout)  # (T, B) -> (T, B, V)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self.model)
        return loss.detach(), state.detach()

    def is_finite(self) -> bool:
        """Tell whether every weight is a number."""
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    def remember(self) -> None:
        """Note where the weights and the optimizer stand, to come back to."""
        self._good = {
            "model": copy.deepcopy(self.model.state_dict()),
            "optimizer": copy.deepcopy(self._optimizer.state_dict()),
            "average": copy.deepcopy(self._average.model.state_dict()) if self._average is not None else None,
        }

    def go_back(self) -> None:
        """Return to what was last remembered, with half the rate from here on."""
        self.model.load_state_dict(self._good["model"])
        self._optimizer.load_state_dict(copy.deepcopy(self._good["optimizer"]))
        if self._average is not None:
            self._average.model.load_state_dict(self._good["average"])
        self.rate_factor /= 2
