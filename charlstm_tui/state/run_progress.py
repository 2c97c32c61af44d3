"""How far a run was, in whatever a chart goes by: steps, epochs, characters read, or seconds of training."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from charlstm_tui.state.preferences import XAxis
from core.events import EpochCompleted, StepsCompleted
from core.settings.config import TrainingConfig


class _Stretch(NamedTuple):
    """Some steps on end, taken at an even pace: those of an epoch."""

    steps: tuple[int, int]
    """Taken in the whole run when it began and when it ended."""
    places: tuple[float, float]
    """How far the run was at these."""


def characters_per_step(training: TrainingConfig) -> int:
    """Return how many characters all streams together read before each step of the optimizer."""
    return training.streams * training.window


def after_epoch(epoch: EpochCompleted, training: TrainingConfig, by: XAxis) -> float | None:
    """Return how far the run was when an epoch was validated; None where an old run did not say."""
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
    """Says of each step of a run how far the run was after it."""

    def __init__(
        self, epochs: Sequence[EpochCompleted], now: StepsCompleted | None, training: TrainingConfig, by: XAxis
    ) -> None:
        """Take what is known: the completed epochs, and the newest steps."""
        self._factor = {"steps": 1, "characters": characters_per_step(training)}.get(by)
        self._stretches = [] if self._factor else _stretches(epochs, now, training, by)
        self._ends = [stretch.steps[1] for stretch in self._stretches]

    def after(self, step: float) -> float:
        """Return how far the run was after so many steps."""
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
