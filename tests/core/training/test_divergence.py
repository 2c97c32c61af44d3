from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch

from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.events import (
    Diverged,
    EpochCompleted,
    Event,
    RateHalved,
    RunFinished,
)
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.settings.presets import PRESETS
from core.training.trainer import Trainer


def epochs_of(events: Iterator[Event]) -> list[EpochCompleted]:
    return [event for event in events if isinstance(event, EpochCompleted)]


@pytest.fixture
def trainer(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> Trainer:
    return Trainer(small_corpus, tiny_model, tiny_training)


def test_nan_weights_after_the_last_steps_of_an_epoch_are_found_before_they_are_saved(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = trainer._live.learner._optimizer.step
    steps = trainer._streams.windows_at(0)
    taken: list[int] = []

    def spoiling(rate: float) -> None:
        step(rate)
        taken.append(1)
        if len(taken) == steps - 1:  # with any offset, one of the last two steps of the epoch
            torch.nn.init.constant_(trainer.model.output.bias, torch.nan)

    monkeypatch.setattr(trainer._live.learner._optimizer, "step", spoiling)
    events = list(trainer.run())
    (again,) = [place for place, event in enumerate(events) if isinstance(event, RateHalved)]
    assert not epochs_of(iter(events[:again])), "the epoch is not completed, but repeated"
    assert [epoch.epoch for epoch in epochs_of(iter(events))] == [1, 2]
    assert all(bool(parameter.isfinite().all()) for parameter in trainer.model.parameters())


def test_a_nan_loss_ends_the_run_as_failed(trainer: Trainer) -> None:
    with torch.no_grad():
        trainer.model.output.bias.fill_(torch.nan)
    *events, before, last = trainer.run()
    assert [event.rate_factor for event in events if isinstance(event, RateHalved)] == [0.5, 0.25, 0.125]
    assert isinstance(before, Diverged)
    assert isinstance(last, RunFinished)
    assert last.reason == "failed"


def test_an_exploding_but_finite_loss_ends_the_run_as_failed(small_corpus: Corpus) -> None:
    model = ModelConfig(cell="rnn", embedding_size=16, hidden_size=32, num_layers=4)
    config = TrainingConfig(
        epochs=3, streams=2, window=10, learning_rate=10.0, gradient_clip=0.0, precision="fp32", threads=1
    )
    *_, before, last = Trainer(small_corpus, model, config).run()
    assert isinstance(before, Diverged)
    assert isinstance(last, RunFinished)
    assert last.reason == "failed"


@pytest.mark.parametrize("preset", PRESETS)
def test_the_start_of_a_preset_does_not_count_as_divergence(small_corpus: Corpus, preset: str) -> None:
    model = msgspec.structs.replace(PRESETS[preset].model, hidden_size=64, embedding_size=32)
    config = msgspec.structs.replace(
        PRESETS[preset].training, epochs=2, streams=2, window=10, precision="fp32", threads=1, sample_length=0
    )
    events = list(Trainer(small_corpus, model, config).run())
    assert not any(isinstance(event, RateHalved | Diverged) for event in events)


def test_a_start_with_much_dropout_does_not_count_as_divergence(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    config = configure(tiny_training, {"input_dropout": 0.8, "output_dropout": 0.8, "weight_drop": 0.8})
    events = list(Trainer(small_corpus, tiny_model, config).run())
    assert not any(isinstance(event, RateHalved | Diverged) for event in events)


def test_a_text_that_changes_its_language_does_not_count_as_divergence(tmp_path: Path) -> None:
    """A network trained on the first half predicts the second with far more than three times the loss."""
    path = tmp_path / "text.txt"
    path.write_text("aab" * 8_000 + "".join(chr(0x3B1 + number % 24) for number in range(24_000)), encoding="utf-8")
    corpus = load_corpus(CorpusConfig(source=str(path)))
    model = ModelConfig(embedding_size=8, hidden_size=32)
    config = TrainingConfig(
        epochs=1, streams=1, window=20, learning_rate=1e-2, precision="fp32", threads=1, sample_length=0, validation=0.0
    )
    events = list(Trainer(corpus, model, config).run())
    assert not any(isinstance(event, RateHalved | Diverged) for event in events)
