"""Textual's driver for a terminal that may go away, and that others print to.

Its writing thread ends at the first write that fails, and everything then waits for that thread for ever: a process
left behind by a closed window. Here such a write is lost, and the app is told. And it draws on a descriptor of its own,
so that what C code prints can be led elsewhere meanwhile.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from charlstm_tui import signals

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
    from textual.drivers.linux_driver import LinuxDriver

    from charlstm_tui.diversion import Diversion

    class TolerantDriver(LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._diversion = Diversion()
            self._file: Any = _Tolerant(_terminal(), gone)

        def start_application_mode(self) -> None:
            self._diversion.begin()
            super().start_application_mode()  # type: ignore[no-untyped-call]

        def stop_application_mode(self) -> None:
            super().stop_application_mode()
            self._diversion.end()

        def _get_terminal_size(self) -> tuple[int, int]:
            with contextlib.suppress(OSError):
                return os.get_terminal_size(self._file.fileno())
            return super()._get_terminal_size()

    return TolerantDriver


def draws_more_than_ascii() -> bool:
    """Tell whether the locale's encoding has what the screens are drawn with; else it would all be question marks."""
    try:
        "─⠿█".encode(sys.__stdout__.encoding if sys.__stdout__ else "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _terminal() -> Any:
    """Return a file of its own on the terminal: that of standard error, or, where that leads elsewhere, of output."""
    descriptor = os.dup(2 if os.isatty(2) else 1)
    signals.terminals.add(descriptor)
    encoding = sys.__stdout__.encoding if sys.__stdout__ else "utf-8"
    return os.fdopen(descriptor, "w", encoding=encoding, errors="replace")
