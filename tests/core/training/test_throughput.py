"""The speed of a run, from the times of a few steps: on a clock that only the steps move."""

from collections.abc import Iterable, Iterator

import pytest

from core.control import Control
from core.model.device import choose
from core.settings.config import ModelConfig, TrainingConfig
from core.settings.forecast import Span
from core.training import throughput
from core.training.throughput import MIN_STEPS, estimate, measure_speed, time_rounds


class Machine:
    """A clock, and steps that take what they are told to."""

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
    """Steps of a usual length; `s3=8` stalls the third for 8 s. The first builds what the others use."""
    number = 0
    while True:
        number += 1
        yield stalls.get(f"s{number}", 0.5 if number == 1 else usual)


@pytest.mark.parametrize("usual", [0.0005, 0.02, 0.04, 0.3])
def test_on_a_quiet_machine_the_time_of_a_step_is_exact(usual: float) -> None:
    told = timed(Machine(steps(usual)))[-1]
    assert told.is_exact
    assert told.least == pytest.approx(usual)


@pytest.mark.parametrize("stalled", range(1, 12))
@pytest.mark.parametrize("stall", [1.0, 300.0])
def test_one_stalled_step_does_not_decide(stalled: int, stall: float) -> None:
    told = timed(Machine(steps(0.04, **{f"s{stalled}": stall})))[-1]
    assert told.is_exact
    assert told.least == pytest.approx(0.04)


def test_a_machine_that_slows_down_gives_a_range() -> None:
    told = timed(Machine([0.5, *[0.04] * MIN_STEPS, *[0.12] * 30]))[-1]
    assert told.least == pytest.approx(0.04)
    assert told.most == pytest.approx(0.12)


def test_steps_that_differ_by_little_give_one_figure() -> None:
    told = timed(Machine([0.5, *[0.040, 0.044, 0.041, 0.047, 0.043] * 10]))[-1]
    assert told.is_exact
    assert told.least == pytest.approx(0.040)


def test_a_machine_on_which_most_steps_are_held_up_gives_a_range() -> None:
    told = timed(Machine([0.5, *[0.04, 0.2, 0.2, 0.2, 0.2] * 10]))[-1]
    assert told.least == pytest.approx(0.04)
    assert told.most == pytest.approx(0.2)


def test_very_slow_steps_are_few_and_told_from_the_first_on() -> None:
    machine = Machine(steps(10.0, s1=11.0))
    told = timed(machine)
    assert machine.taken == 2
    assert told[0] == Span(11.0, 11.0)
    assert told[-1].least == pytest.approx(told[-1].most, rel=0.1)
    assert 10.0 <= told[-1].least <= 11.0


def test_a_first_step_that_says_as_much_as_the_second_makes_a_range() -> None:
    told = timed(Machine(steps(10.0, s1=40.0)))[-1]
    assert (told.least, told.most) == (10.0, 40.0)


def test_what_is_known_is_told_after_each_step() -> None:
    machine = Machine(steps(0.3))
    told = timed(machine)
    assert len(told) == machine.taken == 1 + 2 * MIN_STEPS
    assert machine.rests == 1


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_timing_is_stopped_after_the_step_under_way(after: int) -> None:
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
def test_the_speed_has_steps_validation_and_samples(tiny_model: ModelConfig, tiny_training: TrainingConfig) -> None:
    compute = choose(tiny_model, 30, tiny_training)
    told = list(measure_speed(compute, tiny_model, tiny_training, 30, Control(), validation_characters=3_000))
    assert [one.settled for one in told] == [False] * (len(told) - 1) + [True]
    assert told[-1].step.least > 0
    assert told[-1].epoch_end > 0
    assert told[-1].sample > 0


@pytest.mark.usefixtures("one_thread")
def test_what_would_take_long_to_try_is_computed_from_the_steps(
    tiny_model: ModelConfig, tiny_training: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "_QUICK", 0.0)
    monkeypatch.setattr(throughput, "quick_loss", None)  # neither is tried
    monkeypatch.setattr(throughput, "Sampler", None)
    compute = choose(tiny_model, 30, tiny_training)
    *_, told = measure_speed(compute, tiny_model, tiny_training, 30, Control(), validation_characters=3_000)
    assert told.settled
    assert told.epoch_end > 0
    assert told.sample > 0


def test_measuring_can_be_stopped(tiny_model: ModelConfig, tiny_training: TrainingConfig) -> None:
    control = Control()
    compute = choose(tiny_model, 30, tiny_training)
    told = measure_speed(compute, tiny_model, tiny_training, 30, control)
    next(told)
    control.stop()
    assert not any(one.settled for one in told)
