"""The plan of a run: its number of epochs and steps, and its progress."""

from collections.abc import Callable

from core.checkpoints.counters import Counters, Plan
from core.settings.config import TrainingConfig
from core.training.clock import Clock

CALIBRATION = 0.05
"""Share of the time limit, at most one second, in which the speed is measured on real training steps."""
MIN_EPOCHS, MAX_EPOCHS = 8, 60
"""Bounds on the epochs of a run with a time limit: enough to show the loss fall, without too much validation."""


def make_plan(
    config: TrainingConfig,
    windows: int,
    counters: Counters,
    known: Plan | None,
    time_steps: Callable[[float], tuple[int, float]],
) -> Plan:
    """Return a plan with the configured number of epochs, or with as many as fit into the time limit.

    Args:
        config: settings of the run.
        windows: number of windows in the training part.
        counters: counters of the run.
        known: plan of the run before it was stopped; None if it is new.
        time_steps: takes training steps for this many seconds; returns their number, and the seconds they took.
    """
    seconds = config.seconds
    if not seconds:
        return Plan(epochs=config.epochs, steps=windows, seconds=None)
    if known is not None and known.seconds == seconds:
        return known
    if counters.epochs:  # the time limit was changed: keep the length of the epochs
        epochs = max(round(counters.epochs * seconds / max(counters.elapsed, 1e-9)), counters.epochs + 1)
        return Plan(epochs=epochs, steps=max(counters.steps // counters.epochs, 1), seconds=seconds)
    taken, took = time_steps(min(CALIBRATION * seconds, 1.0))
    total = seconds * taken / took  # steps
    epochs = min(max(round(total / windows), MIN_EPOCHS), MAX_EPOCHS)
    return Plan(epochs=epochs, steps=max(round(total / epochs), 1), seconds=seconds)


def progress(plan: Plan, counters: Counters, clock: Clock) -> float:
    """Return the share of the run that is done, 0 to 1."""
    if plan.seconds is not None:
        return min(clock.elapsed() / plan.seconds, 1.0)
    return min(counters.steps / (plan.epochs * plan.steps), 1.0)


def epoch_is_over(plan: Plan, counters: Counters, clock: Clock, steps: int, afterwards: float) -> bool:
    """Return whether all steps of the epoch were taken.

    Args:
        plan: plan of the run.
        counters: counters of the run.
        clock: clock of the run.
        steps: number of steps of the epoch, if the run has no time limit.
        afterwards: seconds needed at the end of the epoch, if the run has a time limit.
    """
    if plan.seconds is None:
        return counters.epoch_steps >= steps
    return clock.elapsed() + afterwards >= plan.seconds * (counters.epochs + 1) / plan.epochs
