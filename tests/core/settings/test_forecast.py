from collections.abc import Callable
from typing import TypeVar

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.control import Control
from core.data.corpus import CorpusConfig, load_corpus
from core.data.known_texts import MOLIERE
from core.data.splits import BLOCKS, SPLITS, TEST_BLOCK, Split
from core.errors import UserError
from core.events import Event, RunStarted, StepsCompleted
from core.model.char_lstm import CharLSTM
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.settings.forecast import Span, Speed, count_parameters, estimate_run, forecast
from core.settings.presets import PRESETS, expected_of
from core.training.trainer import Trainer


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 3])
def test_parameters_are_counted_as_the_network_counts_them(cell: str, layers: int) -> None:
    config = configure(ModelConfig(embedding_size=7, hidden_size=11), {"cell": cell, "num_layers": layers})
    assert count_parameters(config, 31) == CharLSTM(config, 31).count_parameters()


@pytest.mark.parametrize("limit", [None, 400])
def test_a_forecast_agrees_with_the_run(
    small_text: object, tiny_model: ModelConfig, tiny_training: TrainingConfig, limit: int | None
) -> None:
    config = CorpusConfig(source=str(small_text), limit=limit)
    started = next(iter(Trainer(load_corpus(config), tiny_model, tiny_training).run()))
    assert isinstance(started, RunStarted)
    estimate = estimate_run(config, tiny_model, tiny_training)
    assert (estimate.parameters, estimate.steps_per_epoch) == (started.parameters, started.steps_per_epoch)
    assert (estimate.vocabulary, estimate.validation_characters) == (started.vocabulary, started.validation_characters)
    assert estimate.is_possible


TINY = ModelConfig(embedding_size=2, hidden_size=2)
MIN_INTERLEAVED = (BLOCKS - 1) * TEST_BLOCK


@st.composite
def lengths(draw: st.DrawFn) -> tuple[int, int, int]:
    """Draw a number of streams, a window, and a text length near the minimum for them."""
    streams, window = draw(st.integers(1, 40)), draw(st.integers(1, 60))
    near = round((streams * window + window) / 0.9)
    interleaved = st.integers(MIN_INTERLEAVED - 2, MIN_INTERLEAVED + 2)
    length = draw(st.one_of(st.integers(1, 300), st.integers(max(near - 30, 1), near * 2 + 30), interleaved))
    return streams, window, length


@given(
    cut=lengths(),
    split=st.sampled_from(SPLITS),
    validation=st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.5]),
    limit=st.one_of(st.none(), st.integers(1, 3_000)),
    letters=st.sampled_from(["a", " \n", "ab", "le mouton. "]),
)
def test_a_run_starts_if_and_only_if_the_forecast_says_so(
    tmp_path_factory: pytest.TempPathFactory,
    cut: tuple[int, int, int],
    split: Split,
    validation: float,
    limit: int | None,
    letters: str,
) -> None:
    streams, window, length = cut
    path = tmp_path_factory.getbasetemp() / "text.txt"
    path.write_text((letters * length)[:length], encoding="utf-8")
    config = CorpusConfig(source=str(path), limit=limit, split=split)
    training = TrainingConfig(
        epochs=1, streams=streams, window=window, validation=validation, sample_length=0, precision="fp32", threads=1
    )
    refused, trainer = attempt(lambda: Trainer(load_corpus(config), TINY, training))
    if trainer is not None:
        assert any(isinstance(event, StepsCompleted) for event in until_a_step(trainer)), (
            "it starts and completes a step"
        )
    unreadable, estimate = attempt(lambda: estimate_run(config, TINY, training))
    assert (unreadable or (estimate.trouble if estimate is not None else "")) == refused
    assert estimate is None or estimate.is_possible == (not refused)
    assert estimate is None or (estimate.steps_per_epoch > 0) == (not refused)


Result = TypeVar("Result")


def attempt(what: Callable[[], Result]) -> tuple[str, Result | None]:
    """Return the error message and the result of a call; one of them is empty."""
    try:
        return "", what()
    except UserError as error:
        return str(error), None


def until_a_step(trainer: Trainer) -> list[Event]:
    control, events = Control(), list[Event]()
    for event in trainer.run(control):
        events.append(event)
        if isinstance(event, StepsCompleted):
            control.stop()
    return events


def test_a_run_that_does_not_fit_in_memory_is_reported_before_it_starts(tiny_training: TrainingConfig) -> None:
    giant = forecast(ModelConfig(hidden_size=8192, num_layers=16), tiny_training, 80, 1_000_000)
    assert giant.memory_bytes > 100e9
    assert giant.fits == (giant.memory_bytes <= psutil.virtual_memory().total)


def test_a_run_takes_its_epochs_its_validations_and_its_samples() -> None:
    training = TrainingConfig(epochs=5, streams=2, window=10, sample_length=300)
    estimate = forecast(TINY, training, 30, 2_021)
    assert estimate.steps_per_epoch == 101
    assert estimate.epoch() is None
    assert estimate.run(training) is None
    estimate = msgspec.structs.replace(estimate, speed=Speed(step=Span(0.1, 0.2), epoch_end=2.0, sample=0.5))
    assert estimate.epoch() == pytest.approx((12.1, 22.2))
    assert estimate.run(training) == pytest.approx((63.5, 114.0)), "six samples"
    without = msgspec.structs.replace(training, sample_length=0)
    assert estimate.run(without) == pytest.approx((60.5, 111.0))


def test_many_samples_keep_to_their_share_of_the_run() -> None:
    training = TrainingConfig(epochs=1_000, streams=2, window=10)
    estimate = forecast(TINY, training, 30, 2_021)
    estimate = msgspec.structs.replace(estimate, speed=Speed(step=Span(0.01, 0.01), sample=1.0))
    run = estimate.run(training)
    assert run is not None
    assert run.least == pytest.approx(1.05 * 1_010)


def test_a_run_with_a_time_limit_takes_that_time() -> None:
    training = TrainingConfig(seconds=90.0)
    assert forecast(TINY, training, 30, 2_021).run(training) == Span(90.0, 90.0)


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_result_of_a_preset_is_expected_only_for_the_same_text_and_settings(name: str) -> None:
    preset = PRESETS[name]
    corpus = CorpusConfig(source=MOLIERE.name, limit=preset.measured.limit)
    model, training = preset.model, preset.training
    assert expected_of(name, corpus, model, training) == preset.measured
    copy = CorpusConfig(source="/textes/copie.txt", limit=preset.measured.limit, sha256=MOLIERE.sha256)
    assert expected_of(name, copy, model, training) == preset.measured
    without_effect = configure(training, {"seed": 7, "threads": 1, "sample_length": 0})
    assert expected_of(name, corpus, model, without_effect) == preset.measured
    for changed in (
        CorpusConfig(source=MOLIERE.name, limit=50_000),
        CorpusConfig(source=MOLIERE.name, limit=preset.measured.limit, split="interleaved"),
        CorpusConfig(source="/textes/autre.txt", limit=preset.measured.limit),
    ):
        assert expected_of(name, changed, model, training) is None
    assert expected_of(name, corpus, configure(model, {"hidden_size": 64}), training) is None
    assert expected_of(name, corpus, model, configure(training, {"epochs": 1})) is None
    assert expected_of("mine", corpus, model, training) is None


PEAKS = {"notebook": 343e6, "quick": 371e6, "small": 520e6, "standard": 543e6, "best": 794e6}
"""Peak memory of the app in bytes, measured by `python -m tests.benchmarks.memory` on two cores; means of two
to four runs, which differ by up to 11 %."""


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_memory_of_each_preset_is_estimated_within_a_tenth(name: str) -> None:
    preset = PRESETS[name]
    characters = preset.measured.limit or 1_687_290
    kept = round(characters * 0.9)
    validation = round(kept * preset.training.validation)
    estimate = forecast(preset.model, preset.training, 85, kept - validation, validation)
    assert estimate.memory_bytes == pytest.approx(PEAKS[name], rel=0.1)
