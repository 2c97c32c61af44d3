"""Adapts the number of CPU threads of a run to the load of the machine.

Threads that share a matrix product wait for each other. If another program takes one of two cores, two threads can be
slower than one: each product ends when its slowest thread does. So a run compares its recent steps with its usual
ones. When they become slow, it tries fewer threads for a few steps, and keeps them if they are faster; later it tries
more again. A run that is not disturbed never changes its threads, so that it can be repeated to the last bit.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from statistics import median

import psutil

RECENT_SECONDS = 1.0
"""Duration of the recent steps that are compared with the usual ones."""
MIN_STEPS = 3
"""Minimum number of recent steps, and of steps in a trial."""
SLOW = 1.3
"""How many times as long as usual recent steps take before fewer threads are tried."""
TRIAL_SECONDS = 0.25
"""Minimum duration of a trial of another number of threads."""
GAIN = 1.08
"""How many times as fast the tried number must be to be kept."""
FIRST_WAIT, MAX_WAIT = 10.0, 40.0
"""Seconds between two trials in the same direction: after each that fails they double, up to the maximum."""
BUSY_CORES = 0.4
"""Use of the CPU by other programs, in cores, at which the number chosen before the run may be too small."""


class OtherPrograms:
    """The CPU time that other programs have used since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._used = self._now()

    def cores(self) -> float:
        """Return how many cores other programs have used on average."""
        return (self._now() - self._used) / max(time.perf_counter() - self._began, 1e-9)

    def _now(self) -> float:
        everyone, own = psutil.cpu_times(), psutil.Process().cpu_times()
        idle = everyone.idle + getattr(everyone, "iowait", 0.0)
        guests = getattr(everyone, "guest", 0.0) + getattr(everyone, "guest_nice", 0.0)  # counted as user time too
        return float(sum(everyone) - idle - guests - own.user - own.system)


class ThreadCount:
    """The number of threads of a run, adapted after each step."""

    def __init__(self, threads: int, candidates: Iterable[int], others: Callable[[], float] | None = None) -> None:
        """Begin with the number that was chosen for the run.

        Args:
            threads: number of threads that was chosen.
            candidates: numbers of threads that may be tried.
            others: returns how many cores other programs have used since the start of the run.
        """
        self.threads = threads
        """Number of threads for the next step."""
        self.kept = threads
        """The same, apart from a trial in progress."""
        self.changes = 0
        """How often the number was changed, counting trials."""
        self._candidates = sorted({*candidates, threads})
        self._others = others
        self._steps: deque[float] = deque()  # durations of the recent steps, or those of a trial
        self._usual: float | None = None
        self._before: float | None = None  # during a trial: the duration of a step with the number before it
        self._next = {-1: 0.0, 1: float("inf")}  # time from which fewer or more threads may be tried
        self._wait = {-1: FIRST_WAIT, 1: FIRST_WAIT}

    def add(self, seconds: float, now: float) -> bool:
        """Add the duration of a step that ended at `now`; return whether `threads` has changed."""
        self._steps.append(seconds)
        before = self.threads
        if self._before is not None:
            self._judge_trial(now)
        else:
            self._watch(now)
        if self.threads == before:
            return False
        self.changes += 1
        return True

    def _watch(self, now: float) -> None:
        """Start a trial if the recent steps are slow, or if it is time to try more threads."""
        while len(self._steps) > MIN_STEPS and sum(self._steps) - self._steps[0] >= RECENT_SECONDS:
            self._steps.popleft()
        if len(self._steps) < MIN_STEPS or sum(self._steps) < RECENT_SECONDS:
            return
        recent = median(self._steps)
        if self._usual is None and self._others is not None and self._others() > BUSY_CORES:
            self._next[1] = now + FIRST_WAIT
        self._usual = min(recent, self._usual or recent)
        if recent > SLOW * self._usual and now >= self._next[-1]:
            self._try(-1, recent, now)
        elif now >= self._next[1]:
            self._try(1, recent, now)

    def _try(self, direction: int, recent: float, now: float) -> None:
        place = self._candidates.index(self.threads) + direction
        if not 0 <= place < len(self._candidates):
            self._next[direction] = now + FIRST_WAIT
            return
        self._before = recent
        self.threads = self._candidates[place]
        self._steps.clear()

    def _judge_trial(self, now: float) -> None:
        """End the trial if it has taken long enough, or is clearly slower. Its first step sets up the threads."""
        assert self._before is not None
        timed = list(self._steps)[1:]
        hopeless = bool(timed) and min(timed) > SLOW * self._before
        if not hopeless and (len(timed) < MIN_STEPS or sum(timed) < TRIAL_SECONDS):
            return
        direction = 1 if self.threads > self.kept else -1
        if median(timed) * GAIN < self._before:
            self.kept, self._usual = self.threads, median(timed)
            self._wait = {-1: FIRST_WAIT, 1: FIRST_WAIT}
            self._next = {-1: now, 1: now + FIRST_WAIT}
        else:
            self.threads, self._usual = self.kept, self._before
            self._next[direction] = now + self._wait[direction]
            self._wait[direction] = min(2 * self._wait[direction], MAX_WAIT)
        self._before = None
        self._steps.clear()
