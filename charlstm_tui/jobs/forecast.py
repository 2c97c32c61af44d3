"""The job of the forecast panel: what a run with some settings would take."""

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
"""Seconds without a change of the settings before steps are timed: typing is not to wait for them."""


def estimate_run(control: Control, config: RunConfig) -> "Iterator[Forecast | Doing | Baselines]":
    """Forecast a run: first what can be computed, then the measured speed, last the n-gram losses.

    Yields forecasts, each with more in it, `Doing` while the speed is unknown, and baselines.
    """
    training, corpus = config.training, config.corpus
    told = core_forecast.estimate_run(corpus, config.model, training)
    yield told
    control.wait(PATIENCE)
    if control.stopped or not told.is_possible:
        return
    yield Doing("loading PyTorch")
    from core.training.throughput import measure_speed

    compute = yield from choose_compute(control, config, told.vocabulary)
    if compute is None:
        return
    yield Doing("timing steps")
    speeds = measure_speed(
        compute,
        config.model,
        training,
        told.vocabulary,
        control,
        validation_characters=told.validation_characters,
    )
    for speed in speeds:
        yield msgspec.structs.replace(told, speed=speed)
    if control.stopped:
        return
    parts: list[Part] = [compared_part(training.validation)]
    expected = expected_of(config.preset, corpus, config.model, training)
    if expected is not None and "test" not in parts:
        parts.append("test")  # the part that the preset's expected loss was measured on
    yield from count_ngrams(control, corpus, training.validation, parts)
