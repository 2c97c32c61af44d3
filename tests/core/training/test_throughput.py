"""Speed measurements with a fake clock that only the steps advance."""

from collections.abc import Iterable, Iterator

import pytest

from core.control import Control
from core.model.device import choose
from core.settings.config import ModelConfig, TrainingConfig
from core.settings.forecast import Span
from core.training import throughput
from core.training.throughput import MIN_STEPS, estimate, measure_speed, time_rounds


class Machine:
    """A fake clock, and steps of given durations."""

    def __init__(self, seconds: Iterable[float]) -> None:
        self.now = 0.0
        self.taken = 0
        self.rests = 0
        self._seconds: Iterator[float] = iter(seconds)

    def clock(self) -> float:
        return self.now

    def step(self) -> None:
        self.taken += 1
        self.now += next(self._seconds)

    def rest(self) -> None:
        self.rests += 1
        self.now += 1.0


def timed(machine: Machine, control: Control | None = None) -> list[Span]:
    return list(time_rounds(machine.step, machine.rest, control or Control(), machine.clock))


def steps(usual: float, **stalls: float) -> Iterator[float]:
    """Yield durations of steps: `usual`, except the first, which includes setup; `s3=8` stalls the third for 8 s."""
    number = 0
    while True:
        number += 1
        yield stalls.get(f"s{number}", 0.5 if number == 1 else usual)


@pytest.mark.parametrize("usual", [0.0005, 0.02, 0.04, 0.3])
def test_on_an_idle_machine_the_duration_of_a_step_is_exact(usual: float) -> None:
    measured = timed(Machine(steps(usual)))[-1]
    assert measured.is_exact
    assert measured.least == pytest.approx(usual)


@pytest.mark.parametrize("stalled", range(1, 12))
@pytest.mark.parametrize("stall", [1.0, 300.0])
def test_one_stalled_step_does_not_change_the_estimate(stalled: int, stall: float) -> None:
    measured = timed(Machine(steps(0.04, **{f"s{stalled}": stall})))[-1]
    assert measured.is_exact
    assert measured.least == pytest.approx(0.04)


def test_a_machine_that_slows_down_gives_a_range() -> None:
    measured = timed(Machine([0.5, *[0.04] * MIN_STEPS, *[0.12] * 30]))[-1]
    assert measured.least == pytest.approx(0.04)
    assert measured.most == pytest.approx(0.12)


def test_steps_of_similar_duration_give_one_figure() -> None:
    measured = timed(Machine([0.5, *[0.040, 0.044, 0.041, 0.047, 0.043] * 10]))[-1]
    assert measured.is_exact
    assert measured.least == pytest.approx(0.040)


def test_a_machine_that_delays_most_steps_gives_a_range() -> None:
    measured = timed(Machine([0.5, *[0.04, 0.2, 0.2, 0.2, 0.2] * 10]))[-1]
    assert measured.least == pytest.approx(0.04)
    assert measured.most == pytest.approx(0.2)


def test_very_slow_steps_are_timed_twice_and_reported_after_the_first() -> None:
    machine = Machine(steps(10.0, s1=11.0))
    measured = timed(machine)
    assert machine.taken == 2
    assert measured[0] == Span(11.0, 11.0)
    assert measured[-1].least == pytest.approx(measured[-1].most, rel=0.1)
    assert 10.0 <= measured[-1].least <= 11.0


def test_with_only_two_very_slow_steps_the_first_one_counts_too() -> None:
    measured = timed(Machine(steps(10.0, s1=40.0)))[-1]
    assert (measured.least, measured.most) == (10.0, 40.0)


def test_an_estimate_is_yielded_after_each_step() -> None:
    machine = Machine(steps(0.3))
    measured = timed(machine)
    assert len(measured) == machine.taken == 1 + 2 * MIN_STEPS
    assert machine.rests == 1


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_timing_stops_after_the_current_step(after: int) -> None:
    machine, control = Machine(steps(0.3)), Control()
    rounds = time_rounds(machine.step, machine.rest, control, machine.clock)
    for _ in range(1 + after):
        next(rounds)
    control.stop()
    assert list(rounds) == []
    assert machine.taken == 1 + after


def test_an_estimate_needs_one_step() -> None:
    assert estimate([[2.0]]) == Span(2.0, 2.0)
    assert estimate([[2.0], []]) == Span(2.0, 2.0)


@pytest.mark.usefixtures("one_thread")
def test_the_speed_includes_steps_validation_and_samples(
    tiny_model: ModelConfig, tiny_training: TrainingConfig
) -> None:
    compute = choose(tiny_model, 30, tiny_training)
    measured = list(measure_speed(compute, tiny_model, tiny_training, 30, Control(), validation_characters=3_000))
    assert [speed.settled for speed in measured] == [False] * (len(measured) - 1) + [True]
    assert measured[-1].step.least > 0
    assert measured[-1].epoch_end > 0
    assert measured[-1].sample > 0


@pytest.mark.usefixtures("one_thread")
def test_long_validations_and_samples_are_calculated_from_the_step_time(
    tiny_model: ModelConfig, tiny_training: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "_QUICK", 0.0)
    monkeypatch.setattr(throughput, "quick_loss", None)  # neither is called
    monkeypatch.setattr(throughput, "Sampler", None)
    compute = choose(tiny_model, 30, tiny_training)
    *_, measured = measure_speed(compute, tiny_model, tiny_training, 30, Control(), validation_characters=3_000)
    assert measured.settled
    assert measured.epoch_end > 0
    assert measured.sample > 0


def test_measuring_can_be_stopped(tiny_model: ModelConfig, tiny_training: TrainingConfig) -> None:
    control = Control()
    compute = choose(tiny_model, 30, tiny_training)
    measured = measure_speed(compute, tiny_model, tiny_training, 30, control)
    next(measured)
    control.stop()
    assert not any(speed.settled for speed in measured)
