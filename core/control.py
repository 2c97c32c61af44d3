"""How one thread tells a job in another to stop or to pause."""

import threading


class Control:
    """Requests to a job, from any thread. A trainer heeds them within a step."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._paused = False
        self._sample = False
        self._awake = threading.Event()  # cleared while there is nothing to do but wait
        self._awake.set()

    def stop(self) -> None:
        """End the run, also a paused one."""
        self._stopped.set()
        self._awake.set()

    def pause(self) -> None:
        """Pause the run between two steps."""
        self._paused = True
        self._rest()

    def resume(self) -> None:
        """Let a paused run continue."""
        self._paused = False
        self._awake.set()

    def ask_for_sample(self) -> None:
        """Ask the run for a sample now, also a paused one."""
        self._sample = True
        self._awake.set()

    def takes_sample(self) -> bool:
        """Tell whether a sample was asked for since this was last called."""
        if not self._sample:
            return False
        self._sample = False  # another request that comes just now is the same one
        if self._paused:
            self._rest()
        return True

    def _rest(self) -> None:
        self._awake.clear()
        if not self.paused or self._sample:  # also if that came in between
            self._awake.set()

    @property
    def stopped(self) -> bool:
        """Whether the run was told to end."""
        return self._stopped.is_set()

    @property
    def paused(self) -> bool:
        """Whether the run was told to pause."""
        return self._paused and not self.stopped

    def wait_while_paused(self) -> None:
        """Hold the calling thread, without spinning, until `resume`, `stop` or `ask_for_sample`."""
        self._awake.wait()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until `stop`."""
        self._stopped.wait(seconds)
