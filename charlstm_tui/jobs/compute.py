"""The step of a job that chooses what to compute with: device, precision and threads."""

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
"""How long a choice is used again: the machine's other work may change."""


def choose_compute(
    control: Control, config: RunConfig, vocabulary_size: int
) -> Generator[Doing, None, "ComputeSettings | None"]:
    """Choose what to compute with, or take a recent choice for the same settings; None when told to stop."""
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
    """The choices so far and their times, by the settings they depend on."""
    return {}
