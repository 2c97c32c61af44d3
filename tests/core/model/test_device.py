from collections import Counter
from types import SimpleNamespace

import pytest
import torch

from core.errors import UserError
from core.model import device
from core.model.device import ComputeSettings, Trial, choose, choosing
from core.settings.config import ModelConfig, TrainingConfig

TINY = ModelConfig(embedding_size=4, hidden_size=8)


def test_configured_settings_are_used() -> None:
    assert choose(TINY, 9, TrainingConfig(precision="fp32", threads=1, device="cpu")) == ComputeSettings(
        device="cpu", precision="fp32", threads=1
    )


def test_open_settings_are_timed_and_the_number_of_threads_is_restored() -> None:
    before = torch.get_num_threads()
    compute = choose(TINY, 9, TrainingConfig(streams=4, window=20, device="cpu"))
    assert torch.get_num_threads() == before
    assert (torch.tensor(1e-40) * 1.0).item() > 0, "denormal numbers are no longer flushed"
    assert compute.threads in device._threads(TrainingConfig())
    assert compute.precision in ("fp32", "bf16")


def test_the_fastest_working_candidate_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now

    def step(network: object, ids: object, compute: ComputeSettings) -> bool:
        if compute.precision == "bf16":
            raise RuntimeError("could not create a primitive descriptor")
        clock.now += 0.01 if compute.threads == 1 else 0.002
        return True

    monkeypatch.setattr(device, "time", clock)
    monkeypatch.setattr(device, "_step", step)
    monkeypatch.setattr(device, "_threads", lambda config: [1, 2])
    assert choose(TINY, 9, TrainingConfig(device="cpu")) == ComputeSettings(device="cpu", precision="fp32", threads=2)
    with pytest.raises(UserError, match="cannot train in bf16"):
        choose(TINY, 9, TrainingConfig(device="cpu", precision="bf16"))


class Machine:
    """A clock that only steps advance; a step of `usual[precision]` seconds, except those in `other` (by number)."""

    def __init__(self, usual: dict[str, float], other: dict[tuple[str, int], float]) -> None:
        self.now = 0.0
        self.taken: Counter[str] = Counter()
        self._usual, self._other = usual, other

    def perf_counter(self) -> float:
        return self.now

    def step(self, network: object, ids: object, compute: ComputeSettings) -> bool:
        self.taken[compute.precision] += 1
        seconds = self._other.get((compute.precision, self.taken[compute.precision]), self._usual[compute.precision])
        self.now += seconds
        return True


@pytest.mark.parametrize("setup", [0.02, 0.3, 0.6, 3.0])
@pytest.mark.parametrize("usual", [{"fp32": 0.01, "bf16": 0.005}, {"fp32": 0.4, "bf16": 0.2}])
def test_the_one_time_setup_of_bf16_does_not_count(
    monkeypatch: pytest.MonkeyPatch, usual: dict[str, float], setup: float
) -> None:
    machine = Machine(usual, {("bf16", 1): setup})
    monkeypatch.setattr(device, "time", machine)
    monkeypatch.setattr(device, "_step", machine.step)
    assert choose(TINY, 9, TrainingConfig(device="cpu", threads=1)).precision == "bf16"


@pytest.mark.parametrize("stalled", range(1, 8))
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_that_another_process_delays_does_not_count(
    monkeypatch: pytest.MonkeyPatch, precision: str, stalled: int
) -> None:
    machine = Machine({"fp32": 0.02, "bf16": 0.015}, {(precision, stalled): 0.25})
    monkeypatch.setattr(device, "time", machine)
    monkeypatch.setattr(device, "_step", machine.step)
    assert choose(TINY, 9, TrainingConfig(device="cpu", threads=1)).precision == "bf16"


def test_a_missing_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no cuda device"):
        choose(TINY, 9, TrainingConfig(device="cuda"))


def test_each_trial_is_reported_before_it_starts_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_threads", lambda config: [1, 2])
    steps: list[ComputeSettings] = []

    def step(network: object, ids: object, compute: ComputeSettings) -> bool:
        steps.append(compute)
        return True

    monkeypatch.setattr(device, "_step", step)
    told = list(choosing(TINY, 9, TrainingConfig(device="cpu")))
    trials, compute = told[:-1], told[-1]
    assert isinstance(compute, ComputeSettings)
    assert [(one.number, one.of) for one in trials if isinstance(one, Trial)] == [(n, 4) for n in range(1, 5)]
    steps.clear()
    trying = choosing(TINY, 9, TrainingConfig(device="cpu"))
    next(trying)
    assert steps == [], "a trial is reported before it is timed"
    next(trying)
    trying.close()
    assert {(one.precision, one.threads) for one in steps} == {("fp32", 2)}


def test_a_slow_network_is_timed_once_per_candidate_on_short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []

    def step(network: object, ids: torch.Tensor, compute: ComputeSettings) -> bool:
        shapes.append(tuple(ids.shape))
        return True

    monkeypatch.setattr(device, "_step", step)
    monkeypatch.setattr(device, "_threads", lambda config: [1, 2])
    monkeypatch.setattr(device, "_SLOW", -1.0)  # every first step is slow
    monkeypatch.setattr(device, "_OPERATIONS", 0.0)
    monkeypatch.setattr(device, "PATIENCE", 0.0)
    choose(TINY, 9, TrainingConfig(streams=3, window=60, device="cpu"))
    assert shapes == [(2, 3)] * 4
