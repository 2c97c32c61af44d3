"""The clock of a run stands still while the shell has stopped the process."""

import threading
import time

import pytest

from core import stopped_time
from core.training.clock import Clock
from tests.conftest import TickingClock
from tests.waiting import DEADLINE


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> TickingClock:
    """The time that passes for other programs."""
    clock = TickingClock()
    monkeypatch.setattr("core.stopped_time.time", clock)
    return clock


def test_the_clock_of_a_run_does_not_count_the_time_for_which_the_process_is_stopped(real: TickingClock) -> None:
    clock = Clock(5.0)
    clock.start()
    real.now += 2
    stopped_time.begin()
    real.now += 3600
    before_end = clock.elapsed()  # in another thread, which runs again first
    assert stopped_time.end() == pytest.approx(3600, abs=0.1)
    assert before_end == pytest.approx(7.0, abs=0.1)
    real.now += 1
    assert clock.elapsed() == pytest.approx(8.0, abs=0.1)
    clock.stop()
    assert clock.elapsed() == pytest.approx(8.0, abs=0.1)


def test_a_second_begin_or_end_changes_nothing(real: TickingClock) -> None:
    began = stopped_time.running_time()
    assert stopped_time.end() == 0
    stopped_time.begin()
    real.now += 10
    stopped_time.begin()
    real.now += 10
    assert stopped_time.end() == pytest.approx(20, abs=0.1)
    assert stopped_time.end() == 0
    assert stopped_time.running_time() - began < 0.1


def test_the_time_never_goes_back_while_other_threads_read_it() -> None:
    worst, over = [0.0], threading.Event()

    def read() -> None:
        last = stopped_time.running_time()
        while not over.is_set():
            now = stopped_time.running_time()
            worst[0] = min(worst[0], now - last)
            last = now

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        stopped_time.begin()
        time.sleep(0.0005)
        stopped_time.end()
    over.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert worst[0] >= -1e-9
