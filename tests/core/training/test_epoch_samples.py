import itertools

import pytest
import torch

from core.control import Control
from core.data.corpus import Corpus
from core.events import EpochCompleted, Event, Paused, RunFinished, SampleDrawn, StepsCompleted
from core.sampling.sampler import Drawn, Sampler
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig, configure
from core.training import epoch_samples
from core.training.trainer import Trainer


@pytest.fixture
def writing(tiny_training: TrainingConfig) -> TrainingConfig:
    return configure(tiny_training, {"epochs": 3, "sample_length": 40, "sample_prompt": "3 mou"})


def samples_of(events: list[Event]) -> list[SampleDrawn]:
    return [event for event in events if isinstance(event, SampleDrawn)]


def test_a_sample_is_drawn_before_the_first_step_and_after_each_epoch(
    small_corpus: Corpus, tiny_model: ModelConfig, writing: TrainingConfig
) -> None:
    trainer = Trainer(small_corpus, tiny_model, writing)
    events = list(trainer.run())
    samples = samples_of(events)
    assert [sample.epoch for sample in samples] == [0, 1, 2, 3]
    assert {(len(sample.text), sample.prompt, sample.asked) for sample in samples} == {(40, "3 mou", False)}
    assert samples[0].text != samples[3].text
    assert [type(event) for event in events[-3:]] == [EpochCompleted, SampleDrawn, RunFinished]
    sampler = Sampler(trainer.model, trainer.vocabulary, SamplingConfig(seed=writing.seed), "3 mou")
    written = "".join(drawn.character for drawn in itertools.islice(sampler, 40))
    assert samples[-1].text == written, "by the network as it stands, from that prompt"


def test_samples_leave_the_training_as_it_would_have_been(
    small_corpus: Corpus, tiny_model: ModelConfig, writing: TrainingConfig
) -> None:
    dropping = configure(writing, {"output_dropout": 0.3, "weight_drop": 0.2, "averaging": 0.9})
    silent = Trainer(small_corpus, tiny_model, configure(dropping, {"sample_length": 0}))
    assert not samples_of(list(silent.run()))
    talking = Trainer(small_corpus, tiny_model, dropping)
    assert len(samples_of(list(talking.run()))) == 4
    weights = talking.model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in silent.model.state_dict().items())


def test_a_sample_comes_when_it_is_asked_for_also_in_a_pause(
    small_corpus: Corpus, tiny_model: ModelConfig, writing: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    control = Control()
    asked: list[SampleDrawn] = []
    at: list[int] = []
    for event in Trainer(small_corpus, tiny_model, configure(writing, {"sample_length": 0})).run(control):
        match event:
            case StepsCompleted(epoch=2, step=3):
                control.ask_for_sample()
            case StepsCompleted(epoch=2, step=5):
                control.pause()
            case Paused():
                control.ask_for_sample()
            case SampleDrawn():
                asked.append(event)
                at.append(event.total_steps)
                control.resume()
    first_epoch = at[0] - 3
    assert at == [first_epoch + 3, first_epoch + 5]
    assert [(sample.epoch, sample.asked, len(sample.text)) for sample in asked] == [(1, True, 300)] * 2, (
        "as long as usual, though none was wanted at the epochs' ends"
    )


def test_a_stop_ends_a_sample(
    small_corpus: Corpus, tiny_model: ModelConfig, writing: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = Control()
    drawn = 0
    draw = Sampler.__next__

    def counted(sampler: Sampler) -> Drawn:
        nonlocal drawn
        drawn += 1
        if drawn == 7:
            control.stop()
        return draw(sampler)

    monkeypatch.setattr(Sampler, "__next__", counted)
    events = list(Trainer(small_corpus, tiny_model, writing).run(control))
    assert drawn == 7
    assert not samples_of(events)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "stopped"


def test_samples_keep_within_their_share_of_the_time(
    small_corpus: Corpus, tiny_model: ModelConfig, writing: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch_samples, "ALWAYS", 2)
    monkeypatch.setattr(epoch_samples, "MAX_SHARE", 0.0)
    events = list(Trainer(small_corpus, tiny_model, writing).run())
    assert [sample.epoch for sample in samples_of(events)] == [0, 1]


def test_the_report_of_steps_tells_the_gradient_the_memory_and_the_recent_loss(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    for clip in (0.0, 1e-3):
        trainer = Trainer(small_corpus, tiny_model, configure(tiny_training, {"gradient_clip": clip}))
        reports = [event for event in trainer.run() if isinstance(event, StepsCompleted)]
        first, second = reports[:2]
        assert first.recent_loss == pytest.approx(first.loss)
        assert second.recent_loss == pytest.approx(2 * second.loss - first.loss)
        assert [report.total_steps for report in reports] == list(range(1, len(reports) + 1))
        norms = [report.gradient_norm for report in reports]
        assert all(norm is not None and norm > 0.01 for norm in norms), "as it was before it was clipped"
        assert all(report.memory_bytes and report.memory_bytes > 50e6 for report in reports)
