"""Workers train the trials as ordinary runs."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.errors import UserError
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.experiments.opening import open_experiment
from core.experiments.trial_book import TrialBook
from core.experiments.trial_events import TrialEnded, TrialEpoch, TrialEvent, TrialStarted, from_json, to_json
from core.experiments.varied import parse_varied
from core.experiments.worker import work
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from tests.conftest import TINY_MODEL, TINY_TRAINING

pytestmark = pytest.mark.usefixtures("one_thread")


def experiment_of(corpus: Corpus, *varied: str, **changes: object) -> Experiment:
    experiment = Experiment(
        name="sizes", preset="quick", corpus=corpus.config, model=TINY_MODEL, training=TINY_TRAINING,
        varied=tuple(map(parse_varied, varied or ("hidden_size=4,6",))),
    )  # fmt: skip
    return msgspec.structs.replace(experiment, **changes)


def opened(store: RunStore, experiment: Experiment) -> TrialBook:
    experiments = ExperimentStore(store)
    if not experiments.has(experiment.name):
        experiments.create(experiment)
    return open_experiment(experiments, experiment.name).book


def worked(store: RunStore, experiment: Experiment, corpus: Corpus) -> list[TrialEvent]:
    return list(work(opened(store, experiment), store, corpus, Control(), 1))


def test_every_trial_is_a_run_with_its_settings(store: RunStore, small_corpus: Corpus) -> None:
    experiment = experiment_of(small_corpus, "hidden_size=4,6", "window=8,12", seeds=2)
    events = worked(store, experiment, small_corpus)
    results = opened(store, experiment).results()
    assert len(results) == 8
    for result in results:
        run = store.get(result.run)
        config, summary = run.config(), summarise(run)
        assert config.model == msgspec.structs.replace(TINY_MODEL, hidden_size=result.params["hidden_size"])
        assert config.training.window == result.params["window"]
        assert config.training.seed == result.seed
        assert summary.state == "finished"
        assert result.losses == {epoch.epoch: epoch.val_loss for epoch in epochs_of(run.events())}
        assert result.loss == summary.best_val_loss
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert [event.loss for event in ended] == [result.loss for result in results]
    assert [from_json(to_json(event)) for event in events] == events


def stopped_after(events: Iterator[TrialEvent], control: Control, kind: type, number: int) -> list[TrialEvent]:
    """Take events, and stop the worker after some of a kind."""
    taken = []
    for event in events:
        taken.append(event)
        if sum(isinstance(each, kind) for each in taken) == number:
            control.stop()
    return taken


def test_a_stopped_trial_is_resumed_and_ends_as_one_that_was_not_stopped(
    store: RunStore, small_corpus: Corpus, tmp_path: Path
) -> None:
    experiment = experiment_of(small_corpus, training=msgspec.structs.replace(TINY_TRAINING, epochs=4))
    control = Control()
    events = work(opened(store, experiment), store, small_corpus, control, 1)
    taken = stopped_after(events, control, TrialEpoch, 2)
    last = taken[-1]
    assert isinstance(last, TrialEnded)
    assert last.state == "interrupted"
    assert opened(store, experiment).results()[0].state == "interrupted"
    again = worked(store, experiment, small_corpus)
    started = again[0]
    assert isinstance(started, TrialStarted)
    assert started.resumed
    whole = RunStore(tmp_path / "whole")
    worked(whole, experiment, small_corpus)
    for one, other in zip(opened(store, experiment).results(), opened(whole, experiment).results(), strict=True):
        assert one == other
        assert [epoch.train_loss for epoch in epochs_of(store.get(one.run).events())] == [
            epoch.train_loss for epoch in epochs_of(whole.get(other.run).events())
        ]


def test_a_run_that_ended_just_before_its_worker_was_killed_is_not_repeated(
    store: RunStore, small_corpus: Corpus
) -> None:
    experiment = experiment_of(small_corpus)
    worked(store, experiment, small_corpus)
    first = opened(store, experiment).results()[0]
    before = (store.root / first.run / "metrics.jsonl").read_bytes()
    journal = ExperimentStore(store).folder(experiment.name) / "trials.journal"
    lines = journal.read_text().splitlines(keepends=True)
    # Take the storage back to a moment at which the first trial was running and no other had begun.
    end = next(number for number, line in enumerate(lines) if '"state":1' in line.replace(" ", ""))
    journal.write_text("".join(lines[:end]))
    shutil.rmtree(store.root / "sizes-2")
    worked(store, experiment, small_corpus)
    again = opened(store, experiment).results()
    assert again[0] == first
    assert (store.root / first.run / "metrics.jsonl").read_bytes() == before
    assert [result.state for result in again] == ["finished", "finished"]


def test_a_trial_that_cannot_be_trained_fails_with_the_reason_and_the_others_continue(
    store: RunStore, small_corpus: Corpus
) -> None:
    experiment = experiment_of(small_corpus, "window=65000,10")
    worked(store, experiment, small_corpus)
    failed, finished = opened(store, experiment).results()
    assert failed.state == "failed"
    assert "a window of at most 373" in failed.why
    assert not store.has(failed.run)
    assert finished.state == "finished"


def test_a_run_that_diverges_is_a_failed_trial(store: RunStore, small_corpus: Corpus) -> None:
    training = msgspec.structs.replace(TINY_TRAINING, epochs=3, gradient_clip=0.0)
    experiment = experiment_of(small_corpus, "learning_rate=10,0.01", training=training, model=TINY_MODEL)
    worked(store, experiment, small_corpus)
    results = opened(store, experiment).results()
    assert results[1].state == "finished"
    assert results[0].state in ("failed", "finished")
    if results[0].state == "failed":
        assert results[0].why == "Its loss diverged."


def test_a_pruned_trial_stops_early_and_its_run_can_be_resumed(store: RunStore, small_corpus: Corpus) -> None:
    """Five good trials, then one that hardly learns."""
    training = msgspec.structs.replace(TINY_TRAINING, epochs=4)
    experiment = experiment_of(
        small_corpus, "learning_rate=0.02,0.021,0.022,0.023,0.024,1e-9",
        training=training, pruning="median",
    )  # fmt: skip
    worked(store, experiment, small_corpus)
    *good, hopeless = opened(store, experiment).results()
    assert hopeless.state == "pruned"
    assert len(hopeless.losses) == 1
    assert summarise(store.get(hopeless.run)).state == "stopped"
    assert all(result.is_over for result in good)


def test_a_text_that_has_changed_is_refused(store: RunStore, small_corpus: Corpus, small_text: Path) -> None:
    experiment = experiment_of(small_corpus)
    book = opened(store, experiment)
    small_text.write_text(small_text.read_text("utf-8") + "Un mouton de plus.\n", "utf-8")
    changed = load_corpus(CorpusConfig(source=str(small_text)))
    with pytest.raises(UserError, match="has changed since the experiment sizes was made"):
        list(work(book, store, changed, Control(), 1))
    assert book.results() == []
    assert store.all() == []


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_run_without_a_state_to_resume_from_begins_again(
    store: RunStore, small_corpus: Corpus, damage: str, tmp_path: Path
) -> None:
    """Its worker was killed between the first epoch's best checkpoint and its last one."""
    experiment = experiment_of(small_corpus, training=msgspec.structs.replace(TINY_TRAINING, epochs=4))
    control = Control()
    stopped_after(work(opened(store, experiment), store, small_corpus, control, 1), control, TrialEpoch, 1)
    last = store.get("sizes-1").last_path
    last.unlink() if damage == "missing" else last.write_bytes(last.read_bytes()[:-100])
    worked(store, experiment, small_corpus)
    whole = RunStore(tmp_path / "whole")
    worked(whole, experiment, small_corpus)
    assert opened(store, experiment).results() == opened(whole, experiment).results()


def test_a_run_of_somebody_else_is_left_alone(store: RunStore, small_corpus: Corpus) -> None:
    experiment = experiment_of(small_corpus)
    book = opened(store, experiment)
    other = msgspec.structs.replace(experiment.run_config({"hidden_size": 5}, 0))
    run = store.create(other, "sizes-1")
    before = run.config_path.read_bytes()
    with pytest.raises(UserError, match="sizes-1 is not of the experiment sizes"):
        list(work(book, store, small_corpus, Control(), 1))
    assert run.config_path.read_bytes() == before
    store.rename("sizes-1", "mine")
    assert [event.state for event in worked(store, experiment, small_corpus) if isinstance(event, TrialEnded)] == [
        "finished", "finished",
    ]  # fmt: skip


def test_what_a_full_disk_did_not_take_is_said(
    store: RunStore, small_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("core.runs.recorder.replace_with", refuse)
    ended = [
        event for event in worked(store, experiment_of(small_corpus), small_corpus) if isinstance(event, TrialEnded)
    ]
    assert [event.state for event in ended] == ["finished", "finished"]
    assert all("No space left on device" in event.unsaved for event in ended)
    assert all(result.loss is not None for result in opened(store, experiment_of(small_corpus)).results())
