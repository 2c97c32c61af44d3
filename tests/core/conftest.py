from collections.abc import Iterator

import pytest
import torch


class TickingClock:
    """Time that passes by a thousandth of a second each time somebody looks, whatever the load of the machine."""

    now = 0.0

    def perf_counter(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def training_clock(monkeypatch: pytest.MonkeyPatch) -> TickingClock:
    """The clock that runs are timed by."""
    clock = TickingClock()
    monkeypatch.setattr("core.training.time", clock)
    return clock


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The threads of a tiny model wait for each other on a busy machine: its tests took 75 s with two, 4 s with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
