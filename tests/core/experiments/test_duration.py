"""How long an experiment takes, from the forecast of one run."""

import msgspec
import pytest

from core.experiments.duration import duration_of
from core.experiments.varied import parse_varied
from core.settings.config import ModelConfig
from core.settings.forecast import Forecast, Span, Speed, count_parameters
from tests.core.experiments.test_findings import experiment

FORECAST = Forecast(
    parameters=1, steps_per_epoch=50, memory_bytes=1, available_bytes=2, vocabulary=80,
    speed=Speed(step=Span(0.1, 0.2)),
)  # fmt: skip
SETUP = experiment("cell=lstm", seeds=3)
ONE = FORECAST.run(SETUP.training) or Span(0.0, 0.0)


def test_unknown_while_the_speed_is() -> None:
    assert duration_of(SETUP, msgspec.structs.replace(FORECAST, speed=None), 2) is None


def test_runs_of_equal_size_take_equally_long_and_workers_at_most_divide_it() -> None:
    span = duration_of(SETUP, FORECAST, 2)
    assert span is not None
    assert span.least == pytest.approx(3 * ONE.least / 2)
    assert span.most == pytest.approx(3 * ONE.most)


def test_larger_networks_and_more_epochs_take_longer() -> None:
    sizes = experiment("hidden_size=128,256", "epochs=20,40")
    parameters = [count_parameters(ModelConfig(hidden_size=size), 80) for size in (128, 256)]
    span = duration_of(sizes, FORECAST, 1)
    assert span is not None
    assert span.least == pytest.approx(ONE.least * (1 + 2) * (1 + parameters[1] / parameters[0]))


@pytest.mark.parametrize(
    ("varied", "middle"),
    [("hidden_size=64..256:log", 128), ("hidden_size=100..156", 128), ("hidden_size=1,128,9", 128)],
)
def test_a_search_takes_as_long_as_the_middle_of_its_ranges(varied: str, middle: int) -> None:
    search = msgspec.structs.replace(SETUP, varied=(parse_varied(varied),), trials=7, seeds=2)
    span = duration_of(search, FORECAST, 1)
    assert span is not None
    assert span.least == pytest.approx(14 * ONE.least)
    assert middle == SETUP.model.hidden_size


def test_a_time_limit_bounds_it() -> None:
    assert duration_of(msgspec.structs.replace(SETUP, seconds=60.0), FORECAST, 1) == Span(60.0, 60.0)


def test_the_largest_grid_is_counted_at_once() -> None:
    values = ",".join(str(value) for value in range(1, 101))
    large = experiment(f"hidden_size={values}", f"window={values}")
    span = duration_of(large, FORECAST, 1)
    assert span is not None
    assert span.least > 0
