"""Text from a model, one character at a time: each is drawn from what the model expects and fed back to it.

One text streams from a `Sampler`; many at once come from `core.sampling.batch_sampling`, by the same rule and so the
same texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from core.data.vocabulary import Vocabulary
from core.model.char_lstm import CharLSTM, State
from core.model.numpy_lstm import NumpyLSTM
from core.sampling.filtering import Logits, adjusted, check_soundness, weights_of
from core.sampling.prompt import Prompt, fit
from core.settings.config import SamplingConfig

PREFILL_CHUNK = 1_000
"""Characters of a prompt read at once."""


class Alternative(NamedTuple):
    """A character that may come next."""

    character: str
    probability: float


class Drawn(NamedTuple):
    """A character that was drawn, and the logits it was drawn from."""

    character: str
    probability: float
    """After temperature, top-k and top-p."""
    logits: Logits
    """The model's own, (V,)."""
    id: int
    """The character's place in `logits`."""

    @property
    def surprise(self) -> float:
        """How little the model itself expected the character, in nats: -ln p, whatever the temperature."""
        logits = self.logits.astype(np.float64)
        highest = logits.max()
        return float(np.log(np.exp(logits - highest).sum()) + highest - logits[self.id])


class Sampler(Iterator[Drawn]):
    """An endless iterator of characters. An empty prompt begins from nothing: see `Vocabulary.start_id`.

    It has its own copies of the weights, its own random generator and its own hidden state, so it disturbs no training
    and no other sampler. Characters of the prompt that the model does not know are replaced or left out: `prompt` tells
    which. A new `config` counts from the next character on, but for its seed, which only counts at the start.

    Raises:
        UserError: what the model expects is not a number, so that nothing can be drawn.
    """

    def __init__(
        self,
        model: CharLSTM,
        vocabulary: Vocabulary,
        config: SamplingConfig,
        prompt: str | Prompt = "",
        prefilled: "Prefilled | None" = None,
    ) -> None:
        """Read a prompt, or, where the network has read it already, begin with what `prefill` returned."""
        self.config = config
        self.prompt: Prompt = fit(prompt, vocabulary) if isinstance(prompt, str) else prompt
        """The prompt, and what became of it."""
        self._characters = vocabulary.characters
        self._generator = np.random.default_rng(config.seed)
        state, last = prefilled or read_prompt(model, vocabulary, self.prompt)
        self._lstm = NumpyLSTM(model, state)
        self._last = np.array([last])  # (1,): what is to be read next
        self._logits = self._lstm.step(self._last)[0]  # (V,), of the next character

    def __next__(self) -> Drawn:
        """Draw the next character and read it."""
        logits = self._logits.copy()
        chosen, probability = self._draw(logits)
        self._last[0] = chosen
        self._logits = self._lstm.step(self._last)[0]
        return Drawn(self._characters[chosen], probability, logits, chosen)

    def alternatives(self, count: int) -> list[Alternative]:
        """Return what may come next, likeliest first, with the probabilities it will be drawn with."""
        probabilities = adjusted(self._logits, self.config)
        likeliest = np.argsort(-probabilities, kind="stable")[:count]
        return [Alternative(self._characters[place], float(probabilities[place])) for place in likeliest]

    def _draw(self, logits: Logits) -> tuple[int, float]:
        if self.config.temperature == 0:
            check_soundness(bool(np.isfinite(logits).all()))
            return int(logits.argmax()), 1.0
        weights = weights_of(logits, self.config)
        below = weights.cumsum()
        total = below[-1]
        check_soundness(total > 0)
        chosen = int(below.searchsorted(self._generator.random() * total, side="right"))
        return chosen, float(weights[chosen] / total)


class Prefilled(NamedTuple):
    """A network that has read a prompt."""

    state: State | None
    """After all of it but the last character; None where there is none."""
    last: int
    """The id of that one, which is to be read next."""


def prefill(model: CharLSTM, vocabulary: Vocabulary, prompt: Prompt) -> Iterator[float | Prefilled]:
    """Have a network read a prompt, yielding how far it is, 0 to 1, and, last, the result. To stop, stop asking."""
    ids = torch.from_numpy(vocabulary.encode(prompt.read))
    if not len(ids):
        yield Prefilled(None, vocabulary.start_id)
        return
    state: State | None = None
    device = next(model.parameters()).device
    for start in range(0, len(ids) - 1, PREFILL_CHUNK):
        with torch.inference_mode():
            _, state = model(ids[start : min(start + PREFILL_CHUNK, len(ids) - 1), None].to(device), state)
        yield min(start + PREFILL_CHUNK, len(ids)) / len(ids)
    yield Prefilled(state, int(ids[-1]))


def read_prompt(model: CharLSTM, vocabulary: Vocabulary, prompt: Prompt) -> Prefilled:
    """Have a network read a prompt to its end."""
    *_, last = prefill(model, vocabulary, prompt)
    assert isinstance(last, Prefilled)
    return last
