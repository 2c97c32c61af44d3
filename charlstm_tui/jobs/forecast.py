"""The job of the forecast panel: estimate the steps, memory and time of a run with given settings."""

from typing import TYPE_CHECKING

import msgspec

from charlstm_tui.jobs.compute import choose_compute
from charlstm_tui.jobs.ngrams import compared_part, count_ngrams
from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.runs.run import RunConfig
from core.settings import forecast as core_forecast
from core.settings.presets import expected_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.data.splits import Part
    from core.reports.results import Baselines
    from core.settings.forecast import Forecast

PATIENCE = 0.5
"""Seconds without a change of the settings before steps are timed, so that typing never waits for the timing."""


def estimate_run(control: Control, config: RunConfig) -> "Iterator[Forecast | Doing | Baselines]":
    """Forecast a run: first from its settings alone, then with the measured speed, last with the n-gram losses.

    Yields forecasts, each more complete than the previous one, `Doing` while the speed is unknown, and baselines.
    """
    training, corpus = config.training, config.corpus
    forecast = core_forecast.estimate_run(corpus, config.model, training)
    yield forecast
    control.wait(PATIENCE)
    if control.stopped or not forecast.is_possible:
        return
    yield Doing("loading PyTorch")
    from core.training.throughput import measure_speed

    compute = yield from choose_compute(control, config, forecast.vocabulary)
    if compute is None:
        return
    yield Doing("timing steps")
    speeds = measure_speed(
        compute,
        config.model,
        training,
        forecast.vocabulary,
        control,
        validation_characters=forecast.validation_characters,
    )
    for speed in speeds:
        yield msgspec.structs.replace(forecast, speed=speed)
    if control.stopped:
        return
    parts: list[Part] = [compared_part(training.validation)]
    expected = expected_of(config.preset, corpus, config.model, training)
    if expected is not None and "test" not in parts:
        parts.append("test")  # the preset's expected loss refers to the test part
    yield from count_ngrams(control, corpus, training.validation, parts)
