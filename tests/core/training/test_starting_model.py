"""Fine-tuning: runs that begin with the weights of another model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.events import EpochCompleted, RunStarted, StepsCompleted
from core.files import write_atomically
from core.model.char_lstm import CharLSTM
from core.model.device import ComputeSettings
from core.runs.origin import hashed, origin_of
from core.runs.recorder import record
from core.runs.run import Origin, Run, RunConfig
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig
from core.training.resume import resume
from core.training.starting_model import NOISE, adapted, starting_model
from core.training.trainer import Trainer
from tests.conftest import TINY_MODEL, TINY_TRAINING

CPU = ComputeSettings(device="cpu", precision="fp32", threads=1)
ROWS = ("embedding.weight", "output.weight", "output.bias")
NOWHERE = Origin(kind="model", name="old", path="/old", sha256="")


def checkpoint_with(characters: str, seed: int = 0) -> Checkpoint:
    model = CharLSTM(ModelConfig(embedding_size=5, hidden_size=7), len(characters))
    model.initialise(torch.Generator().manual_seed(seed))
    return Checkpoint(
        model=model, vocabulary=Vocabulary(characters), corpus=CorpusConfig(source="/old.txt"),
        training=TrainingConfig(), epoch=1, train_loss=None, val_loss=None,
    )  # fmt: skip


def test_characters_that_both_know_keep_their_rows() -> None:
    old = checkpoint_with("abcdef")
    start = adapted(old, NOWHERE, "bdxz", 0)
    assert (start.vocabulary.characters, start.new, start.dropped) == ("bdxz", "xz", "acef")
    before = old.model.state_dict()
    for name in ROWS:
        assert torch.equal(start.weights[name][:2], before[name][[1, 3]]), name
    layers = [name for name in before if name not in ROWS]
    assert layers
    assert all(torch.equal(start.weights[name], before[name]) for name in layers)


def test_new_characters_begin_at_the_mean_of_the_old_ones_plus_noise() -> None:
    old = checkpoint_with("abcdef")
    new = "".join(chr(1000 + number) for number in range(4000))
    start = adapted(old, NOWHERE, new, 0)
    for name in ROWS:
        rows = old.model.state_dict()[name]
        assert start.weights[name].mean(dim=0) == pytest.approx(rows.mean(dim=0).numpy(), abs=0.02), name
        spread = rows.std(dim=0, correction=0)
        assert start.weights[name].std(dim=0) == pytest.approx((NOISE * spread).numpy(), rel=0.1), name
    assert not torch.equal(start.weights["output.weight"][0], start.weights["output.weight"][1])
    again, other = adapted(old, NOWHERE, new, 0), adapted(old, NOWHERE, new, 1)
    assert torch.equal(again.weights["embedding.weight"], start.weights["embedding.weight"])
    assert not torch.equal(other.weights["embedding.weight"], start.weights["embedding.weight"])


def test_a_kept_vocabulary_has_the_characters_of_both() -> None:
    old = checkpoint_with("abcdef")
    start = adapted(old, msgspec.structs.replace(NOWHERE, keeps_vocabulary=True), "bdxz", 0)
    assert (start.vocabulary.characters, start.new, start.dropped) == ("abcdefxz", "xz", "")
    assert torch.equal(start.weights["output.weight"][:6], old.model.state_dict()["output.weight"])


def test_the_model_does_not_change_when_its_vocabulary_does_not() -> None:
    old = checkpoint_with("abcdef")
    start = adapted(old, NOWHERE, "abcdef", 0)
    before = old.model.state_dict()
    assert start.weights.keys() == before.keys()
    assert all(torch.equal(start.weights[name], weight) for name, weight in before.items())


@pytest.fixture
def old_run(store: RunStore, small_corpus: Corpus) -> Run:
    training = msgspec.structs.replace(TINY_TRAINING, epochs=3, learning_rate=5e-2)
    config = RunConfig(preset="quick", corpus=small_corpus.config, model=TINY_MODEL, training=training)
    run = store.create(config, "old")
    for _ in record(run, Trainer(small_corpus, TINY_MODEL, training, CPU)):
        pass
    return run


@pytest.fixture
def new_corpus(tmp_path: Path) -> Corpus:
    path = tmp_path / "new.txt"
    path.write_text("".join(f"{number} chèvres, {number * 5 % 17} loups!\n" for number in range(60)), encoding="utf-8")
    return load_corpus(CorpusConfig(source=str(path)))


def fine_tuned(store: RunStore, corpus: Corpus, name: str, *, keeps_vocabulary: bool = False) -> tuple[Run, Trainer]:
    found, model = origin_of(store, "old", keeps_vocabulary=keeps_vocabulary)
    origin = hashed(found)
    config = RunConfig(preset="fine-tune", corpus=corpus.config, model=model, training=TINY_TRAINING, origin=origin)
    start = starting_model(origin, corpus.characters, config.training.seed)
    return store.create(config, name), Trainer(corpus, model, config.training, CPU, start=start)


def test_a_run_that_begins_with_a_model_begins_with_a_lower_loss(
    store: RunStore, old_run: Run, small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    _, trainer = fine_tuned(store, small_corpus, "new")
    scratch = Trainer(small_corpus, TINY_MODEL, TINY_TRAINING, CPU)
    first = [
        next(event.recent_loss for event in run.run() if isinstance(event, StepsCompleted))
        for run in (trainer, scratch)
    ]
    assert first[0] < first[1] - 0.2


def test_run_and_checkpoints_say_where_the_weights_came_from(store: RunStore, old_run: Run, new_corpus: Corpus) -> None:
    run, trainer = fine_tuned(store, new_corpus, "new")
    started = next(event for event in record(run, trainer) if isinstance(event, RunStarted))
    assert started.origin == "old"
    assert started.new_characters == len(
        set(new_corpus.characters) - set(load_checkpoint(old_run.best_path).vocabulary.characters)
    )
    assert "The run begins with the weights of old" in started.beginning
    for _ in record(run, fine_tuned(store, new_corpus, "unused")[1]):
        pass
    origin = run.config().origin
    assert origin is not None
    assert (origin.name, origin.corpus) == ("old", load_checkpoint(old_run.best_path).corpus)
    assert load_checkpoint(run.best_path).origin == origin
    assert load_snapshot(run.last_path).origin == origin
    assert load_checkpoint(old_run.best_path).origin is None


@pytest.mark.parametrize("keeps_vocabulary", [False, True])
def test_a_resumed_fine_tuning_ends_with_the_same_weights(
    store: RunStore, old_run: Run, new_corpus: Corpus, tmp_path: Path, keeps_vocabulary: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    whole = fine_tuned(store, new_corpus, "whole", keeps_vocabulary=keeps_vocabulary)[1]
    for _ in whole.run():
        pass
    run, trainer = fine_tuned(store, new_corpus, "stopped", keeps_vocabulary=keeps_vocabulary)
    for _ in record(run, trainer, stopping_after(5)):
        pass
    resumption = resume(store, "stopped", run, {})
    resumed = resumption.trainer(new_corpus)
    for _ in record(resumption.begin(store), resumed):
        pass
    assert resumed.vocabulary == whole.vocabulary
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
    assert load_checkpoint(run.best_path).vocabulary == whole.vocabulary


class stopping_after(Control):  # noqa: N801 (reads as an argument)
    """A control that stops the run after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def takes_sample(self) -> bool:
        self._left -= 1
        if self._left == 0:
            self.stop()
        return super().takes_sample()


def test_a_run_that_was_killed_before_its_first_save_begins_with_the_model_again(
    store: RunStore, old_run: Run, new_corpus: Corpus
) -> None:
    run, trainer = fine_tuned(store, new_corpus, "killed")
    expected = [event.train_loss for event in trainer.run() if isinstance(event, EpochCompleted)]
    resumption = resume(store, "killed", run, {})
    assert resumption.snapshot is None
    again = resumption.trainer(new_corpus, CPU)
    assert [event.train_loss for event in again.run() if isinstance(event, EpochCompleted)] == expected


def changes() -> Iterator[tuple[str, str]]:
    yield "removed", "no longer at"
    yield "changed", "has changed"


@pytest.mark.parametrize(("how", "said"), changes())
def test_a_model_that_is_gone_or_has_changed_is_refused(
    store: RunStore, old_run: Run, new_corpus: Corpus, how: str, said: str
) -> None:
    run, _ = fine_tuned(store, new_corpus, "killed")
    if how == "removed":
        shutil.rmtree(old_run.path)
    else:
        write_atomically(old_run.best_path, old_run.best_path.read_bytes() + b"more")
    with pytest.raises(UserError, match=said):
        resume(store, "killed", run, {}).trainer(new_corpus, CPU)
