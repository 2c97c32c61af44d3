"""Which of Textual's drivers the app draws with: in a browser, in a terminal, or in the console of Windows."""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from charlstm_tui.terminal.capabilities import in_browser

if TYPE_CHECKING:
    from textual.driver import Driver


def driver_class(gone: Callable[[], None]) -> "type[Driver] | None":
    """Return the driver, which calls `gone` from any thread when the terminal is closed; None selects Textual's own.

    That is the one for the console of Windows: it has no SIGTSTP, and reads keys as events instead of bytes.
    """
    if in_browser():
        return _browser_driver(gone)
    if sys.platform != "win32":
        from charlstm_tui.terminal.posix_driver import terminal_driver

        return terminal_driver(gone)
    return None


def _browser_driver(gone: Callable[[], None]) -> "type[Driver]":
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
