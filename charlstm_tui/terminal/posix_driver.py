"""Textual's driver for Linux and macOS, changed for a terminal that may be closed and that C libraries may print to.

Differences from Textual's driver:

- In Textual, the writing thread ends at the first write that fails. Everything then waits for that thread for ever, and
  a closed window leaves a process behind. Here the failed write is dropped and the app is informed.
- The app draws on a descriptor of its own, so that output of C code to descriptors 1 and 2 can be redirected.
- In Textual, the reading thread ends the app at the first byte that is not UTF-8. Here no input ends the app.
- In Textual, a pasted text with escape sequences presses keys. Here it is text.
- Textual suspends the app in a signal handler, which may interrupt any code. Here the event loop suspends it, and the
  screen is redrawn afterwards.
- The terminal is asked for its background colour.
"""

import asyncio
import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size

from charlstm_tui.terminal import signals
from charlstm_tui.terminal.background import Background
from charlstm_tui.terminal.input_events import InputEvents
from charlstm_tui.terminal.redirect_output import Diversion
from charlstm_tui.terminal.suspending import STOPPING_SECONDS
from core import stopped_time

assert sys.platform != "win32"  # mypy checks nothing below for Windows, which lacks these signals


REPEATED_SECONDS = 0.3
"""Seconds after `fg` in which the app is not suspended again: the key was pressed twice before."""


class _Tolerant:
    """A file that reports a failed write to `gone` instead of raising it, since its terminal may be closed."""

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


def terminal_driver(gone: Callable[[], None], background: Background) -> type[Driver]:
    """Return the driver. It calls `gone` from any thread when the terminal is closed, and asks for its background."""

    class TolerantDriver(LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._diversion = Diversion()
            self._file: Any = _Tolerant(_terminal(), gone)
            self._continued = False
            self._continued_at = float("-inf")
            self.stopped_seconds = 0.0
            """For how long the process was suspended. The app clears it."""
            self._sgr_requested_at = 0.0

        def start_application_mode(self) -> None:
            self._diversion.begin()
            super().start_application_mode()  # type: ignore[no-untyped-call]
            # Textual reads the size in the signal handler. If the next signal interrupts the handler, the app receives
            # the older size last and keeps it.
            loop = asyncio.get_running_loop()
            signal.signal(signal.SIGWINCH, lambda number, frame: loop.call_soon_threadsafe(self._post_size))
            signal.signal(signal.SIGTSTP, lambda number, frame: loop.call_soon_threadsafe(self.suspend_process))
            signal.signal(signal.SIGCONT, lambda number, frame: loop.call_soon_threadsafe(self._restart))
            self._post_size()
            background.begin(self.write)
            self.flush()

        # --- suspending, and continuing from the shell

        def suspend_process(self, *, group: bool = False) -> bool:
            """Restore the terminal and stop the process, or its whole group; return when it is continued.

            Returns:
                Whether it was stopped. The system ignores the signal if no shell could continue the process.
            """
            if time.monotonic() - self._continued_at < REPEATED_SECONDS:
                return True  # the key was pressed twice, or held down
            explain: Callable[[], str] = getattr(self._app, "suspension_notice", lambda: "")
            notice = explain() if self._is_in_foreground else ""
            self.suspend_application_mode()
            self._print(f"{notice}\n" if notice else "")
            self._continued = False
            signal.signal(signal.SIGCONT, self._note_continued)
            stopped_time.begin()
            while True:
                signal.signal(signal.SIGTSTP, signal.SIG_DFL)
                os.kill(0 if group else os.getpid(), signal.SIGTSTP)
                if not self._continued:
                    time.sleep(STOPPING_SECONDS)
                if not self._continued or self._is_in_foreground:
                    break
                self._continued, group = False, False  # continued by `bg`: it can neither read nor draw there
            was_stopped = self._continued
            seconds = stopped_time.end()
            if was_stopped:
                self.stopped_seconds += seconds
            else:
                self._print("\x1b[A\x1b[2K" if notice else "")
            self._start_again()
            self._continued_at = time.monotonic()
            return was_stopped

        def _print(self, text: str) -> None:
            """Print on the shell's screen, while the app does not use the terminal."""
            self._file.write(text)
            self._file.flush()

        def _note_continued(self, number: int, frame: object) -> None:
            self._continued = True

        def _restart(self) -> None:
            """Redraw the screen after the process was stopped from outside: another program has used the terminal."""
            if self._is_in_foreground:
                self.suspend_application_mode()
                self._start_again()
            else:
                self.suspend_process()

        def _start_again(self) -> None:
            self.resume_application_mode()
            self.post_redraw()

        @property
        def _is_in_foreground(self) -> bool:
            try:
                return os.tcgetpgrp(self.fileno) == os.getpgrp()
            except OSError:  # no terminal, or a closed one
                return True

        def post_redraw(self) -> None:
            """Ask the app to redraw its whole screen."""
            self._app.post_message(self.SignalResume())

        # --- input

        def run_input_thread(self) -> None:
            """Read input from the terminal until the app ends or is suspended."""
            encoding = sys.__stdin__.encoding if sys.__stdin__ else "utf-8"
            events = InputEvents(encoding, answered=background.take, debug=self._debug)
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        try:
                            data = os.read(self.fileno, 65_536)
                        except OSError:
                            data = b""
                        if not data:
                            gone()
                            return
                        for event in events.feed(data, time.monotonic()):
                            self.process_message(event)
                    for event in events.pause(time.monotonic()):
                        self.process_message(event)
                    if events.takes_x10():
                        self._request_sgr()

        def _request_sgr(self) -> None:
            """Request mouse reports in the SGR form again, at most once a second."""
            if time.monotonic() - self._sgr_requested_at >= 1:
                self._sgr_requested_at = time.monotonic()
                self.write("\x1b[?1006h")
                self.flush()

        # --- size

        def _post_size(self) -> None:
            if not self._in_band_window_resize:
                size = Size(*self._get_terminal_size())
                self._app.post_message(Resize(size, size))

        def stop_application_mode(self) -> None:
            if self._mouse_pixels:  # Textual requests them and leaves them on for the next program
                self.write("\x1b[?1016l")
            super().stop_application_mode()
            self._diversion.end()

        def _get_terminal_size(self) -> tuple[int, int]:
            with contextlib.suppress(OSError):
                return os.get_terminal_size(self._file.fileno())
            return super()._get_terminal_size()

    return TolerantDriver


def _terminal() -> Any:
    """Return a new file on the terminal of standard error or, if that is redirected, of standard output."""
    descriptor = os.dup(2 if os.isatty(2) else 1)
    signals.terminals.add(descriptor)
    encoding = sys.__stdout__.encoding if sys.__stdout__ else "utf-8"
    return os.fdopen(descriptor, "w", encoding=encoding, errors="replace")
