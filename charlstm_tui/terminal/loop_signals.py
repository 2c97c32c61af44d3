"""Signals in an event loop: what ends the program from outside, told to one function in the loop's own turn."""

import asyncio
import contextlib
from collections.abc import Callable

from charlstm_tui.terminal import signals


class LoopSignals:
    """Calls `end` with the number of each signal that is to end the program, and for a terminal that is lost."""

    def __init__(self, end: Callable[[int], None]) -> None:
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self) -> None:
        """Begin, in the event loop that runs now."""
        self._loop = asyncio.get_running_loop()
        for number in signals.heeded():
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):  # in a thread, on Windows
                self._loop.add_signal_handler(number, self._end, number)

    def unwatch(self) -> None:
        """Leave the signals to others again."""
        for number in signals.ENDINGS:
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(number)

    def lose_terminal(self) -> None:
        """Note, from any thread, that what is drawn goes nowhere; not every system tells by a signal."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is over
                self._loop.call_soon_threadsafe(self._end, signals.HANGUP)
