"""An experiment in a real terminal: from the form to the findings, a stop, and the end of the app amid it."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.experiments.experiment_store import ExperimentStore
from core.runs.store import RunStore
from core.runs.summary import summarise

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.tui.terminal.test_real_terminal import environment
from tests.waiting import wait_until

F6 = "\x1b[17~"


@pytest.fixture
def terminal(own_runs: Path, small_text: Path) -> Iterator[Terminal]:
    remember_small_settings(small_text, validation=0.1)
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui"], environment(), columns=100, rows=30)
    yield terminal
    terminal.close()


def start(terminal: Terminal) -> None:
    terminal.until_shown("s Start")
    terminal.send(F6)
    terminal.until_shown("18 runs: 6 combinations")
    terminal.send("s")
    terminal.until_shown("2 workers of 1 thread" if psutil.cpu_count() == 2 else "workers of")


def test_stop_resume_and_quit_during_an_experiment(terminal: Terminal, store: RunStore) -> None:
    start(terminal)
    terminal.until(lambda screen: screen.count("%") >= 3)  # two runs in progress
    terminal.send("x")
    terminal.until_shown("stopped, 0 of 18 runs")
    assert {summarise(run).state for run in store.all()} == {"stopped"}
    terminal.send("s")
    terminal.until(lambda screen: "running, 0 of 18 runs" in screen and screen.count("%") >= 3)
    workers = psutil.Process(terminal.process.pid).children(recursive=True)
    terminal.send("q")
    terminal.until_shown("leave during an experiment?")
    terminal.send("s")
    assert terminal.exit_code() == 0
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
    assert {summarise(run).state for run in store.all()} == {"stopped"}
    assert ExperimentStore(store).all() == ["experiment-1"]


def test_a_closed_terminal_stops_the_workers_and_saves_their_runs(terminal: Terminal, store: RunStore) -> None:
    start(terminal)
    terminal.until(lambda screen: screen.count("%") >= 3)
    workers = psutil.Process(terminal.process.pid).children(recursive=True)
    terminal.process.kill(signal.SIGHUP)
    wait_until(lambda: not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers))
    assert {summarise(run).state for run in store.all()} == {"stopped"}
