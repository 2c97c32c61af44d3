"""Samples generated during training, always from the same prompt and seed, so that they show how the network learns."""

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
    """Generates a run's samples, as long as they take only a small share of its time."""

    def __init__(self, config: TrainingConfig, vocabulary: Vocabulary) -> None:
        self.prompt = config.sample_prompt
        self.last_seconds = 0.0
        """Duration of the last sample."""
        self._length = config.sample_length
        self._sampling = SamplingConfig(
            seed=config.seed
        )  # same seed each time: samples differ only by what was learned
        self._vocabulary = vocabulary
        self._drawn = 0
        self._seconds = 0.0

    def is_due(self, elapsed: float) -> bool:
        """Return whether to generate a sample at the end of an epoch, `elapsed` seconds into the run."""
        return self._length > 0 and (self._drawn < ALWAYS or self._seconds <= MAX_SHARE * elapsed)

    def draw(self, model: CharLSTM, control: Control) -> str | None:
        """Return a sample of the model; None if the run is stopped during it, or the logits are NaN or infinite."""
        started = time.perf_counter()
        length = self._length or TrainingConfig().sample_length  # 0 disables only the samples at the end of epochs
        try:
            sampler = Sampler(model, self._vocabulary, self._sampling, self.prompt)
            drawn = takewhile(lambda _: not control.stopped, islice(sampler, length))
            text = "".join(one.character for one in drawn)
        except UserError:  # the next check reports that the loss diverged
            return None
        self.last_seconds = time.perf_counter() - started
        self._seconds += self.last_seconds
        self._drawn += 1
        return None if control.stopped else text
