from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch

from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.encoded_text import encode
from core.errors import UserError
from core.evaluation.evaluator import evaluate
from core.events import (
    EpochCompleted,
    Event,
    Paused,
    Resumed,
    RunFinished,
    RunStarted,
    StepsCompleted,
)
from core.reports.results import Evaluation
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig, configure
from core.settings.presets import preset_named
from core.training.trainer import Trainer
from tests.conftest import TickingClock


def epochs_of(events: Iterator[Event]) -> list[EpochCompleted]:
    return [event for event in events if isinstance(event, EpochCompleted)]


@pytest.fixture
def trainer(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> Trainer:
    return Trainer(small_corpus, tiny_model, tiny_training)


def test_a_run_reports_its_start_each_epoch_and_its_end(trainer: Trainer) -> None:
    first, *between, last = trainer.run()
    assert isinstance(first, RunStarted)
    total = first.train_characters + first.validation_characters + first.test_characters
    assert total == len(trainer.corpus)
    assert [event.epoch for event in between if isinstance(event, EpochCompleted)] == [1, 2]
    assert isinstance(last, RunFinished)
    assert (last.reason, last.epochs) == ("finished", 2)


def test_the_loss_falls(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> None:
    config = configure(tiny_training, {"epochs": 15})
    epochs = epochs_of(Trainer(small_corpus, tiny_model, config).run())
    assert epochs[-1].train_loss < 0.7 * epochs[0].train_loss
    assert epochs[-1].val_loss is not None
    assert epochs[-1].val_loss < 0.8 * (epochs[0].val_loss or 0)


def test_the_same_seed_gives_the_same_losses_and_another_seed_different_ones(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    def losses(seed: int) -> list[float]:
        config = configure(tiny_training, {"seed": seed})
        return [epoch.train_loss for epoch in epochs_of(Trainer(small_corpus, tiny_model, config).run())]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_the_training_loss_is_the_mean_over_the_windows_and_reports_give_it_so_far(trainer: Trainer) -> None:
    events = list(trainer.run())
    for epoch in epochs_of(iter(events)):
        last = [event for event in events if isinstance(event, StepsCompleted) and event.epoch == epoch.epoch][-1]
        assert last.step == last.steps
        assert last.loss == epoch.train_loss


def test_the_best_epoch_is_the_one_with_the_lowest_validation_loss(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    config = configure(tiny_training, {"epochs": 12, "learning_rate": 0.5})  # so large that the loss jumps
    epochs = epochs_of(Trainer(small_corpus, tiny_model, config).run())
    lowest = float("inf")
    for epoch in epochs:
        assert epoch.val_loss is not None
        assert epoch.best == (epoch.val_loss < lowest)
        lowest = min(lowest, epoch.val_loss)
    assert not all(epoch.best for epoch in epochs), "without a worse epoch, the test shows nothing"


def test_without_validation_the_latest_epoch_is_the_best(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    epochs = epochs_of(Trainer(small_corpus, tiny_model, configure(tiny_training, {"validation": 0})).run())
    assert all(epoch.best and epoch.val_loss is None for epoch in epochs)


def test_a_run_stops_within_one_step(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    step, taken = trainer._live.step, []

    def counted() -> None:
        taken.append(1)
        if len(taken) == 3:
            control.stop()
        step()

    monkeypatch.setattr(trainer._live, "step", counted)
    *_, last = trainer.run(control)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.epochs) == ("stopped", 0)
    assert len(taken) == 3


def test_a_pause_stops_the_run_and_its_clock(
    trainer: Trainer, training_clock: TickingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    control = Control()
    events: list[Event] = []
    held_after: list[int] = []

    def an_hour_later() -> None:
        held_after.append(len(events))
        training_clock.now += 3600
        control.resume()

    monkeypatch.setattr(control, "wait_while_paused", an_hour_later)
    for event in trainer.run(control):
        events.append(event)
        if isinstance(event, EpochCompleted) and event.epoch == 1:
            control.pause()
    (pause,) = [place for place, event in enumerate(events) if isinstance(event, Paused)]
    assert held_after == [pause + 1]
    assert isinstance(events[pause + 1], Resumed)
    before, after = events[pause - 1], events[pause + 2]
    assert isinstance(before, StepsCompleted)
    assert isinstance(after, StepsCompleted)
    assert after.elapsed_seconds - before.elapsed_seconds < 1
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.reason == "finished"


def test_a_gradient_clip_bounds_the_gradient(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    trainer = Trainer(small_corpus, tiny_model, configure(tiny_training, {"gradient_clip": 1e-3}))
    list(trainer.run())
    norm = torch.stack([p.grad.norm() for p in trainer.model.parameters() if p.grad is not None]).norm()
    assert norm <= 1.001e-3


def test_validating_and_sampling_do_not_change_the_training(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    config = configure(tiny_training, {"validation": 0.1, "epochs": 3})
    undisturbed = Trainer(small_corpus, tiny_model, config)
    list(undisturbed.run())
    disturbed = Trainer(small_corpus, tiny_model, config)
    for event in disturbed.run():
        if isinstance(event, EpochCompleted):
            list(islice(Sampler(disturbed.model, disturbed.vocabulary, SamplingConfig(), "3 mou"), 30))
            list(evaluate(disturbed.checkpoint(), small_corpus, "test"))
            torch.randn(3)
    pairs = zip(undisturbed.model.parameters(), disturbed.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_training_never_reads_the_test_part(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    before = str(small_corpus.part("train", tiny_training.validation)) + str(
        small_corpus.part("validation", tiny_training.validation)
    )
    scrambled = Corpus(small_corpus.config, encode(before + str(small_corpus.part("test"))[::-1]))
    losses = [
        [(epoch.train_loss, epoch.val_loss) for epoch in epochs_of(Trainer(text, tiny_model, tiny_training).run())]
        for text in (small_corpus, scrambled)
    ]
    assert losses[0] == losses[1]


def test_a_text_that_is_too_short_for_its_windows_is_refused_at_once(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    with pytest.raises(UserError, match="streams × window"):
        Trainer(small_corpus, tiny_model, configure(tiny_training, {"window": 5000}))


@pytest.mark.parametrize(
    ("epochs", "test_loss"), [(1, 1.84), pytest.param(2, 1.80, marks=pytest.mark.thorough)], ids=["one", "two"]
)
def test_the_notebook_preset_reproduces_the_losses_of_the_course_s_notebook(
    moliere: Path, epochs: int, test_loss: float
) -> None:
    """One or two of twenty epochs are trained. The course's published losses are 2.178 and 1.763."""
    preset = preset_named("notebook")
    corpus = load_corpus(CorpusConfig(source=str(moliere), limit=100_000))
    trainer = Trainer(corpus, preset.model, configure(preset.training, {"epochs": epochs}))
    started, *events = trainer.run()
    assert isinstance(started, RunStarted)
    assert (started.vocabulary, started.train_characters, started.test_characters) == (76, 90_000, 10_000)
    assert started.steps_per_epoch == 899
    bounds = [(2.10, 2.28), (1.70, 1.82)][:epochs]
    for (lowest, highest), epoch in zip(bounds, epochs_of(iter(events)), strict=True):
        assert lowest < epoch.train_loss < highest
    *_, last = evaluate(trainer.checkpoint(), corpus, "test")
    assert isinstance(last, Evaluation)
    assert (last.characters, last.unknown_characters) == (10_000, 0)
    assert test_loss - 0.15 < last.score.loss < test_loss + 0.15


def test_a_run_with_a_time_limit_ends_in_time_at_its_final_rate(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, training_clock: TickingClock
) -> None:
    by_time = configure(tiny_training, {"seconds": 3.0, "final_rate": 0.1})
    events = list(Trainer(small_corpus, tiny_model, by_time).run())
    first, last = events[0], events[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    assert (last.reason, last.epochs) == ("finished", first.epochs)
    assert last.elapsed_seconds == pytest.approx(3.0, rel=0.05)
    rates = [event.learning_rate for event in events if isinstance(event, StepsCompleted)]
    assert rates[-1] == pytest.approx(0.1 * tiny_training.learning_rate, rel=0.2)
    assert epochs_of(iter(events))[-1].val_loss is not None


def test_early_stopping_ends_a_run_that_does_not_improve(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    config = configure(tiny_training, {"epochs": 200, "learning_rate": 0.5, "patience": 3})
    epochs = epochs_of(Trainer(small_corpus, tiny_model, config).run())
    assert len(epochs) < 200
    assert [epoch.best for epoch in epochs[-4:]] == [True, False, False, False]


def test_a_run_with_all_settings_is_reproducible_to_the_last_bit(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    everything = configure(tiny_training, {
        "input_dropout": 0.1, "layer_dropout": 0.1, "output_dropout": 0.2, "weight_drop": 0.3, "state_reset": 0.05,
        "averaging": 0.9, "warmup": 0.1, "final_rate": 0.1, "decay": "matrices", "forget_bias": 1.0,
        "gradient_clip": 1.0,
    })  # fmt: skip
    runs = [epochs_of(Trainer(small_corpus, tiny_model, everything).run()) for _ in range(2)]
    assert [(e.train_loss, e.val_loss) for e in runs[0]] == [(e.train_loss, e.val_loss) for e in runs[1]]


def test_the_checkpoint_holds_the_averaged_weights(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    trainer = Trainer(small_corpus, tiny_model, configure(tiny_training, {"averaging": 0.99}))
    list(trainer.run())
    assert trainer.checkpoint().model is not trainer.model
    assert not torch.equal(trainer.checkpoint().model.output.bias, trainer.model.output.bias)
