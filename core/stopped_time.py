"""The time for which the shell has stopped the process (ctrl-Z). The clock of a run does not count it.

Only the part of the program that handles the signal knows when the process stops. It calls `begin` before, and `end`
after the process was continued. In between the time stands still: other threads run before `end` is called.
"""

import time
from typing import NamedTuple


class _State(NamedTuple):
    stopped: float = 0.0
    """Seconds of all stops that are over."""
    since: float | None = None
    """When the stop in progress began."""


_state = _State()  # replaced as a whole: no lock is needed, which a signal handler could not wait for


def begin() -> None:
    """Note that the process is about to be stopped."""
    global _state
    if _state.since is None:
        _state = _State(_state.stopped, time.perf_counter())


def end() -> float:
    """Note that the process was continued; return the seconds since `begin`."""
    global _state
    if _state.since is None:
        return 0.0
    seconds = time.perf_counter() - _state.since
    _state = _State(_state.stopped + seconds)
    return seconds


def running_time() -> float:
    """Return the seconds since an arbitrary moment, without those for which the process was stopped."""
    while True:
        state, now = _state, time.perf_counter()
        if state is _state:  # otherwise the process was stopped between the two
            return (now if state.since is None else state.since) - state.stopped
