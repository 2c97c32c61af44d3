"""The number of threads, on a simulated machine: the duration of a step depends on the threads and on the time."""

from collections.abc import Callable

import pytest
import torch

from core.control import Control
from core.data.corpus import Corpus
from core.events import Event, RunFinished, StepsCompleted, ThreadsChanged, from_json, to_json
from core.model.device import ComputeSettings
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.training.thread_count import MAX_WAIT, ThreadCount
from core.training.trainer import Trainer

Machine = Callable[[int, float], float]
"""Return the duration of a step with this many threads at this time."""


def simulate(count: ThreadCount, machine: Machine, seconds: float) -> list[tuple[float, int]]:
    """Take steps for `seconds`; return each change of the number that was kept, and its time."""
    now, changes = 0.0, list[tuple[float, int]]()
    while now < seconds:
        took = machine(count.threads, now)
        now += took
        before = count.kept
        count.add(took, now)
        if count.kept != before:
            changes.append((now, count.kept))
    return changes


def busy_between(start: float, end: float, free: dict[int, float], busy: dict[int, float]) -> Machine:
    return lambda threads, now: (busy if start <= now < end else free)[threads]


FREE, BUSY = {1: 0.060, 2: 0.037}, {1: 0.060, 2: 0.131}
"""Duration of a step as measured on two cores, without and with another busy process."""


def test_an_undisturbed_run_never_changes() -> None:
    count = ThreadCount(2, [1, 2], lambda: 0.0)
    assert simulate(count, lambda threads, now: FREE[threads], 300) == []
    assert count.changes == 0


def test_fewer_threads_within_three_seconds_and_more_again_within_a_minute() -> None:
    count = ThreadCount(2, [1, 2], lambda: 0.0)
    changes = simulate(count, busy_between(15, 200, FREE, BUSY), 300)
    assert [threads for _, threads in changes] == [1, 2]
    assert 15 < changes[0][0] <= 18
    assert 200 < changes[1][0] <= 260
    assert count.changes < 20


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_steps_of_any_length(scale: float) -> None:
    free, busy = ({threads: scale * took for threads, took in steps.items()} for steps in (FREE, BUSY))
    changes = simulate(ThreadCount(2, [1, 2], lambda: 0.0), busy_between(30, 300, free, busy), 400)
    assert [threads for _, threads in changes] == [1, 2]


def test_a_slowdown_that_fewer_threads_do_not_cure_changes_nothing_for_long() -> None:
    """The CPU became hot, say: one thread is no better, and it is seldom tried."""
    hot = {1: 0.120, 2: 0.074}
    count = ThreadCount(2, [1, 2], lambda: 0.0)
    assert simulate(count, busy_between(10, 310, FREE, hot), 310) == []
    assert count.changes <= 2


def test_a_short_disturbance_changes_nothing() -> None:
    count = ThreadCount(2, [1, 2], lambda: 0.0)
    assert simulate(count, busy_between(15, 15.3, FREE, BUSY), 60) == []
    assert count.changes == 0


def test_a_run_that_began_on_a_busy_machine_gets_its_threads_later() -> None:
    changes = simulate(ThreadCount(1, [1, 2], lambda: 1.0), busy_between(0, 60, FREE, BUSY), 200)
    assert [threads for _, threads in changes] == [2]
    assert 60 < changes[0][0] <= 60 + MAX_WAIT + 5
    calm = ThreadCount(1, [1, 2], lambda: 0.1)
    assert simulate(calm, lambda threads, now: FREE[threads], 200) == []
    assert calm.changes == 0


def test_several_numbers_are_tried_in_turn() -> None:
    free = {1: 0.16, 4: 0.05, 8: 0.03}
    half = {1: 0.16, 4: 0.06, 8: 0.12}
    full = {1: 0.17, 4: 0.40, 8: 0.60}

    def machine(threads: int, now: float) -> float:
        return (free if now < 20 or now > 160 else half if now < 80 else full)[threads]

    changes = simulate(ThreadCount(8, [1, 4, 8], lambda: 0.0), machine, 300)
    assert [threads for _, threads in changes] == [4, 1, 4, 8]


def test_trials_cost_little_while_the_other_work_goes_on() -> None:
    """The characters read while another process is busy, compared with a single thread throughout."""
    count = ThreadCount(2, [1, 2], lambda: 0.0)
    now, steps_after = 0.0, 0
    machine = busy_between(15, 400, FREE, BUSY)
    while now < 120:
        took = machine(count.threads, now)
        now += took
        count.add(took, now)
        steps_after += now > 20
    assert steps_after * FREE[1] / 100 > 0.96


@pytest.fixture
def slow_from_the_tenth_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the steps with two threads seem slow from the tenth on."""
    add = ThreadCount.add
    taken = 0

    def add_simulated(self: ThreadCount, seconds: float, now: float) -> bool:
        nonlocal taken
        taken += 1
        return add(self, 0.5 if taken < 10 else {1: 0.6, 2: 2.0}[self.threads], float(taken))

    monkeypatch.setattr(ThreadCount, "add", add_simulated)
    monkeypatch.setattr("core.training.trainer.thread_counts", lambda: [1, 2])
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)


def run_on_two_threads(corpus: Corpus, model: ModelConfig, training: TrainingConfig) -> tuple[list[Event], list[int]]:
    """Return the events of 40 steps that begin with two threads, and PyTorch's number of threads at each report."""
    compute = ComputeSettings(device="cpu", precision="fp32", threads=2)
    control, events, threads = Control(), list[Event](), list[int]()
    for event in Trainer(corpus, model, training, compute).run(control):
        events.append(event)
        if isinstance(event, StepsCompleted):
            threads.append(torch.get_num_threads())
            if event.total_steps >= 40:
                control.stop()
    return events, threads


@pytest.mark.usefixtures("slow_from_the_tenth_step")
def test_a_run_changes_its_threads_and_says_so(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    before = torch.get_num_threads()
    free = configure(tiny_training, {"threads": 0})
    events, threads = run_on_two_threads(small_corpus, tiny_model, free)
    (changed,) = [event for event in events if isinstance(event, ThreadsChanged)]
    assert (changed.before, changed.threads) == (2, 1)
    assert "1 thread instead of 2" in changed.advice
    assert (threads[0], threads[-1]) == (2, 1)
    assert torch.get_num_threads() == before
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.thread_changes >= 1
    assert from_json(to_json(changed)) == changed


@pytest.mark.usefixtures("slow_from_the_tenth_step")
def test_a_number_that_was_given_is_never_changed(
    small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    events, threads = run_on_two_threads(small_corpus, tiny_model, configure(tiny_training, {"threads": 2}))
    assert set(threads) == {2}
    assert not any(isinstance(event, ThreadsChanged) for event in events)
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.thread_changes == 0
