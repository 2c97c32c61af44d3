"""Text from a model, one character at a time: each is drawn from what the model expects and fed back to it."""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from core.config import SamplingConfig
from core.decoding import normalise
from core.errors import UserError
from core.model import CharLSTM, State
from core.vocabulary import Vocabulary

PRIMING_CHUNK = 1_000
"""Characters of a prompt read at once."""


class Sampler(Iterator[str]):
    """An endless iterator of characters. An empty prompt begins from nothing: see `Vocabulary.start_id`.

    It has a random generator and a state of its own, so it disturbs no training and no other sampler. Characters of the
    prompt that the model does not know are left out, and `notice` tells which.

    Raises:
        UserError: what the model expects is not a number, so that nothing can be drawn.
    """

    def __init__(self, model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, prompt: str = "") -> None:
        self.config = config
        self._model = model
        self._vocabulary = vocabulary
        self._generator = torch.Generator().manual_seed(config.seed)
        prompt = normalise(prompt)
        self.notice = _left_out(vocabulary.unknown_in(prompt))
        """What of the prompt was left out, in words; empty if nothing was."""
        self._device = next(model.parameters()).device
        self._state: State | None = None
        self._logits: Tensor  # (V,), of the next character
        ids = torch.from_numpy(vocabulary.encode(prompt))
        if not len(ids):
            ids = torch.tensor([vocabulary.start_id])
        for start in range(0, len(ids), PRIMING_CHUNK):
            self._read(ids[start : start + PRIMING_CHUNK])

    def __next__(self) -> str:
        """Draw the next character and read it."""
        chosen = self._draw()
        self._read(torch.tensor([chosen]))
        return self._vocabulary.characters[chosen]

    def _read(self, ids: Tensor) -> None:
        with torch.inference_mode():
            logits, self._state = self._model(ids[:, None].to(self._device), self._state)  # (T, 1) -> (T, 1, V)
        self._logits = logits[-1, 0].cpu()  # (V,)

    def _draw(self) -> int:
        if not self._logits.isfinite().all():
            raise UserError("The weights of this model are damaged: it expects nothing that is a number.")
        if self.config.temperature == 0:
            return int(self._logits.argmax())
        probabilities = adjusted(self._logits, self.config)
        return int(torch.multinomial(probabilities, 1, generator=self._generator))


def _left_out(unknown: Collection[str]) -> str:
    return f"Left out of the prompt, unknown to the model: {' '.join(unknown)}" if unknown else ""


def adjusted(logits: Tensor, config: SamplingConfig) -> Tensor:
    """Return the probabilities to draw from, (V,), for logits (V,) at a temperature above 0.

    Top-p is nucleus sampling: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, section 3.1.
    """
    centred = logits.double() - logits.max()  # so that a tiny temperature gives 0 and -inf, never inf - inf
    probabilities = (centred / config.temperature).softmax(dim=0)
    ordered, order = probabilities.sort(descending=True, stable=True)
    if config.top_k:
        ordered[config.top_k :] = 0
    if config.top_p < 1:
        before = ordered.cumsum(dim=0) - ordered
        ordered[before >= config.top_p * ordered.sum()] = 0  # the likeliest always stays: nothing is before it
    return torch.zeros_like(probabilities).scatter(0, order, ordered / ordered.sum())
