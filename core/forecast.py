"""What a run would take, before it is begun: parameters, steps and memory, as computed from its settings.

How fast it would be takes trying: `speed.py`.
"""

from msgspec import Struct

from core.config import Cell, ModelConfig, TrainingConfig

_GATES: dict[Cell, int] = {"lstm": 4, "gru": 3, "rnn": 1}
_PROGRAM = 390_000_000
"""Bytes of Python, torch and the app, before there is a network."""
_FLOAT = 4


class Forecast(Struct, frozen=True, kw_only=True):
    """What a run would take."""

    parameters: int
    steps_per_epoch: int
    """0 where the text is too short for the streams and the window."""
    memory_bytes: int
    """About; on a GPU most of it would lie there."""
    available_bytes: int
    """What this machine has left, and what this process holds already."""
    characters_per_second: float | None = None
    """None until it is measured."""

    @property
    def fits(self) -> bool:
        """Whether the machine has the memory."""
        return self.memory_bytes <= self.available_bytes

    @property
    def is_possible(self) -> bool:
        """Whether such a run can begin at all."""
        return self.fits and self.steps_per_epoch > 0

    def seconds_per_epoch(self, config: TrainingConfig) -> float | None:
        """Return how long an epoch would take, without validation and samples; None until the speed is known."""
        if not self.characters_per_second:
            return None
        return self.steps_per_epoch * config.streams * config.window / self.characters_per_second


def count_parameters(model: ModelConfig, vocabulary_size: int) -> int:
    """Return how many numbers a network has: as `CharLSTM.count_parameters`, without making it."""
    gates, hidden, embedding = _GATES[model.cell], model.hidden_size, model.embedding_size
    first = gates * hidden * (embedding + hidden + 2)
    others = (model.num_layers - 1) * gates * hidden * (2 * hidden + 2)
    return vocabulary_size * embedding + first + others + (hidden + 1) * vocabulary_size


def forecast(model: ModelConfig, config: TrainingConfig, vocabulary_size: int, train_characters: int) -> Forecast:
    """Return what can be told without trying."""
    import psutil

    parameters = count_parameters(model, vocabulary_size)
    return Forecast(
        parameters=parameters,
        steps_per_epoch=max(train_characters - 1, 0) // (config.streams * config.window),  # as `Streams.windows_at(0)`
        memory_bytes=_memory(parameters, model, config, vocabulary_size),
        available_bytes=psutil.virtual_memory().available + psutil.Process().memory_info().rss,
    )


def _memory(parameters: int, model: ModelConfig, config: TrainingConfig, vocabulary_size: int) -> int:
    """Return about how many bytes a run takes."""
    copies = 4 + (1 if config.averaging else 0)  # weights, gradients, two moments, the average
    kept = copies - 1  # where the epoch began, to go back to; and once more while a save is written
    window = config.window * config.streams
    gates = _GATES[model.cell]
    per_character = model.embedding_size + model.num_layers * model.hidden_size * (gates + 4) + 3 * vocabulary_size
    return _PROGRAM + _FLOAT * (parameters * (copies + 2 * kept) + 2 * window * per_character)
