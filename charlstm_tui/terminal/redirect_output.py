"""Redirects output that C libraries write directly to the file descriptors of the process, to keep it off the screen.

Textual captures Python's own prints, but a warning of oneDNN or OpenMP is written by C code and would damage the
screen. While the app uses the terminal, descriptors 1 and 2 point to a file, and the driver draws on its own copy.
"""

import contextlib
import os
import sys
from pathlib import Path

from charlstm_tui.terminal import signals
from core.folders import data_folder

MAX_BYTES = 1_000_000
"""Size in bytes above which the file is emptied at the next start."""


def printed_path() -> Path:
    """Return the path of the file with the output that was redirected while the app was open."""
    return data_folder() / "printed.log"


class Diversion:
    """Redirects descriptors 1 and 2 away from the terminal, and back."""

    def __init__(self) -> None:
        self._saved: dict[int, int] = {}

    def begin(self) -> None:
        """Redirect to the file, or to the null device if the file cannot be written."""
        if self._saved:
            return
        log = _open()
        with contextlib.suppress(OSError):
            for descriptor in (1, 2):
                self._saved[descriptor] = os.dup(descriptor)
                os.dup2(log, descriptor)
        signals.terminals.update(self._saved.values())
        os.close(log)

    def end(self) -> None:
        """Restore the descriptors."""
        for stream in (sys.__stdout__, sys.__stderr__):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()  # type: ignore[union-attr]
        for descriptor, saved in self._saved.items():
            with contextlib.suppress(OSError):
                os.dup2(saved, descriptor)
                os.close(saved)
            signals.terminals.discard(saved)
        if self._saved:
            self._saved = {}
            with contextlib.suppress(OSError):
                if printed_path().stat().st_size == 0:
                    printed_path().unlink()


def _open() -> int:
    with contextlib.suppress(OSError):
        path = printed_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        long = path.exists() and path.stat().st_size > MAX_BYTES
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if long else 0), 0o600)
    return os.open(os.devnull, os.O_WRONLY)
