"""Textual's driver for a terminal that may go away.

Its writing thread ends at the first write that fails, and everything then waits for that thread for ever: a process
left behind by a closed window. Here such a write is lost, and the app is told.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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

    class TolerantDriver(LinuxDriver):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._file: Any = _Tolerant(self._file, gone)

    return TolerantDriver
