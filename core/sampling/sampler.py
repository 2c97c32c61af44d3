"""Generating text from a model: each character is sampled from the model's prediction and fed back to it.

A `Sampler` generates one text. `core.sampling.batch_sampling` generates many at once, by the same rule, so that the
same seed gives the same text.
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
"""Number of characters of a prompt that are read at once."""


class Alternative(NamedTuple):
    """A character that may come next."""

    character: str
    probability: float


class Drawn(NamedTuple):
    """A sampled character, and the logits it was sampled from."""

    character: str
    probability: float
    """Probability after temperature, top-k and top-p."""
    logits: Logits
    """Logits of the model, before temperature, top-k and top-p: (V,)."""
    id: int
    """Index of the character in `logits`."""

    @property
    def surprise(self) -> float:
        """Surprisal of the character, -ln p in nats, where p is the model's own probability, before temperature."""
        return surprise_of(self.logits, self.id)


class SamplerState(NamedTuple):
    """What a network has computed from the characters that it has read; nothing of it is shared."""

    arrays: list[Logits]
    """The arrays of `NumpyLSTM.snapshot`."""
    logits: Logits
    """Logits of the next character: (V,)."""

    @property
    def size_in_bytes(self) -> int:
        """Memory that the state takes."""
        return self.logits.nbytes + sum(array.nbytes for array in self.arrays)


def surprise_of(logits: Logits, id: int) -> float:  # noqa: A002 (the name of the field of `Drawn`)
    """Return the surprisal in nats, -ln softmax(logits)[id], of a character after logits (V,)."""
    wide = logits.astype(np.float64)
    highest = wide.max()
    return float(np.log(np.exp(wide - highest).sum()) + highest - wide[id])


class Sampler(Iterator[Drawn]):
    """Endless iterator over generated characters. With an empty prompt, it starts from `Vocabulary.start_id`.

    A sampler has its own copy of the weights, random generator and hidden state, so it does not affect training or
    other samplers. Characters of the prompt that the model does not know are replaced or dropped; `prompt` lists them.
    A new `config` applies from the next character on, except its seed, which applies only at the start.

    Raises:
        UserError: the logits are NaN or infinite, so no character can be sampled.
    """

    def __init__(
        self,
        model: CharLSTM,
        vocabulary: Vocabulary,
        config: SamplingConfig,
        prompt: str | Prompt = "",
        prefilled: "Prefilled | None" = None,
    ) -> None:
        """Read the prompt, or start from `prefilled` if the network has already read it (`prefill`)."""
        self.config = config
        self.prompt: Prompt = fit(prompt, vocabulary) if isinstance(prompt, str) else prompt
        """Prompt, adapted to the vocabulary."""
        self._characters = vocabulary.characters
        self._generator = np.random.default_rng(config.seed)
        state, last = prefilled or read_prompt(model, vocabulary, self.prompt)
        self._lstm = NumpyLSTM(model, state)
        self._last = np.array([last])  # (1,): id of the next input
        self._logits = self._lstm.step(self._last)[0]  # (V,): logits of the next character

    def __next__(self) -> Drawn:
        """Sample the next character and feed it to the network."""
        logits = self._logits.copy()
        chosen, probability = self._draw(logits)
        self.feed(chosen)
        return Drawn(self._characters[chosen], probability, logits, chosen)

    def feed(self, id: int) -> None:  # noqa: A002 (as in `Drawn`)
        """Have the network read a character, given by its id, as if it had been sampled."""
        self._last[0] = id
        self._logits = self._lstm.step(self._last)[0]

    def surprise_of(self, id: int) -> float:  # noqa: A002 (as in `Drawn`)
        """Return the surprisal in nats of a character, given by its id, as the next one.

        Raises:
            UserError: the logits are not finite.
        """
        check_soundness(bool(np.isfinite(self._logits).all()))
        return surprise_of(self._logits, id)

    @property
    def state(self) -> SamplerState:
        """A copy of the network's state. The random generator is no part of it."""
        return SamplerState(self._lstm.snapshot(), self._logits.copy())

    def restore(self, state: SamplerState | None) -> None:
        """Continue from a state, to the last bit; None is that of a network that has read nothing."""
        self._lstm.restore(None if state is None else state.arrays)
        if state is not None:
            self._logits = state.logits.copy()

    def alternatives(self, count: int, config: SamplingConfig | None = None) -> list[Alternative]:
        """Return the `count` most likely next characters, most likely first, with the probabilities to sample them.

        With `config`, the probabilities are those of other settings than the sampler's own.
        """
        probabilities = adjusted(self._logits, config or self.config)
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
    """State of a network that has read a prompt."""

    state: State | None
    """State after all characters but the last; None if there is none."""
    last: int
    """Id of the last character, which is the next input."""


def prefill(model: CharLSTM, vocabulary: Vocabulary, prompt: Prompt) -> Iterator[float | Prefilled]:
    """Run a network over a prompt. Yields progress, 0 to 1, and, last, the result. To cancel, stop iterating."""
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
    """Run a network over a prompt, and return its state."""
    *_, last = prefill(model, vocabulary, prompt)
    assert isinstance(last, Prefilled)
    return last
