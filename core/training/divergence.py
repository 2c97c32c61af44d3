"""Whether a run's loss has diverged: whether it is no number, or has stayed high for too long."""

import math

from core.checkpoints.counters import Counters

CHECK_STEPS = 32
"""Steps whose mean loss is compared with the running mean. The checks fall at fixed steps, whenever reports are due."""
HIGH_ABOVE_MEAN = 3.0
"""How many times its running mean a loss must be to count as high; it must also be above ln V, the loss of a network
that gives each of V characters the same probability. A text that changes its language does not reach that."""
HIGH_ABOVE_EVEN = 2.0
"""How many times ln V a loss must be to count as high whatever its running mean is."""
HIGH_STEPS = 128
"""Steps for which the loss must stay high before it counts as diverged: a spike passes by itself."""
MAX_ROLL_BACKS = 3
"""How often a run returns to the beginning of an epoch, each time with half the rate."""


def has_diverged(counters: Counters, vocabulary_size: int, *, due: bool, over: bool) -> bool:
    """Tell whether the loss is no number or, when a check is due, has stayed high for too long.

    A check notes in the counters what the next one needs. At the end of an epoch its mean loss is compared with ln V
    too, since an epoch may be shorter than `HIGH_STEPS`.
    """
    if not math.isfinite(counters.epoch_loss):
        return True
    if not due:
        return False
    steps = counters.epoch_steps - counters.checked_steps
    loss = (counters.epoch_loss - counters.checked_loss) / steps
    evenly = max(math.log(vocabulary_size), 1.0)  # of a text of one character it would be nothing
    running = counters.running_loss if counters.running_loss is not None else math.inf
    high = loss > min(HIGH_ABOVE_EVEN * evenly, max(HIGH_ABOVE_MEAN * running, evenly))
    counters.high_steps = counters.high_steps + steps if high else 0
    if not high:  # a high loss would raise the mean, and soon nothing would count as high
        counters.running_loss = loss if math.isinf(running) else 0.9 * running + 0.1 * loss
    counters.checked_steps, counters.checked_loss = counters.epoch_steps, counters.epoch_loss
    high_throughout = over and counters.epoch_loss / counters.epoch_steps > HIGH_ABOVE_EVEN * evenly
    return counters.high_steps >= HIGH_STEPS or high_throughout
