"""How one thread tells a job in another to stop or to hold."""

import threading


class Control:
    """What any thread may ask of a job. A trainer heeds it within a step."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._going = threading.Event()
        self._going.set()

    def stop(self) -> None:
        """End the run, also a paused one."""
        self._stopped.set()
        self._going.set()

    def pause(self) -> None:
        """Hold the run between two steps."""
        self._going.clear()
        if self._stopped.is_set():  # also if that came in between
            self._going.set()

    def resume(self) -> None:
        """Let a paused run go on."""
        self._going.set()

    @property
    def stopped(self) -> bool:
        """Whether the run was told to end."""
        return self._stopped.is_set()

    @property
    def paused(self) -> bool:
        """Whether the run was told to hold."""
        return not self._going.is_set()

    def wait_while_paused(self) -> None:
        """Hold the calling thread, without spinning, until `resume` or `stop`."""
        self._going.wait()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until `stop`."""
        self._stopped.wait(seconds)
