"""What a run would take, before it starts: parameters, steps, memory and, once a few steps were timed, how long.

The timing itself needs torch: `throughput.py`.
"""

from typing import NamedTuple

from msgspec import Struct

from core.data.corpus import CorpusConfig, check_corpus
from core.data.preview import open_beginning
from core.data.splits import check_split, parts_of
from core.data.windows import check_length, windows_at
from core.errors import UserError
from core.settings.config import Cell, ModelConfig, TrainingConfig

_GATES: dict[Cell, int] = {"lstm": 4, "gru": 3, "rnn": 1}
_PROGRAM = 398_000_000
"""Bytes of Python, PyTorch with its libraries at work, and the app."""
_COUNTING = 75
"""Bytes for each character of the training part while n-grams are counted."""
MAX_COUNTED = 8_000_000
"""Characters of a training part whose n-grams are counted: 20 million took 2 GB and 47 s on a two-core machine."""
_FLOAT = 4
VALIDATION_STREAMS, VALIDATION_WINDOW = 32, 200
"""How a validation reads its part: so many streams at most, so many characters at a time."""
ALWAYS_SAMPLED = 10
"""So many samples are drawn whatever they take; then they have to keep within their share."""
MAX_SAMPLING = 0.05
"""Of a run's time, for samples: an epoch of a tiny text takes less time than a sample does."""


class Span(NamedTuple):
    """A duration, as two that it lies between: equal where the measurements agree."""

    least: float
    """Seconds."""
    most: float

    @property
    def is_exact(self) -> bool:
        """Whether the two are the same."""
        return self.least == self.most

    def times(self, count: float, plus: float = 0.0) -> "Span":
        """Return so many of these, and some seconds more."""
        return Span(self.least * count + plus, self.most * count + plus)


class Speed(Struct, frozen=True, kw_only=True):
    """How long the parts of a run take on this machine, as far as they were timed."""

    step: Span
    """A training step."""
    epoch_end: float = 0.0
    """Seconds, at each epoch's end: the validation, and the copies that saving takes."""
    sample: float = 0.0
    """Seconds of a sample of the length asked for."""
    settled: bool = True
    """Whether no more steps will be timed."""


class Forecast(Struct, frozen=True, kw_only=True):
    """What a run would take."""

    parameters: int
    steps_per_epoch: int
    """0 where the text is too short for the streams and the window."""
    memory_bytes: int
    """The most that the app would hold; on a GPU most of the network's share lies there."""
    available_bytes: int
    """What this machine has left, and what this process holds already."""
    vocabulary: int = 0
    """Distinct characters."""
    validation_characters: int = 0
    trouble: str = ""
    """Why such a run cannot start, whatever the memory; empty if it can."""
    speed: Speed | None = None
    """None until it is measured."""

    @property
    def fits(self) -> bool:
        """Whether the machine has the memory."""
        return self.memory_bytes <= self.available_bytes

    @property
    def is_possible(self) -> bool:
        """Whether such a run can start."""
        return self.fits and not self.trouble

    def epoch(self) -> Span | None:
        """Return how long an epoch takes, with its validation, without samples; None until the speed is known."""
        if self.speed is None:
            return None
        return self.speed.step.times(self.steps_per_epoch, plus=self.speed.epoch_end)

    def run(self, config: TrainingConfig) -> Span | None:
        """Return how long the run takes: its epochs and its samples; None until the speed is known."""
        if config.seconds:
            return Span(config.seconds, config.seconds)
        epoch = self.epoch()
        if epoch is None or self.speed is None:
            return None
        training = epoch.times(config.epochs)
        return Span(*(seconds + self._samples(config, seconds) for seconds in training))

    def _samples(self, config: TrainingConfig, training: float) -> float:
        """Return the seconds that a run's samples take, of which one is drawn before the first step."""
        if self.speed is None or not config.sample_length:
            return 0.0
        all_of_them = self.speed.sample * (config.epochs + 1)
        return min(all_of_them, max(self.speed.sample * ALWAYS_SAMPLED, MAX_SAMPLING * training))


def count_parameters(model: ModelConfig, vocabulary_size: int) -> int:
    """Return how many numbers a network has: as `CharLSTM.count_parameters`, without making it."""
    gates, hidden, embedding = _GATES[model.cell], model.hidden_size, model.embedding_size
    first = gates * hidden * (embedding + hidden + 2)
    others = (model.num_layers - 1) * gates * hidden * (2 * hidden + 2)
    return vocabulary_size * embedding + first + others + (hidden + 1) * vocabulary_size


def foresee(corpus: CorpusConfig, model: ModelConfig, config: TrainingConfig) -> Forecast:
    """Return what can be told of a run from its text, or from the beginning of a large one, without trying.

    Raises:
        UserError: the text cannot be read, or learnt from: as for `open_corpus`.
    """
    beginning, share = open_beginning(corpus)
    characters = round(len(beginning.text) / share)
    used = min(characters, corpus.limit or characters)
    if share == 1 or used <= len(beginning.text):
        check_corpus(beginning)
    else:
        check_split(used, corpus.split)
    parts = parts_of(used, corpus.split, config.validation)
    return forecast(model, config, len(beginning.characters), parts["train"], parts["validation"])


def forecast(
    model: ModelConfig,
    config: TrainingConfig,
    vocabulary_size: int,
    train_characters: int,
    validation_characters: int = 0,
) -> Forecast:
    """Return what can be told of a run on a text of so many characters, without trying."""
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
    """Return about how many bytes the app holds at most while it foresees, trains and saves such a run on a CPU.

    `python -m tests.benchmarks.memory` measures how near that is.
    """
    parameters = count_parameters(model, vocabulary_size)
    saved = 3 + (1 if config.averaging else 0)  # weights, two moments, the average
    learner = saved + 1  # and the gradients
    copies = 3  # where the run is, where its epoch began, and what is still being written
    numbers = parameters * (learner + copies * saved)
    if config.weight_drop:  # a mask, the masked weights, and the gradient with respect to them
        numbers += 3 * model.num_layers * _GATES[model.cell] * model.hidden_size**2
    numbers += max(
        _activations(config.window * config.streams, model, vocabulary_size, kept=4),
        _activations(_validated_at_once(validation_characters), model, vocabulary_size, kept=1),
    )
    counting = _COUNTING * train_characters if train_characters <= MAX_COUNTED else 0
    return _PROGRAM + train_characters + max(_FLOAT * numbers, counting)


def _activations(characters: int, model: ModelConfig, vocabulary_size: int, *, kept: int) -> int:
    """Return the numbers that a network computes from so many characters: per cell its gates and `kept` others."""
    per_cell = _GATES[model.cell] + kept
    return characters * (model.embedding_size + model.num_layers * model.hidden_size * per_cell + 3 * vocabulary_size)


def _validated_at_once(characters: int) -> int:
    """Return how many characters a pass of a validation reads, as `quick_loss`."""
    streams = max(1, min(VALIDATION_STREAMS, characters // (5 * VALIDATION_WINDOW)))
    return min(streams * VALIDATION_WINDOW, characters)
