"""Detection of divergence: the loss is NaN or infinite, or stays high for too long."""

import math

from core.checkpoints.counters import Counters

CHECK_STEPS = 32
"""Number of steps between two checks; each compares the mean loss of these steps with the running mean. Checks
are at fixed steps, so that they do not depend on the times of reports."""
HIGH_ABOVE_MEAN = 3.0
"""Factor by which a high loss exceeds the running mean. It must also be above ln V, the loss of a network that gives
each of V characters the same probability. A text that changes its language stays below that."""
HIGH_ABOVE_EVEN = 2.0
"""Factor of ln V above which a loss is high regardless of the running mean."""
HIGH_STEPS = 128
"""Number of steps for which the loss must stay high to count as diverged: a short spike recovers by itself."""
MAX_ROLL_BACKS = 3
"""Maximum number of times a run returns to the start of an epoch, each time with half the learning rate."""


def has_diverged(counters: Counters, vocabulary_size: int, *, due: bool, over: bool) -> bool:
    """Return whether the loss is NaN or infinite or, when a check is due, has stayed high for too long.

    A check updates the counters. At the end of an epoch (`over`), the epoch's mean loss is also compared with ln V,
    because an epoch may be shorter than `HIGH_STEPS`.
    """
    if not math.isfinite(counters.epoch_loss):
        return True
    if not due:
        return False
    steps = counters.epoch_steps - counters.checked_steps
    loss = (counters.epoch_loss - counters.checked_loss) / steps
    evenly = max(math.log(vocabulary_size), 1.0)  # ln V is 0 for a text of one character
    running = counters.running_loss if counters.running_loss is not None else math.inf
    high = loss > min(HIGH_ABOVE_EVEN * evenly, max(HIGH_ABOVE_MEAN * running, evenly))
    counters.high_steps = counters.high_steps + steps if high else 0
    if not high:  # a high loss would raise the mean, and later losses would not count as high
        counters.running_loss = loss if math.isinf(running) else 0.9 * running + 0.1 * loss
    counters.checked_steps, counters.checked_loss = counters.epoch_steps, counters.epoch_loss
    high_throughout = over and counters.epoch_loss / counters.epoch_steps > HIGH_ABOVE_EVEN * evenly
    return counters.high_steps >= HIGH_STEPS or high_throughout
