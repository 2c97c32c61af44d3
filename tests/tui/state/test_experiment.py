"""The view of an experiment, after the events of its workers."""

import msgspec
import pytest

from charlstm_tui.state.experiment import ExperimentView, TrialsRead, WorkersStarted
from charlstm_tui.state.job_events import Doing
from core.experiments.findings import find
from core.experiments.results import TrialResult
from core.experiments.trial_events import TrialEnded, TrialEpoch, TrialProgressed, TrialStarted, WorkerFailed
from core.experiments.varied import parse_varied
from tests.core.experiments.test_findings import experiment, trial

SETUP = experiment("num_layers=1,2", seeds=2)
FIRST = trial(1, {"num_layers": 1}, 1.5)


def read(*trials: TrialResult, used: float = 0.0) -> TrialsRead:
    return TrialsRead(experiment=SETUP, trials=trials, findings=find(SETUP, trials), used_seconds=used)


def started(number: int, layers: int = 2) -> TrialStarted:
    return TrialStarted(trial=number, run=f"e-{number}", params={"num_layers": layers}, seed=0, epochs=4, resumed=False)


RUNNING = trial(2, {"num_layers": 2}, None, state="running")
VIEW = ExperimentView(phase="preparing").after(
    [Doing("loading"), read(FIRST, used=10.0), WorkersStarted(workers=2, threads=1), started(2), read(FIRST, RUNNING)]
)


def test_trials_are_shown_best_first_with_the_newest_losses() -> None:
    assert (VIEW.phase, VIEW.doing) == ("running", "")
    assert [each.number for each in VIEW.trials] == [1, 2]
    news = VIEW.after([TrialEpoch(trial=2, epoch=1, train_loss=1.9, val_loss=1.4)])
    assert [each.number for each in news.trials] == [2, 1]
    assert news.trials[0].losses == {1: 1.4}
    waiting = msgspec.structs.replace(RUNNING, number=3)
    assert [each.number for each in news.after([read(FIRST, RUNNING, waiting)]).trials] == [2, 1, 3]


def test_progress_counts_parts_of_runs() -> None:
    assert VIEW.over == 1
    half = VIEW.after([TrialProgressed(trial=2, done=0.5, chars_per_second=1.0)])
    assert half.done == 1.5
    assert half.share == pytest.approx(1.5 / 4)
    ended = half.after(
        [TrialEnded(trial=2, run="e-2", state="finished", loss=1.4), read(FIRST, trial(2, {"num_layers": 2}, 1.4))]
    )
    assert (ended.over, ended.done) == (2, 2.0)


def test_the_time_left_follows_from_the_speed_of_this_session() -> None:
    assert VIEW.seconds_left is None
    view = VIEW.after([TrialProgressed(trial=2, done=0.5, chars_per_second=1.0), read(FIRST, RUNNING, used=20.0)])
    assert view.seconds_left == pytest.approx(2.5 / 0.5 * 10.0)
    limited = msgspec.structs.replace(SETUP, seconds=25.0)
    assert (
        view.after([msgspec.structs.replace(read(FIRST, RUNNING, used=20.0), experiment=limited)]).seconds_left == 5.0
    )


@pytest.mark.parametrize(
    ("items", "phase"),
    [
        ([read(*(trial(n, {"num_layers": n % 2 + 1}, 1.5, seed=n // 2) for n in range(4)))], "finished"),
        ([read(FIRST)], "stopped"),
        ([WorkerFailed(why="The text has changed.")], "failed"),
    ],
)
def test_how_it_ended(items: list[object], phase: str) -> None:
    ended = VIEW.after(items).ended()
    assert ended.phase == phase
    assert not ended.alive
    assert ended.in_progress == {}
    assert ended.error == ("The text has changed." if phase == "failed" else "")


def test_the_state_in_a_few_words() -> None:
    assert ExperimentView().state == "no experiment"
    assert ExperimentView(phase="preparing", doing="loading PyTorch").state == "loading PyTorch"
    assert VIEW.state == "running, 1 of 4 runs"
    assert VIEW.stopping().state == "stopping, 1 of 4 runs"
    assert ExperimentView().stopping().phase == "idle"


def test_the_findings_are_those_of_the_finished_trials() -> None:
    assert ExperimentView().findings is None
    found = VIEW.findings
    assert found is not None
    assert found.finished == 1
    assert found.best_sentence.startswith("The best is num layers 1: 1.500")
    assert SETUP.varied == (parse_varied("num_layers=1,2"),)
