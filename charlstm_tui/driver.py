"""Textual's driver for a terminal that may go away, and that others print to.

Its writing thread ends at the first write that fails, and everything then waits for that thread for ever: a process
left behind by a closed window. Here such a write is lost, and the app is told. And it draws on a descriptor of its own,
so that what C code prints can be led elsewhere meanwhile.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from charlstm_tui import signals
from charlstm_tui.display import in_browser

if TYPE_CHECKING:
    from textual.driver import Driver


class _Tolerant:
    """A file whose terminal may be gone."""

    def __init__(self, file: Any, gone: Callable[[], None]) -> None:
        self._file = file
        self._gone = gone

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError:
            self._gone()

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError:
            self._gone()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def driver_class(gone: Callable[[], None]) -> "type[Driver] | None":
    """Return the driver, which calls `gone`, from some thread, when the terminal is; None leaves it to Textual."""
    if os.name == "nt":
        return None
    return _browser_driver(gone) if in_browser() else _terminal_driver(gone)


def _browser_driver(gone: Callable[[], None]) -> "type[Driver]":
    from textual.drivers.web_driver import WebDriver
    from textual.events import AppFocus

    from charlstm_tui.diversion import Diversion

    class TolerantWebDriver(WebDriver):
        """Textual's own goes on for ever when the server is killed, and what C code prints is taken for a packet."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._diversion = Diversion()
            self._descriptor = os.dup(1)
            self._write = partial(self._write_all)

        def start_application_mode(self) -> None:
            self._diversion.begin()
            super().start_application_mode()
            # It has the app begin without the focus, and what the page says of it may come before that.
            self._app.call_later(self._app.post_message, AppFocus())

        def stop_application_mode(self) -> None:
            super().stop_application_mode()
            self._diversion.end()

        def run_input_thread(self) -> None:
            super().run_input_thread()
            if not self.exit_event.is_set():
                gone()

        def _write_all(self, data: bytes) -> int:
            try:
                return os.write(self._descriptor, data)
            except OSError:
                gone()
                return len(data)

    return TolerantWebDriver


def _terminal_driver(gone: Callable[[], None]) -> "type[Driver]":
    from textual.drivers.linux_driver import LinuxDriver
    from textual.events import Resize
    from textual.geometry import Size

    from charlstm_tui.diversion import Diversion

    class TolerantDriver(LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._diversion = Diversion()
            self._file: Any = _Tolerant(_terminal(), gone)

        def start_application_mode(self) -> None:
            self._diversion.begin()
            super().start_application_mode()  # type: ignore[no-untyped-call]
            # Textual's own reads the size in the signal's handler: where that is interrupted by the next signal, the
            # app is told of the older size last, and keeps to it.
            loop = asyncio.get_running_loop()
            signal.signal(signal.SIGWINCH, lambda number, frame: loop.call_soon_threadsafe(self._tell_size))
            self._tell_size()

        def _tell_size(self) -> None:
            if not self._in_band_window_resize:
                size = Size(*self._get_terminal_size())
                self._app.post_message(Resize(size, size))

        def stop_application_mode(self) -> None:
            super().stop_application_mode()
            self._diversion.end()

        def _get_terminal_size(self) -> tuple[int, int]:
            with contextlib.suppress(OSError):
                return os.get_terminal_size(self._file.fileno())
            return super()._get_terminal_size()

    return TolerantDriver


def _terminal() -> Any:
    """Return a file of its own on the terminal: that of standard error, or, where that leads elsewhere, of output."""
    descriptor = os.dup(2 if os.isatty(2) else 1)
    signals.terminals.add(descriptor)
    encoding = sys.__stdout__.encoding if sys.__stdout__ else "utf-8"
    return os.fdopen(descriptor, "w", encoding=encoding, errors="replace")
