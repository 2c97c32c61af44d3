"""Generating text with silenced cells, by the same rule and the same random numbers as `core.sampling.sampler`."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from core.data.vocabulary import Vocabulary
from core.evaluation.worker_threads import advance
from core.model.char_lstm import CharLSTM
from core.model.clamped_lstm import ClampedLSTM, RowClamps
from core.sampling.batch_draws import draw
from core.sampling.filtering import check_soundness
from core.sampling.prompt import fit
from core.sampling.sampler import Prefilled, Sampler, prefill
from core.settings.config import SamplingConfig

REPORTED = 20
"""Number of characters of the prompt between two progress reports."""


class SilencedSampler(Iterator[str]):
    """Endless iterator over generated characters, from a network with silenced cells.

    Without silenced cells the characters are those of a `Sampler` with the same settings, except where rounding decides
    a draw: the prompt is read character by character here, because the cells are silenced in it, too.
    """

    def __init__(
        self, model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, clamps: Sequence[RowClamps]
    ) -> None:
        """Set up the network; `clamps` are the silenced cells, in row 0."""
        self._vocabulary = vocabulary
        self._config = config
        self._network = ClampedLSTM(model, clamps)
        self._generator = np.random.default_rng(config.seed)
        self._logits = np.empty((1, 0), dtype=np.float32)  # (1, V): logits of the next character

    def read(self, prompt: str) -> Iterator[float]:
        """Read a prompt; call it once, at the start. Yields the progress, 0 to 1. To cancel, stop iterating.

        The model must know all its characters. If it is empty, `Vocabulary.start_id` is read.
        """
        ids = self._vocabulary.encode(prompt) if prompt else np.array([self._vocabulary.start_id])
        for place in range(len(ids)):
            self._logits = self._network.step(ids[place : place + 1])
            if place % REPORTED == REPORTED - 1:
                yield (place + 1) / len(ids)
        yield 1.0

    def __next__(self) -> str:
        """Sample the next character and feed it to the network.

        Raises:
            UserError: the logits are NaN or infinite.
        """
        check_soundness(bool(np.isfinite(self._logits).all()))
        randoms = self._generator.random(1) if self._config.temperature else np.zeros(1)
        ids, _ = draw(self._logits, randoms, self._config)
        self._logits = self._network.step(ids)
        return self._vocabulary.characters[int(ids[0])]


class Pair(NamedTuple):
    """The next characters of two texts that begin alike and are sampled with the same random numbers."""

    without: str
    """Character of the network as it is."""
    silenced: str
    """Character of the network with silenced cells."""


def generate_pairs(
    model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, prompt: str, clamps: Sequence[RowClamps]
) -> Generator[float | Pair, None, None]:
    """Generate two texts that continue a prompt, without and with silenced cells, from the same seed, without end.

    Yields the progress of reading the prompt, 0 to 1, then a pair for each character. To cancel, close the generator.
    The first text is that of a `Sampler`, to the last character.

    Raises:
        UserError: the logits are NaN or infinite.
    """
    silenced = SilencedSampler(model, vocabulary, config, clamps)
    yield from silenced.read(prompt)
    fitted, prefilled = fit(prompt, vocabulary), None
    with closing(advance([prefill(model, vocabulary, fitted)], 1)) as events:
        for event in events:
            if isinstance(event, Prefilled):
                prefilled = event
            else:
                yield 1.0
    without = Sampler(model, vocabulary, config, fitted, prefilled)
    while True:
        yield Pair(next(without).character, next(silenced))
