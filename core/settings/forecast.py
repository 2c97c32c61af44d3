"""The forecast of a run before it starts: parameters, steps, memory and, once a few steps have been timed, duration.

The timing itself needs torch; it is in `core.training.throughput`.
"""

from typing import NamedTuple

from msgspec import Struct

from core.data.corpus import CorpusConfig, check_corpus
from core.data.preview import open_beginning
from core.data.splits import check_split, parts_of
from core.data.windows import check_length, windows_at
from core.errors import UserError
from core.settings.cell_kinds import GATES
from core.settings.config import ModelConfig, TrainingConfig

_PROGRAM = 353_000_000
"""Memory in bytes of Python, PyTorch with its libraries in use, and the app."""
_COUNTING = 75
"""Memory in bytes per character of the training part while n-grams are counted."""
MAX_COUNTED = 8_000_000
"""Maximum number of characters of a training part whose n-grams are counted: 20 million took 2 GB and 47 s on a
two-core machine."""
_FLOAT = 4
"""Bytes of a float32."""
VALIDATION_STREAMS, VALIDATION_WINDOW = 32, 200
"""Maximum number of streams of a validation, and the number of characters that each reads at a time."""
ALWAYS_SAMPLED = 10
"""Number of samples that are always generated; further ones must keep within `MAX_SAMPLING`."""
MAX_SAMPLING = 0.05
"""Maximum share of a run's time for samples: an epoch of a tiny text takes less time than a sample."""


class Span(NamedTuple):
    """A duration in seconds, as a lower and an upper bound; they are equal if the measurements agree."""

    least: float
    most: float

    @property
    def is_exact(self) -> bool:
        """Whether both bounds are the same."""
        return self.least == self.most

    def times(self, count: float, plus: float = 0.0) -> "Span":
        """Return `count` times this duration, plus `plus` seconds."""
        return Span(self.least * count + plus, self.most * count + plus)


class Speed(Struct, frozen=True, kw_only=True):
    """Measured durations of the parts of a run on this machine."""

    step: Span
    """Duration of a training step."""
    epoch_end: float = 0.0
    """Seconds at the end of each epoch, for the validation and for the copies that saving needs."""
    sample: float = 0.0
    """Seconds for a sample of the configured length."""
    settled: bool = True
    """Whether the timing is complete."""


class Forecast(Struct, frozen=True, kw_only=True):
    """An estimate of what a run takes."""

    parameters: int
    steps_per_epoch: int
    """Steps per epoch; 0 if the text is too short for the streams and the window."""
    memory_bytes: int
    """Peak memory of the app; on a GPU, most of the network's share is GPU memory."""
    available_bytes: int
    """Free memory of this machine, plus the memory that this process already uses."""
    vocabulary: int = 0
    """Number of distinct characters."""
    validation_characters: int = 0
    trouble: str = ""
    """Reason why the run cannot start, apart from memory; empty if there is none."""
    speed: Speed | None = None
    """Measured speed; None until it has been measured."""

    @property
    def fits(self) -> bool:
        """Whether the machine has enough memory."""
        return self.memory_bytes <= self.available_bytes

    @property
    def is_possible(self) -> bool:
        """Whether the run can start."""
        return self.fits and not self.trouble

    def epoch(self) -> Span | None:
        """Return the duration of an epoch with its validation, without samples; None until the speed is known."""
        if self.speed is None:
            return None
        return self.speed.step.times(self.steps_per_epoch, plus=self.speed.epoch_end)

    def run(self, config: TrainingConfig) -> Span | None:
        """Return the duration of the run, with its epochs and its samples; None until the speed is known."""
        if config.seconds:
            return Span(config.seconds, config.seconds)
        epoch = self.epoch()
        if epoch is None or self.speed is None:
            return None
        training = epoch.times(config.epochs)
        return Span(*(seconds + self._samples(config, seconds) for seconds in training))

    def _samples(self, config: TrainingConfig, training: float) -> float:
        """Return the seconds for all samples of a run: one before the first step and one after each epoch."""
        if self.speed is None or not config.sample_length:
            return 0.0
        all_of_them = self.speed.sample * (config.epochs + 1)
        return min(all_of_them, max(self.speed.sample * ALWAYS_SAMPLED, MAX_SAMPLING * training))


def count_parameters(model: ModelConfig, vocabulary_size: int) -> int:
    """Return the number of parameters of a network, as `CharLSTM.count_parameters` does, without building it."""
    gates, hidden, embedding = GATES[model.cell], model.hidden_size, model.embedding_size
    first = gates * hidden * (embedding + hidden + 2)
    others = (model.num_layers - 1) * gates * hidden * (2 * hidden + 2)
    return vocabulary_size * embedding + first + others + (hidden + 1) * vocabulary_size


def estimate_run(corpus: CorpusConfig, model: ModelConfig, config: TrainingConfig) -> Forecast:
    """Return the forecast of a run on a corpus, without timing. Of a large text only the beginning is read.

    Raises:
        UserError: the text cannot be read, or cannot be trained on, as for `open_corpus`.
    """
    begun = open_beginning(corpus)
    beginning = begun.corpus
    used = min(begun.characters, corpus.limit or begun.characters)
    if begun.share == 1 or used <= len(beginning.text):
        check_corpus(beginning)
    else:
        check_split(used, corpus.split, len(begun.lengths))
    parts = parts_of(used, corpus.split, config.validation, files=begun.lengths, seed=corpus.split_seed)
    return forecast(model, config, len(beginning.characters), parts["train"], parts["validation"])


def forecast(
    model: ModelConfig,
    config: TrainingConfig,
    vocabulary_size: int,
    train_characters: int,
    validation_characters: int = 0,
) -> Forecast:
    """Return the forecast of a run on a text of this length, without timing."""
    import psutil

    try:
        check_length(train_characters, streams=config.streams, window=config.window)
    except UserError as error:
        steps, trouble = 0, str(error)
    else:
        steps, trouble = windows_at(train_characters, 0, streams=config.streams, window=config.window), ""
    return Forecast(
        parameters=count_parameters(model, vocabulary_size),
        steps_per_epoch=steps,
        memory_bytes=memory_of(model, config, vocabulary_size, train_characters, validation_characters),
        available_bytes=psutil.virtual_memory().available + psutil.Process().memory_info().rss,
        vocabulary=vocabulary_size,
        validation_characters=validation_characters,
        trouble=trouble,
    )


def memory_of(
    model: ModelConfig,
    config: TrainingConfig,
    vocabulary_size: int,
    train_characters: int,
    validation_characters: int,
) -> int:
    """Return an estimate of the app's peak memory, in bytes, while it prepares, trains and saves such a run on a CPU.

    `python -m tests.benchmarks.memory` measures the error of the estimate.
    """
    parameters = count_parameters(model, vocabulary_size)
    saved = parameters * (3 + (1 if config.averaging else 0))  # the weights, two moments, the average
    copies = 3  # the current state, the state at the start of the epoch, and the one being written to disk
    matrices = 0
    if config.optimizer == "muon":  # one moment of the layers' matrices instead of two
        matrices = _layer_matrices(model)
        saved -= matrices
    numbers = saved + parameters + copies * saved  # and the gradients
    numbers += 5 * matrices // model.num_layers  # of one layer: the update and its steps, in two precisions
    if config.weight_drop:  # a mask, the masked weights, and the gradient with respect to them
        numbers += 3 * model.num_layers * GATES[model.cell] * model.hidden_size**2
    numbers += max(
        _activations(config.window * config.streams, model, vocabulary_size, kept=4),
        _activations(_validated_at_once(validation_characters), model, vocabulary_size, kept=1),
    )
    counting = _COUNTING * train_characters if train_characters <= MAX_COUNTED else 0
    return _PROGRAM + train_characters + max(_FLOAT * numbers, counting)


def _layer_matrices(model: ModelConfig) -> int:
    """Return the number of weights in the matrices of the layers."""
    inputs = model.embedding_size + (model.num_layers - 1) * model.hidden_size
    return GATES[model.cell] * model.hidden_size * (inputs + model.num_layers * model.hidden_size)


def _activations(characters: int, model: ModelConfig, vocabulary_size: int, *, kept: int) -> int:
    """Return the number of values computed for `characters` characters: per cell, its gates and `kept` others."""
    per_cell = GATES[model.cell] + kept
    return characters * (model.embedding_size + model.num_layers * model.hidden_size * per_cell + 3 * vocabulary_size)


def _validated_at_once(characters: int) -> int:
    """Return how many characters a validation reads at once, over all streams, as `quick_loss` does."""
    streams = max(1, min(VALIDATION_STREAMS, characters // (5 * VALIDATION_WINDOW)))
    return min(streams * VALIDATION_WINDOW, characters)
