"""The list of trials that workers share: nothing is counted twice, nothing is lost."""

import contextlib
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import optuna
import pytest
from filelock import FileLock
from optuna.storages import BaseStorage

from core.data.corpus import CorpusConfig
from core.experiments import trial_book
from core.experiments.experiment import Experiment
from core.experiments.storage import open_storage
from core.experiments.trial_book import MAX_ATTEMPTS, ClaimedTrial, TrialBook, make_study
from core.experiments.varied import parse_varied
from core.settings.config import ModelConfig, TrainingConfig

GRID = Experiment(
    name="layers", preset="quick", corpus=CorpusConfig(source="t.txt"), model=ModelConfig(),
    training=TrainingConfig(validation=0.1, epochs=3, seed=5),
    varied=(parse_varied("num_layers=1,2,3"), parse_varied("cell=lstm,gru")), seeds=2,
)  # fmt: skip
SEARCH = msgspec.structs.replace(
    GRID, name="search", varied=(parse_varied("learning_rate=1e-4..1e-1:log"), parse_varied("cell=lstm,gru")), trials=7
)


@pytest.fixture(params=["journal", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "" if request.param == "journal" else f"sqlite:///{tmp_path}/trials.db"


class Machine:
    """A machine with its folder, which shares a storage with others."""

    def __init__(self, experiment: Experiment, url: str, folder: Path, name: str = "one") -> None:
        self.experiment, self.url, self.name = experiment, url, name
        self.folder = folder / name if url else folder
        self.folder.mkdir(exist_ok=True)
        with contextlib.suppress(optuna.exceptions.DuplicatedStudyError):
            make_study(experiment, self.storage())

    def storage(self) -> BaseStorage:
        return open_storage(self.url, self.folder)

    def book(self) -> TrialBook:
        return TrialBook(self.experiment, self.storage(), self.folder, self.name)


def work_through(book: TrialBook, pause: float = 0.0) -> list[tuple[object, ...]]:
    """Claim and finish all trials; return their values and seeds."""
    done: list[tuple[object, ...]] = []
    while (claimed := book.claim()) is not None:
        assert not claimed.report(1, 2.0)
        time.sleep(pause)
        claimed.finish(1.5)
        claimed.release()
        done.append((*claimed.result.params.values(), claimed.result.seed))
    return done


def test_a_grid_is_every_combination_with_every_seed_the_longest_runs_first(url: str, tmp_path: Path) -> None:
    book = Machine(GRID, url, tmp_path).book()
    done = work_through(book)
    assert done == [(layers, cell, seed) for seed in (5, 6) for layers in (3, 2, 1) for cell in ("lstm", "gru")]
    results = book.results()
    assert [result.number for result in results] == list(range(1, 13))
    assert [result.run for result in results][:2] == ["layers-1", "layers-2"]
    assert all(result.state == "finished" and result.loss == 1.5 and result.losses == {1: 2.0} for result in results)
    assert book.claim() is None


def test_a_search_repeats_each_of_its_proposals_with_every_seed(url: str, tmp_path: Path) -> None:
    book = Machine(SEARCH, url, tmp_path).book()
    done = work_through(book)
    assert Counter(seed for *_, seed in done) == {5: 7, 6: 7}
    assert all(count == 2 for count in Counter((rate, cell) for rate, cell, _ in done).values())
    assert all(1e-4 <= float(rate) <= 1e-1 for rate, _, _ in done)  # type: ignore[arg-type]
    assert len(book.results()) == SEARCH.runs == 14


@pytest.mark.parametrize("experiment", [GRID, SEARCH], ids=["grid", "search"])
def test_workers_at_the_same_time_do_each_trial_once(experiment: Experiment, url: str, tmp_path: Path) -> None:
    machine = Machine(experiment, url, tmp_path)
    done: list[tuple[object, ...]] = []
    workers = [threading.Thread(target=lambda: done.extend(work_through(machine.book(), 0.01))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(done) == len(set(done)) == experiment.runs
    results = machine.book().results()
    assert len(results) == experiment.runs
    assert all(result.state == "finished" for result in results)


def test_two_machines_that_claim_at_the_same_moment_get_different_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later one takes the next combination. The number that it had first counts for nothing."""
    url = f"sqlite:///{tmp_path}/trials.db"
    book, other = (Machine(GRID, url, tmp_path, name).book() for name in ("here", "there"))
    first: list[ClaimedTrial | None] = []
    real = book._storage.create_new_trial

    def come_second(*arguments: Any) -> int:
        if not first:
            first.append(other.claim())
        return real(*arguments)

    monkeypatch.setattr(book._storage, "create_new_trial", come_second)
    claimed, (its,) = book.claim(), first
    assert claimed is not None
    assert its is not None
    assert [trial.result.params for trial in (its, claimed)] == [
        {"num_layers": 3, "cell": "lstm"}, {"num_layers": 3, "cell": "gru"},
    ]  # fmt: skip
    assert [trial.result.number for trial in (its, claimed)] == [1, 3]
    for machine in (book, other):
        assert [(result.number, result.state) for result in machine.results()] == [(1, "running"), (3, "running")]


def test_an_interrupted_trial_is_taken_up_first_with_its_losses(url: str, tmp_path: Path) -> None:
    machine = Machine(GRID, url, tmp_path)
    one, other = machine.book(), machine.book()
    first = one.claim()
    second = other.claim()
    assert first is not None
    assert second is not None
    assert (first.result.number, second.result.number) == (1, 2)
    first.report(1, 1.9)
    assert [result.state for result in one.results()] == ["running", "running"]
    first.release()  # as the operating system does when a worker dies
    assert [result.state for result in other.results()] == ["interrupted", "running"]
    again = other.claim()
    assert again is not None
    assert again.result.number == 1
    assert again.result.losses == {1: 1.9}
    again.report(1, 1.9)  # an epoch that was reported before
    again.report(2, 1.8)
    again.finish(1.8)
    again.release()
    assert other.results()[0].losses == {1: 1.9, 2: 1.8}


def test_a_trial_whose_process_always_dies_fails_after_some_attempts(url: str, tmp_path: Path) -> None:
    book = Machine(GRID, url, tmp_path).book()
    for attempt in range(MAX_ATTEMPTS):
        claimed = book.claim()
        assert claimed is not None
        assert (claimed.result.number, claimed.attempts) == (1, attempt)
        claimed.release()
    claimed = book.claim()
    assert claimed is not None
    assert claimed.result.number == 2
    failed = book.results()[0]
    assert (failed.state, failed.why) == ("failed", "Its process ended 3 times before the first epoch was completed.")


def test_a_worker_that_is_stopped_in_order_makes_no_attempt(url: str, tmp_path: Path) -> None:
    book = Machine(GRID, url, tmp_path).book()
    for _ in range(MAX_ATTEMPTS + 2):
        claimed = book.claim()
        assert claimed is not None
        assert (claimed.result.number, claimed.attempts) == (1, 0)
        claimed.interrupt()
        claimed.release()


def test_a_trial_that_another_machine_gave_up_is_no_longer_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    book, other = (Machine(GRID, url, tmp_path, name).book() for name in ("here", "there"))
    claimed = book.claim()
    assert claimed is not None
    (trial,) = other._counted()
    other._give_up(trial)
    assert not claimed.report(1, 2.0)
    assert claimed.is_given_up
    claimed.sign()
    claimed.interrupt()
    claimed.fail("too late")
    claimed.finish(1.0)
    claimed.release()
    assert other.results() == []


def test_a_sampler_that_only_repeats_itself_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search over fewer combinations than it should try is refused; one in an old file ends all the same."""
    monkeypatch.setattr(trial_book, "MAX_SURPLUS", 10)
    experiment = msgspec.structs.replace(SEARCH, varied=(parse_varied("cell=lstm,gru"),), trials=5, seeds=1)
    book = Machine(experiment, "", tmp_path).book()
    assert sorted(cell for cell, _ in work_through(book)) == ["gru", "lstm"]  # type: ignore[type-var]


def test_a_journal_whose_last_line_is_incomplete_loses_only_this_line(tmp_path: Path) -> None:
    machine = Machine(GRID, "", tmp_path)
    claimed = machine.book().claim()
    assert claimed is not None
    claimed.finish(1.5)
    claimed.release()
    path = tmp_path / "trials.journal"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    book = machine.book()
    assert book.results()[0].state == "interrupted", "the line that said that it is finished"
    again = book.claim()
    assert again is not None
    assert again.result.number == 1
    again.finish(1.5)
    assert machine.book().results()[0].loss == 1.5


def test_a_trial_that_ended_between_two_looks_is_not_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(GRID, "", tmp_path)
    book, other = machine.book(), machine.book()
    claimed = other.claim()
    assert claimed is not None
    real = FileLock.acquire

    def end_first(lock: FileLock, *arguments: object, **named: object) -> object:
        if lock.lock_file.endswith("trial-1.lock"):
            monkeypatch.setattr(FileLock, "acquire", real)
            claimed.finish(1.0)
            claimed.release()
        return real(lock, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(FileLock, "acquire", end_first)
    taken = book.claim()
    assert taken is not None
    assert taken.result.number == 2
    assert book.results()[0].state == "finished"


def test_two_machines_share_a_database_and_repeat_what_the_other_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    here, there = Machine(GRID, url, tmp_path, "here"), Machine(GRID, url, tmp_path, "there")
    lost = there.book().claim()
    assert lost is not None
    lost.release()  # that machine was switched off
    book = here.book()
    first = book.results()[0]
    assert (first.state, first.is_here) == ("running", False), "only a long silence counts as lost"
    mine = book.claim()
    assert mine is not None
    assert mine.result.number == 2
    monkeypatch.setattr(trial_book, "SILENT", -1.0)
    repeated = book.claim()
    assert repeated is not None
    assert repeated.result.params == first.params
    assert repeated.result.seed == first.seed
    assert repeated.result.number == 3
    lost.finish(9.9)  # that machine is back, too late
    assert [result.number for result in book.results()] == [2, 3]


def test_of_two_trials_that_two_machines_began_at_once_the_first_counts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trials.db"
    here, there = Machine(GRID, url, tmp_path, "here"), Machine(GRID, url, tmp_path, "there")
    book, other = here.book(), there.book()
    plan, began = other._plan, 0

    def begin_here_meanwhile() -> object:
        nonlocal began
        for each in plan():
            if not began:
                began = 1
                assert book.claim() is not None
            yield each

    other._plan = begin_here_meanwhile  # type: ignore[assignment, method-assign]
    claimed = other.claim()
    assert claimed is not None
    assert (claimed.result.params, claimed.result.seed) == ({"num_layers": 3, "cell": "gru"}, 5)
    assert [result.is_here for result in other.results()] == [False, True]


def test_a_hopeless_trial_is_pruned_and_a_pruned_one_is_over(tmp_path: Path) -> None:
    experiment = msgspec.structs.replace(SEARCH, pruning="median", seeds=1)
    book = Machine(experiment, "", tmp_path).book()
    for _ in range(5):
        claimed = book.claim()
        assert claimed is not None
        for epoch in (1, 2):
            assert not claimed.report(epoch, 1.0)
        claimed.finish(1.0)
        claimed.release()
    claimed = book.claim()
    assert claimed is not None
    claimed.report(1, 5.0)
    assert claimed.report(2, 5.0)
    claimed.prune()
    claimed.release()
    assert book.results()[-1].state == "pruned"
    claimed = book.claim()
    assert claimed is not None
    assert claimed.result.number == 7


def test_the_first_value_noted_is_kept(tmp_path: Path) -> None:
    machine = Machine(GRID, "", tmp_path)
    one, other = machine.book(), machine.book()
    assert one.noted("precision") is None
    assert one.note("precision", "bf16") == "bf16"
    assert other.note("precision", "fp32") == "bf16"


def test_importances_say_which_setting_matters(tmp_path: Path) -> None:
    experiment = msgspec.structs.replace(GRID, seeds=3)
    book = Machine(experiment, "", tmp_path).book()
    while (claimed := book.claim()) is not None:
        claimed.finish(1.0 + int(claimed.result.params["num_layers"]) + claimed.result.seed / 1000)
        claimed.release()
    shares = book.importances()
    assert list(shares) == ["num_layers", "cell"]
    assert shares["num_layers"] > 0.9


def test_a_setting_with_the_larger_effect_is_the_more_important_one(tmp_path: Path) -> None:
    """The shape of the README's experiment: nine combinations with three seeds, the one effect five times the other."""
    experiment = msgspec.structs.replace(
        GRID, varied=(parse_varied("num_layers=1,2,3"), parse_varied("hidden_size=64,128,256")), seeds=3
    )
    book = Machine(experiment, "", tmp_path).book()
    while (claimed := book.claim()) is not None:
        params = claimed.result.params
        loss = {64: 1.84, 128: 1.67, 256: 1.57}[int(params["hidden_size"])]
        loss += {1: 0.0, 2: -0.02, 3: 0.03}[int(params["num_layers"])]
        claimed.finish(loss + claimed.result.seed / 1000)
        claimed.release()
    shares = book.importances()
    assert list(shares) == ["hidden_size", "num_layers"]
    assert shares["hidden_size"] > 0.8
