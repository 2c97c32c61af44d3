"""How a run is laid out: how many epochs, of how many steps, and how far along it is."""

from collections.abc import Callable

from core.checkpoints.counters import Counters, Plan
from core.settings.config import TrainingConfig
from core.training.clock import Clock

CALIBRATION = 0.05
"""Share of a run by time, of a second at most, in which its speed is measured: on steps that count."""
MIN_EPOCHS, MAX_EPOCHS = 8, 60
"""Of a run by time: enough to see the loss fall, and not so many that validating takes the time."""


def make_plan(
    config: TrainingConfig,
    windows: int,
    counters: Counters,
    known: Plan | None,
    time_steps: Callable[[float], tuple[int, float]],
) -> Plan:
    """Return the epochs asked for, or as many as fit into the time asked for.

    Args:
        config: what is asked for.
        windows: how many the training part has.
        counters: where the run stands.
        known: the plan it had before it was stopped.
        time_steps: takes steps for so many seconds; returns how many, and the seconds that they took.
    """
    seconds = config.seconds
    if not seconds:
        return Plan(epochs=config.epochs, steps=windows, seconds=None)
    if known is not None and known.seconds == seconds:
        return known
    if counters.epochs:  # another time is asked for now: epochs as long as those before
        epochs = max(round(counters.epochs * seconds / max(counters.elapsed, 1e-9)), counters.epochs + 1)
        return Plan(epochs=epochs, steps=max(counters.steps // counters.epochs, 1), seconds=seconds)
    taken, took = time_steps(min(CALIBRATION * seconds, 1.0))
    in_all = seconds * taken / took  # steps
    epochs = min(max(round(in_all / windows), MIN_EPOCHS), MAX_EPOCHS)
    return Plan(epochs=epochs, steps=max(round(in_all / epochs), 1), seconds=seconds)


def progress(plan: Plan, counters: Counters, clock: Clock) -> float:
    """Return the share of a run that is done."""
    if plan.seconds is not None:
        return min(clock.elapsed() / plan.seconds, 1.0)
    return min(counters.steps / (plan.epochs * plan.steps), 1.0)


def epoch_is_over(plan: Plan, counters: Counters, clock: Clock, steps: int, afterwards: float) -> bool:
    """Tell whether the epoch has had its steps.

    Args:
        plan: the run's.
        counters: where the run stands.
        clock: the run's.
        steps: how many an epoch of a run by epochs has.
        afterwards: the seconds that are needed at the end of an epoch of a run by time.
    """
    if plan.seconds is None:
        return counters.epoch_steps >= steps
    return clock.elapsed() + afterwards >= plan.seconds * (counters.epochs + 1) / plan.epochs
