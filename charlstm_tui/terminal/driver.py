"""Which of Textual's drivers the app draws with: in a browser, in a terminal, or in the console of Windows."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from charlstm_tui.terminal.background import Background
from charlstm_tui.terminal.capabilities import in_browser
from charlstm_tui.terminal.input_events import InputEvents

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.message import Message


def driver_class(gone: Callable[[], None], background: Background | None = None) -> "type[Driver] | None":
    """Return the driver, which calls `gone` from any thread when the terminal is closed; None selects Textual's own.

    That is the one for the console of Windows: it has no SIGTSTP, and reads keys as events instead of bytes. In other
    terminals, the driver asks for the colour of the `background`, if the app wants to know it.
    """
    if in_browser():
        return _browser_driver(gone)
    if sys.platform != "win32":
        from charlstm_tui.terminal.posix_driver import terminal_driver

        return terminal_driver(gone, background or Background(lambda light: None))
    return None


def _browser_driver(gone: Callable[[], None]) -> "type[Driver]":
    from textual.drivers._byte_stream import ByteStream
    from textual.drivers.web_driver import WebDriver
    from textual.events import AppFocus

    from charlstm_tui.terminal.redirect_output import Diversion

    class TolerantWebDriver(WebDriver):
        """Ends when the server is killed, and keeps output of C code out of the packets; Textual's own does neither."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._diversion = Diversion()
            self._descriptor = os.dup(1)
            self._write = partial(self._write_all)

        def start_application_mode(self) -> None:
            self._diversion.begin()
            super().start_application_mode()
            # WebDriver starts the app without the focus, and may do so after the page has reported the focus.
            self._app.call_later(self._app.post_message, AppFocus())

        def stop_application_mode(self) -> None:
            super().stop_application_mode()
            self._diversion.end()

        def run_input_thread(self) -> None:
            packets, events = ByteStream(), InputEvents(debug=self._debug)
            with contextlib.suppress(Exception):  # the server asks for the end, or is gone
                for data in self._input_reader:
                    for kind, payload in packets.feed(data) if data else ():
                        if kind == "D":
                            self._process(events.feed(payload, time.monotonic()))
                        else:
                            self._on_meta(kind, payload)
                    self._process(events.pause(time.monotonic()))
            self._input_reader.close()
            if not self.exit_event.is_set():
                gone()

        def _process(self, events: Iterator["Message"]) -> None:
            for event in events:
                self.process_message(event)

        def _write_all(self, data: bytes) -> int:
            try:
                return os.write(self._descriptor, data)
            except OSError:
                gone()
                return len(data)

    return TolerantWebDriver
