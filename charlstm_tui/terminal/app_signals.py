"""The signals that end the program, handled in the event loop."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from charlstm_tui.terminal import signals


class LoopSignals:
    """Calls `end` in the event loop with the number of a signal that ends the program, SIGHUP for a lost terminal."""

    def __init__(self, end: Callable[[int], None]) -> None:
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: dict[signal.Signals, Any] = {}  # the handlers that were replaced without the loop's help

    def watch(self) -> None:
        """Handle the signals in the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        for number in signals.heeded():
            with contextlib.suppress(RuntimeError, ValueError):  # this is not the main thread
                try:
                    self._loop.add_signal_handler(number, self._end, number)
                except NotImplementedError:  # on Windows
                    self._before[number] = signal.signal(number, self._pass_on)

    def unwatch(self) -> None:
        """Remove the handlers."""
        for number in signals.ENDINGS:
            with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(number)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Have the event loop handle a signal. A handler may interrupt any code."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._end, number)

    def lose_terminal(self) -> None:
        """Report, from any thread, that the terminal is gone: not every system sends a signal for that."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._end, signals.HANGUP)
