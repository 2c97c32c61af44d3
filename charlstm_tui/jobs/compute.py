"""A step of several jobs: choose the device, the precision and the number of threads."""

import time
from collections.abc import Generator
from functools import cache
from typing import TYPE_CHECKING

from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.runs.run import RunConfig

if TYPE_CHECKING:
    from core.model.device import ComputeSettings

KEPT_SECONDS = 60.0
"""How long a choice is reused. After that it is made again, since the load of the machine may have changed."""


def choose_compute(
    control: Control, config: RunConfig, vocabulary_size: int
) -> Generator[Doing, None, "ComputeSettings | None"]:
    """Return the compute settings: a recent choice for the same configuration, or a new one; None when stopped."""
    from core.model.device import Trial, choosing

    training = config.training
    same = (config.model, vocabulary_size, training.streams, training.window)
    key = (*same, training.device, training.precision, training.threads)
    when, compute = _chosen().get(key, (-KEPT_SECONDS, None))
    if compute is not None and time.monotonic() - when < KEPT_SECONDS:
        return compute
    yield Doing("choosing precision and threads")
    for event in choosing(config.model, vocabulary_size, training):
        if control.stopped:
            return None
        if not isinstance(event, Trial):
            _chosen()[key] = time.monotonic(), event
            return event
        yield Doing(event.doing)
    return None


@cache
def _chosen() -> dict[object, tuple[float, "ComputeSettings"]]:
    """Return the cache of choices: the time and the settings of each, by the configuration it depends on."""
    return {}
