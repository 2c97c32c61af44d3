"""Lets one thread stop, pause and resume a job in another thread."""

import threading


class Control:
    """Requests from any thread to a job: stop, pause, resume, sample. A trainer responds within a step."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._paused = False
        self._sample = False
        self._awake = threading.Event()  # cleared while the job has to wait
        self._awake.set()

    def stop(self) -> None:
        """Request that the run ends, even if it is paused."""
        self._stopped.set()
        self._awake.set()

    def pause(self) -> None:
        """Request that the run pauses between two steps."""
        self._paused = True
        self._rest()

    def resume(self) -> None:
        """Request that a paused run continues."""
        self._paused = False
        self._awake.set()

    def ask_for_sample(self) -> None:
        """Request a sample now, even if the run is paused."""
        self._sample = True
        self._awake.set()

    def takes_sample(self) -> bool:
        """Return whether a sample was requested since the last call."""
        if not self._sample:
            return False
        self._sample = False  # a request that arrives at this moment counts as the same one
        if self._paused:
            self._rest()
        return True

    def _rest(self) -> None:
        self._awake.clear()
        if not self.paused or self._sample:  # another thread may have changed this meanwhile
            self._awake.set()

    @property
    def stopped(self) -> bool:
        """Whether a stop was requested."""
        return self._stopped.is_set()

    @property
    def paused(self) -> bool:
        """Whether a pause was requested, and no stop."""
        return self._paused and not self.stopped

    def wait_while_paused(self) -> None:
        """Block the calling thread while the run is paused, until `resume`, `stop` or `ask_for_sample`."""
        self._awake.wait()

    def wait(self, seconds: float) -> None:
        """Sleep for some seconds, or until `stop`."""
        self._stopped.wait(seconds)
