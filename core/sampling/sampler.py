"""Text from a model, one character at a time: each is drawn from what the model expects and fed back to it.

One text streams from a `Sampler`; many at once come from `core.sampling.batch_sampling`, by the same rule and so the
same texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.model.char_lstm import CharLSTM, State
from core.model.numpy_lstm import NumpyLSTM
from core.sampling.prompt import Prompt, fit
from core.settings.config import SamplingConfig

PRIMING_CHUNK = 1_000
"""Characters of a prompt read at once."""
_COLDEST = 1e-200
"""A temperature below this is as cold as this, and would overflow."""

Logits = NDArray[np.float32]
Probabilities = NDArray[np.float64]


class Alternative(NamedTuple):
    """A character that may come next."""

    character: str
    probability: float


class Drawn(NamedTuple):
    """A character that was drawn, and what it was drawn from."""

    character: str
    probability: float
    """With which it was drawn: after temperature, top-k and top-p."""
    logits: Logits
    """What the model expected, (V,), before all that."""
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

    It has copies of the weights, a random generator and a state of its own, so it disturbs no training and no other
    sampler, and goes on from where it was for as long as it is kept. What the model does not know of the prompt is
    replaced or left out: `prompt` tells. Setting `config` changes what is drawn from then on; its seed only counts at
    the start.

    Raises:
        UserError: what the model expects is not a number, so that nothing can be drawn.
    """

    def __init__(
        self,
        model: CharLSTM,
        vocabulary: Vocabulary,
        config: SamplingConfig,
        prompt: str | Prompt = "",
        primed: "Primed | None" = None,
    ) -> None:
        """Begin with a prompt, or, where that has been read, with what `prefill` made of it."""
        self.config = config
        self.prompt: Prompt = fit(prompt, vocabulary) if isinstance(prompt, str) else prompt
        """The prompt, and what became of it."""
        self._characters = vocabulary.characters
        self._generator = np.random.default_rng(config.seed)
        state, last = primed or read_prompt(model, vocabulary, self.prompt)
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


class Primed(NamedTuple):
    """A network that has read a prompt."""

    state: State | None
    """After all of it but the last character; None where there is none."""
    last: int
    """The id of that one, which is to be read next."""


def prefill(model: CharLSTM, vocabulary: Vocabulary, prompt: Prompt) -> Iterator[float | Primed]:
    """Have a network read a prompt, yielding how far it is, 0 to 1, and, last, the result. To stop, stop asking."""
    ids = torch.from_numpy(vocabulary.encode(prompt.read))
    if not len(ids):
        yield Primed(None, vocabulary.start_id)
        return
    state: State | None = None
    device = next(model.parameters()).device
    for start in range(0, len(ids) - 1, PRIMING_CHUNK):
        with torch.inference_mode():
            _, state = model(ids[start : min(start + PRIMING_CHUNK, len(ids) - 1), None].to(device), state)
        yield min(start + PRIMING_CHUNK, len(ids)) / len(ids)
    yield Primed(state, int(ids[-1]))


def read_prompt(model: CharLSTM, vocabulary: Vocabulary, prompt: Prompt) -> Primed:
    """Have a network read a prompt to its end."""
    *_, last = prefill(model, vocabulary, prompt)
    assert isinstance(last, Primed)
    return last


def check_soundness(is_sound: bool) -> None:
    """Complain of a model whose logits are not numbers.

    Raises:
        UserError: it is not sound.
    """
    if not is_sound:
        raise UserError("The weights of this model are damaged: it expects nothing that is a number.")


def weights_of(logits: Logits, config: SamplingConfig) -> Probabilities:
    """Return numbers in proportion to which to draw, (..., V), for logits (..., V) at a temperature above 0.

    Top-p is nucleus sampling: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, section 3.1.
    """
    weights = logits.astype(np.float64)
    weights -= weights.max(axis=-1, keepdims=True)  # so that a tiny temperature gives 0 and -inf, never inf - inf
    if config.temperature != 1:
        weights /= max(config.temperature, _COLDEST)
    np.exp(weights, out=weights)
    if not config.top_k and config.top_p == 1:
        return weights
    order = np.argsort(-weights, axis=-1, kind="stable")
    ordered = np.take_along_axis(weights, order, axis=-1)
    if config.top_k:
        ordered[..., config.top_k :] = 0
    if config.top_p < 1:
        before = ordered.cumsum(axis=-1) - ordered
        # the likeliest always stays: nothing is before it
        ordered[before >= config.top_p * ordered.sum(axis=-1, keepdims=True)] = 0
    np.put_along_axis(weights, order, ordered, axis=-1)
    return weights


def adjusted(logits: Logits, config: SamplingConfig) -> Probabilities:
    """Return the probabilities to draw from, (V,), for logits (V,); at temperature 0, 1 for the likeliest."""
    if config.temperature == 0:
        certain = np.zeros(len(logits))
        certain[logits.argmax()] = 1
        return certain
    weights = weights_of(logits, config)
    weights /= weights.sum()
    return weights
