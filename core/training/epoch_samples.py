"""Samples of a network in training, all from the same prompt: noise at first, then more and more like the text."""

import time
from itertools import islice, takewhile

from core.control import Control
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.model.char_lstm import CharLSTM
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig, TrainingConfig
from core.settings.forecast import ALWAYS_SAMPLED as ALWAYS
from core.settings.forecast import MAX_SAMPLING as MAX_SHARE


class EpochSampler:
    """Draws a run's samples, as long as they take a small share of its time."""

    def __init__(self, config: TrainingConfig, vocabulary: Vocabulary) -> None:
        self.prompt = config.sample_prompt
        self.last_seconds = 0.0
        """How long the last one took."""
        self._length = config.sample_length
        self._sampling = SamplingConfig(seed=config.seed)  # the same each time: what differs is what was learnt
        self._vocabulary = vocabulary
        self._drawn = 0
        self._seconds = 0.0

    def is_due(self, elapsed: float) -> bool:
        """Tell whether to draw at an epoch's end, `elapsed` seconds into the run."""
        return self._length > 0 and (self._drawn < ALWAYS or self._seconds <= MAX_SHARE * elapsed)

    def draw(self, model: CharLSTM, control: Control) -> str | None:
        """Return a sample of the model; None if the run is stopped meanwhile, or the logits are not numbers."""
        started = time.perf_counter()
        length = self._length or TrainingConfig().sample_length  # somebody asked
        try:
            sampler = Sampler(model, self._vocabulary, self._sampling, self.prompt)
            drawn = takewhile(lambda _: not control.stopped, islice(sampler, length))
            text = "".join(one.character for one in drawn)
        except UserError:  # the run is about to say that its loss diverged
            return None
        self.last_seconds = time.perf_counter() - started
        self._seconds += self.last_seconds
        self._drawn += 1
        return None if control.stopped else text
