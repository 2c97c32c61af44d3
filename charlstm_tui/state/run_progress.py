"""The progress of a run in the unit of a chart's x axis: steps, epochs, characters read, or seconds of training."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from charlstm_tui.state.preferences import XAxis
from core.events import EpochCompleted, StepsCompleted
from core.settings.config import TrainingConfig


class _Stretch(NamedTuple):
    """Consecutive steps at an even pace: those of one epoch."""

    steps: tuple[int, int]
    """Steps of the whole run before the first and after the last of these."""
    places: tuple[float, float]
    """Progress of the run at these two steps, in the unit of the x axis."""


def characters_per_step(training: TrainingConfig) -> int:
    """Return how many characters one optimizer step reads: streams B times window T."""
    return training.streams * training.window


def after_epoch(epoch: EpochCompleted, training: TrainingConfig, by: XAxis) -> float | None:
    """Return the progress of the run after an epoch and its validation; None if an old run did not record it."""
    match by:
        case "epochs":
            return float(epoch.epoch)
        case "seconds":
            return epoch.elapsed_seconds
        case "characters":
            return float(epoch.total_steps * characters_per_step(training)) if epoch.total_steps else None
        case "steps":
            return float(epoch.total_steps) if epoch.total_steps else None


class Progress:
    """Converts steps of a run to its progress in the unit of the x axis."""

    def __init__(
        self, epochs: Sequence[EpochCompleted], now: StepsCompleted | None, training: TrainingConfig, by: XAxis
    ) -> None:
        """Use the completed epochs and the latest report of steps, if there is one."""
        self._factor = {"steps": 1, "characters": characters_per_step(training)}.get(by)
        self._stretches = [] if self._factor else _stretches(epochs, now, training, by)
        self._ends = [stretch.steps[1] for stretch in self._stretches]

    def after(self, step: float) -> float:
        """Return the progress of the run after that many steps."""
        if self._factor:
            return step * self._factor
        if not self._stretches:
            return 0.0
        (first, last), (begin, end) = self._stretches[min(bisect_left(self._ends, step), len(self._ends) - 1)]
        return begin + (end - begin) * (step - first) / max(last - first, 1)


def _stretches(
    epochs: Sequence[EpochCompleted], now: StepsCompleted | None, training: TrainingConfig, by: XAxis
) -> list[_Stretch]:
    stretches = []
    step, place = 0, 0.0
    for epoch in epochs:
        after = after_epoch(epoch, training, by)
        if after is None or epoch.total_steps <= step:
            continue
        end = after
        if by == "seconds" and epoch.chars_per_second > 0:  # the steps of an epoch end before its validation begins
            end = min(
                place + (epoch.total_steps - step) * characters_per_step(training) / epoch.chars_per_second, after
            )
        stretches.append(_Stretch((step, epoch.total_steps), (place, end)))
        step, place = epoch.total_steps, after
    if now is not None and now.total_steps > step:
        end = now.elapsed_seconds if by == "seconds" else now.epoch - 1 + now.step / max(now.steps, 1)
        stretches.append(_Stretch((step, now.total_steps), (place, max(end, place))))
    return stretches
