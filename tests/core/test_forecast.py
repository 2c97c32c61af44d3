import msgspec
import psutil
import pytest

from core.config import ModelConfig, TrainingConfig, configure
from core.control import Control
from core.corpus import Corpus
from core.events import RunStarted
from core.forecast import count_parameters, forecast
from core.model import CharLSTM
from core.speed import measured_speed
from core.training import Trainer


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 3])
def test_parameters_are_counted_as_the_network_counts_them(cell: str, layers: int) -> None:
    config = configure(ModelConfig(embedding_size=7, hidden_size=11), {"cell": cell, "num_layers": layers})
    assert count_parameters(config, 31) == CharLSTM(config, 31).count_parameters()


def test_a_forecast_agrees_with_the_run(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    trainer = Trainer(small_corpus, tiny_model, tiny_training)
    started = next(iter(trainer.run()))
    assert isinstance(started, RunStarted)
    told = forecast(tiny_model, tiny_training, started.vocabulary, started.train_characters)
    assert (told.parameters, told.steps_per_epoch) == (started.parameters, started.steps_per_epoch)
    assert told.is_possible


def test_what_cannot_be_is_told_before_it_is_tried(tiny_training: TrainingConfig) -> None:
    assert not forecast(ModelConfig(), tiny_training, 80, 20).is_possible, "a text shorter than a window of each stream"
    giant = forecast(ModelConfig(hidden_size=8192, num_layers=16), tiny_training, 80, 1_000_000)
    assert giant.memory_bytes > 100e9
    assert giant.fits == (giant.memory_bytes <= psutil.virtual_memory().total)


def test_speed_is_measured_and_makes_the_time_of_an_epoch(
    tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    slow = ModelConfig(embedding_size=6, hidden_size=512, num_layers=2)
    fast = measured_speed(tiny_model, tiny_training, 30, Control())
    slower = measured_speed(slow, tiny_training, 30, Control())
    assert fast is not None
    assert slower is not None
    assert fast > 1.5 * slower
    told = msgspec.structs.replace(forecast(tiny_model, tiny_training, 30, 2001), characters_per_second=1000.0)
    assert told.seconds_per_epoch(tiny_training) == 2.0
    assert forecast(tiny_model, tiny_training, 30, 2001).seconds_per_epoch(tiny_training) is None


def test_measuring_can_be_stopped(tiny_model: ModelConfig, tiny_training: TrainingConfig) -> None:
    control = Control()
    control.stop()
    assert measured_speed(tiny_model, tiny_training, 30, control) is None
