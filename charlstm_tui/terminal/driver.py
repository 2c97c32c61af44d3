"""Textual's driver for a terminal that may go away, and that others print to.

Its writing thread ends at the first write that fails, and everything then waits for that thread for ever: a process
left behind by a closed window. Here such a write is lost, and the app is told. And it draws on a descriptor of its own,
so that what C code prints can be led elsewhere meanwhile. Its reading thread ends the app at the first byte that is not
UTF-8; here no input does. And it suspends the app in a signal handler, which may interrupt anything; here it is done
between two turns of the event loop, and the screen is drawn anew afterwards.
"""

import asyncio
import contextlib
import os
import re
import selectors
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from charlstm_tui.terminal import signals
from charlstm_tui.terminal.capabilities import in_browser
from charlstm_tui.terminal.input_decoder import SECONDS_FOR_THE_REST, InputDecoder

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

    from charlstm_tui.terminal.redirect_output import Diversion

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
    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver
    from textual.events import Resize
    from textual.geometry import Size

    from charlstm_tui.terminal.redirect_output import Diversion

    class TolerantDriver(LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._diversion = Diversion()
            self._file: Any = _Tolerant(_terminal(), gone)
            self._continued = False
            self._asked_at = 0.0

        def start_application_mode(self) -> None:
            self._diversion.begin()
            super().start_application_mode()  # type: ignore[no-untyped-call]
            # Textual's own reads the size in the signal's handler: where that is interrupted by the next signal, the
            # app is told of the older size last, and keeps to it.
            loop = asyncio.get_running_loop()
            signal.signal(signal.SIGWINCH, lambda number, frame: loop.call_soon_threadsafe(self._tell_size))
            signal.signal(signal.SIGTSTP, lambda number, frame: loop.call_soon_threadsafe(self.suspend_process))
            signal.signal(signal.SIGCONT, lambda number, frame: loop.call_soon_threadsafe(self._restart))
            self._tell_size()

        # --- suspended by the user, and continued by the shell

        def suspend_process(self, *, group: bool = False) -> bool:
            """Give the terminal back and stop the process, or all of its group; return once it is continued.

            Returns:
                Whether it was stopped: the system ignores this where there is no shell that could continue it.
            """
            self.suspend_application_mode()
            self._continued = False
            signal.signal(signal.SIGCONT, self._note)
            while True:
                signal.signal(signal.SIGTSTP, signal.SIG_DFL)
                os.kill(0 if group else os.getpid(), signal.SIGTSTP)
                if not self._continued:
                    time.sleep(0.05)  # another thread may have got the signal
                if not self._continued or self._is_in_foreground:
                    break
                self._continued, group = False, False  # continued by `bg`, where it can neither read nor draw
            was_stopped = self._continued
            self._start_again()
            return was_stopped

        def _note(self, number: int, frame: object) -> None:
            self._continued = True

        def _restart(self) -> None:
            """Draw all anew: the process was stopped without being asked, and the terminal was another's."""
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
            except OSError:  # no terminal, or one that is gone
                return True

        def post_redraw(self) -> None:
            """Have the app draw its screen as if the terminal were empty."""
            self._app.post_message(self.SignalResume())

        # --- what the terminal sends

        def run_input_thread(self) -> None:
            """Read what the terminal sends until the app ends or is suspended."""
            decoder = InputDecoder(sys.__stdin__.encoding if sys.__stdin__ else "utf-8")
            parser = XTermParser(self._debug)
            waits_since = 0.0
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        try:
                            data = os.read(self.fileno, 4096)
                        except OSError:
                            data = b""
                        if not data:
                            gone()
                            return
                        text = decoder.decode(data)
                        waits_since = time.monotonic()
                    else:
                        decoder.pause()
                        over = decoder.waits and time.monotonic() - waits_since >= SECONDS_FOR_THE_REST
                        text = decoder.flush() if over else ""
                    parser = self._parse(parser, text)
                    if decoder.saw_x10:
                        decoder.saw_x10 = False
                        self._ask_for_digits()

        def _parse(self, parser: XTermParser, text: str) -> XTermParser:
            """Pass on what a text means, without a sequence at which the parser fails; return the next parser."""
            for piece in (*re.split("(?=\x1b)", text), ""):
                try:
                    for event in parser.feed(piece) if piece else parser.tick():
                        self.process_message(event)
                except Exception:  # it takes any number for a character's, for one
                    parser = XTermParser(self._debug)
            return parser

        def _ask_for_digits(self) -> None:
            """Ask for mouse reports in the SGR form again, once a second at most."""
            if time.monotonic() - self._asked_at >= 1:
                self._asked_at = time.monotonic()
                self.write("\x1b[?1006h")
                self.flush()

        # --- its size

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
