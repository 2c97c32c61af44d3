"""About how long an experiment takes, from the forecast of one of its runs."""

import math
from typing import TYPE_CHECKING

from core.experiments.experiment import Experiment
from core.experiments.varied import Params, Searched
from core.settings.forecast import Forecast, Span, count_parameters

if TYPE_CHECKING:
    from core.settings.config import Value

MAX_COUNTED = 2_000
"""Maximum number of combinations whose durations are added up; of more, the mean of these counts."""


def duration_of(experiment: Experiment, forecast: Forecast, workers: int) -> Span | None:
    """Return a lower and an upper bound; None while the speed is unknown.

    A run with other values is taken to need time in proportion to its epochs and its number of parameters. Several
    workers with a thread each are between once and `workers` times as fast as one with all threads. Pruning is ignored.

    Args:
        experiment: the experiment.
        forecast: the forecast of a run with its settings where nothing is varied.
        workers: number of workers.
    """
    one = forecast.run(experiment.training)
    if one is None:
        return None
    base = count_parameters(experiment.model, forecast.vocabulary) * experiment.training.epochs
    params = experiment.grid()[:MAX_COUNTED] if experiment.is_grid else [_middle(experiment)]
    ratios = [experiment.cost(each, forecast.vocabulary) / base for each in params]
    total = sum(ratios) / len(ratios) * experiment.runs
    span = Span(one.least * total / workers, one.most * total)
    limit = experiment.seconds
    return Span(min(span.least, limit), min(span.most, limit)) if limit else span


def _middle(experiment: Experiment) -> Params:
    """Return the middle of each range and of each list."""
    middle: dict[str, Value] = {}
    for varied in experiment.varied:
        if not isinstance(varied, Searched):
            middle[varied.name] = varied.values[len(varied.values) // 2]
        elif isinstance(varied.low, int) and isinstance(varied.high, int):
            middle[varied.name] = round(_mean(varied.low, varied.high, log=varied.log))
        else:
            middle[varied.name] = _mean(varied.low, varied.high, log=varied.log)
    return middle


def _mean(low: float, high: float, *, log: bool) -> float:
    return math.sqrt(low * high) if log else (low + high) / 2
