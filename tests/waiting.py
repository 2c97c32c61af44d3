"""How tests wait: for the event itself, with a deadline that only a program which hangs can miss.

How long something takes depends on the machine and on what else it does, so no test asserts it: a time that is promised
is measured by a benchmark, such as `tests.benchmarks.leaving`.
"""

import time
from collections.abc import Callable

DEADLINE = 60.0
"""Seconds until an event counts as missing: many times what any takes, and less than the timeout of a test."""


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is so; fail when it does not come to be."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "this did not come to be in time"
        time.sleep(0.01)
