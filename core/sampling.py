"""Text from a model, one character at a time: each is drawn from what the model expects and fed back to it."""

from collections.abc import Collection, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.config import SamplingConfig
from core.decoding import normalise
from core.errors import UserError
from core.model import CharLSTM, State
from core.stepper import Stepper
from core.vocabulary import Vocabulary

PRIMING_CHUNK = 1_000
"""Characters of a prompt read at once."""

Probabilities = NDArray[np.float64]


class Sampler(Iterator[str]):
    """An endless iterator of characters. An empty prompt begins from nothing: see `Vocabulary.start_id`.

    It has copies of the weights, a random generator and a state of its own, so it disturbs no training and no other
    sampler. Characters of the prompt that the model does not know are left out, and `notice` tells which.

    Raises:
        UserError: what the model expects is not a number, so that nothing can be drawn.
    """

    def __init__(self, model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, prompt: str = "") -> None:
        self.config = config
        self._characters = vocabulary.characters
        self._generator = np.random.default_rng(config.seed)
        prompt = normalise(prompt)
        self.notice = _left_out(vocabulary.unknown_in(prompt))
        """What of the prompt was left out, in words; empty if nothing was."""
        ids = torch.from_numpy(vocabulary.encode(prompt))
        if not len(ids):
            ids = torch.tensor([vocabulary.start_id])
        self._stepper = Stepper(model, _state_after(model, ids[:-1]))
        self._last = ids[-1:].numpy().copy()  # (1,): what is to be read next
        self._logits = self._stepper.step(self._last)[0]  # (V,), of the next character

    def __next__(self) -> str:
        """Draw the next character and read it."""
        chosen = self._draw()
        self._last[0] = chosen
        self._logits = self._stepper.step(self._last)[0]
        return self._characters[chosen]

    def _draw(self) -> int:
        if not np.isfinite(self._logits).all():
            raise UserError("The weights of this model are damaged: it expects nothing that is a number.")
        if self.config.temperature == 0:
            return int(self._logits.argmax())
        below = adjusted(self._logits, self.config).cumsum()
        return int(below.searchsorted(self._generator.random() * below[-1], side="right"))


def _state_after(model: CharLSTM, ids: Tensor) -> State | None:
    """Return the state of a network that has read ids, (T,); None if there are none."""
    state: State | None = None
    device = next(model.parameters()).device
    with torch.inference_mode():
        for start in range(0, len(ids), PRIMING_CHUNK):
            _, state = model(ids[start : start + PRIMING_CHUNK, None].to(device), state)
    return state


def _left_out(unknown: Collection[str]) -> str:
    return f"Left out of the prompt, unknown to the model: {' '.join(unknown)}" if unknown else ""


def adjusted(logits: NDArray[np.float32], config: SamplingConfig) -> Probabilities:
    """Return the probabilities to draw from, (V,), for logits (V,) at a temperature above 0.

    Top-p is nucleus sampling: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, section 3.1.
    """
    centred = logits.astype(np.float64)
    centred -= centred.max()  # so that a tiny temperature gives 0 and -inf, never inf - inf
    with np.errstate(over="ignore"):
        centred /= config.temperature
    probabilities = np.exp(centred)
    probabilities /= probabilities.sum()
    if not config.top_k and config.top_p == 1:
        return probabilities
    order = np.argsort(-probabilities, kind="stable")
    ordered = probabilities[order]
    if config.top_k:
        ordered[config.top_k :] = 0
    if config.top_p < 1:
        before = ordered.cumsum() - ordered
        ordered[before >= config.top_p * ordered.sum()] = 0  # the likeliest always stays: nothing is before it
    probabilities[order] = ordered / ordered.sum()
    return probabilities
