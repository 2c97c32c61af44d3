"""What a model gained on its text, and what it forgot, since the model that its training began with."""

from pathlib import Path

import msgspec
import pytest

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.evaluation.fine_tuning import fine_tuning_effect
from core.evaluation.paired_comparison import compare
from core.reports.results import Comparison, FineTuning, Stage, TextEffect
from core.runs.origin import hashed, origin_of
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig
from core.training.starting_model import starting_model
from core.training.trainer import Trainer

MODEL = ModelConfig(embedding_size=8, hidden_size=24)
TRAINING = TrainingConfig(
    epochs=3, streams=8, window=20, learning_rate=2e-2, precision="fp32", threads=1, sample_length=0
)


def corpus_of(folder: Path, name: str, line: str) -> Corpus:
    path = folder / f"{name}.txt"
    path.write_text("".join(line.format(number, number * 7 % 13) for number in range(900)), encoding="utf-8")
    return load_corpus(CorpusConfig(source=str(path)))


def trained(store: RunStore, corpus: Corpus, name: str, origin: str = "") -> Checkpoint:
    found = hashed(origin_of(store, origin)[0]) if origin else None
    config = RunConfig(preset="quick", corpus=corpus.config, model=MODEL, training=TRAINING, origin=found)
    start = starting_model(found, corpus.characters, 0) if found is not None else None
    run = store.create(config, name)
    for _ in record(run, Trainer(corpus, MODEL, TRAINING, start=start)):
        pass
    return load_checkpoint(run.best_path)


def effect_of(checkpoint: Checkpoint, own: Corpus | None) -> tuple[list[Stage], FineTuning | None]:
    stages, events = [], fine_tuning_effect(checkpoint, own)
    while True:
        try:
            stages.append(next(events))
        except StopIteration as end:
            return stages, end.value


@pytest.fixture
def sheep(tmp_path: Path) -> Corpus:
    return corpus_of(tmp_path, "sheep", "{} moutons, {} chèvres.\n")


@pytest.fixture
def wolves(tmp_path: Path) -> Corpus:
    return corpus_of(tmp_path, "wolves", "un loup {}: il dort ({})\n")


@pytest.mark.usefixtures("one_thread")
def test_the_new_text_is_gained_and_the_old_one_forgotten(store: RunStore, sheep: Corpus, wolves: Corpus) -> None:
    before = trained(store, sheep, "before")
    after = trained(store, wolves, "after", origin="before")
    stages, effect = effect_of(after, wolves)
    assert effect is not None
    assert stages
    assert effect.new is not None
    assert effect.old is not None
    for one, corpus in ((effect.new, wolves), (effect.old, sheep)):
        *_, expected = compare(after, before, corpus.part("test"))
        assert isinstance(expected, Comparison)
        assert (one.compared, one.of, one.learnt) == (expected, len(corpus.part("test")), 0)
        assert one.text == corpus.config.title
    assert effect.new.compared.difference < -0.5
    assert effect.old.compared.difference > 0.5
    assert "On the new text, wolves, the model gained" in effect.meaning
    assert "On the old text, sheep, it forgot" in effect.meaning


@pytest.mark.usefixtures("one_thread")
def test_a_run_on_the_same_text_has_one_text_to_compare(store: RunStore, sheep: Corpus) -> None:
    trained(store, sheep, "before")
    effect = effect_of(trained(store, sheep, "after", origin="before"), sheep)[1]
    assert effect is not None
    assert effect.new is not None
    assert (effect.old, effect.missing) == (None, "")


@pytest.mark.usefixtures("one_thread")
def test_what_is_missing_is_said(store: RunStore, sheep: Corpus, wolves: Corpus) -> None:
    trained(store, sheep, "before")
    after = trained(store, wolves, "after", origin="before")
    Path(sheep.config.source).unlink()
    effect = effect_of(after, wolves)[1]
    assert effect is not None
    assert effect.new is not None
    assert effect.old is None
    assert "sheep, the text of before, was not found" in effect.meaning
    store.delete("before")
    effect = effect_of(after, wolves)[1]
    assert effect is not None
    assert effect.effects == []
    assert "before" in effect.meaning
    assert "no longer" in effect.meaning


def test_a_model_that_began_with_random_weights_has_no_effect(store: RunStore, sheep: Corpus) -> None:
    assert effect_of(trained(store, sheep, "alone"), sheep) == ([], None)


@pytest.mark.parametrize(
    ("after", "before", "error", "said"),
    [
        (1.0, 1.5, 0.1, "gained 0.50 nats"),
        (1.5, 1.0, 0.1, "lost 0.50 nats"),
        (1.0, 1.1, 0.1, "changed by 0.10 nats per character, which may be chance"),
        (1.0, 1.5, None, "which may be chance"),
    ],
)
def test_a_change_is_named_only_where_it_is_more_than_chance(
    after: float, before: float, error: float | None, said: str
) -> None:
    compared = Comparison(characters=9, loss=after, other_loss=before, standard_error=error)
    effect = TextEffect(text="t", compared=compared, of=9)
    assert said in FineTuning(origin="o", new=effect).meaning


@pytest.mark.usefixtures("one_thread")
def test_characters_that_the_earlier_model_knew_are_counted_among_those_compared(
    store: RunStore, sheep: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.evaluation.fine_tuning.MAX_COMPARED", 600)
    trained(store, sheep, "before")
    after = trained(store, sheep, "after", origin="before")
    effect = effect_of(after, sheep)[1]
    assert effect is not None
    assert effect.new is not None
    assert (effect.new.learnt, effect.new.compared.characters) == (0, 600)
    limited = Corpus(msgspec.structs.replace(sheep.config, limit=len(sheep) // 2), sheep.text)
    effect = effect_of(after, limited)[1]
    assert effect is not None
    assert effect.new is not None
    assert effect.new.learnt == effect.new.compared.characters == 600, "all of them were in its training part"
