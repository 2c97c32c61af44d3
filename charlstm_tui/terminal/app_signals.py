"""The signals that end the program, handled in the event loop."""

import asyncio
import contextlib
from collections.abc import Callable

from charlstm_tui.terminal import signals


class LoopSignals:
    """Calls `end` in the event loop with the number of a signal that ends the program, SIGHUP for a lost terminal."""

    def __init__(self, end: Callable[[int], None]) -> None:
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self) -> None:
        """Handle the signals in the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        for number in signals.heeded():
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):  # in a thread, on Windows
                self._loop.add_signal_handler(number, self._end, number)

    def unwatch(self) -> None:
        """Remove the handlers."""
        for number in signals.ENDINGS:
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(number)

    def lose_terminal(self) -> None:
        """Report, from any thread, that the terminal is gone: not every system sends a signal for that."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._end, signals.HANGUP)
