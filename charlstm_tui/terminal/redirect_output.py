"""Keeps off the screen what libraries print past Python, straight to the file descriptors of the process.

Textual catches Python's own prints; a warning of oneDNN or OpenMP is written by C code, and wrecks what is drawn. While
the app has the terminal, descriptors 1 and 2 lead into a file, and the driver draws on a copy of its own.
"""

import contextlib
import os
import sys
from pathlib import Path

from charlstm_tui.terminal import signals
from core.folders import data_folder

MAX_BYTES = 1_000_000
"""A file longer than this begins anew."""


def printed_path() -> Path:
    """Return the path of the file that holds what was printed while the app had the screen."""
    return data_folder() / "printed.log"


class Diversion:
    """Leads descriptors 1 and 2 away from the terminal, and back."""

    def __init__(self) -> None:
        self._saved: dict[int, int] = {}

    def begin(self) -> None:
        """Divert what is printed; without a folder to write to, to nowhere."""
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
        """Let prints go to the terminal again."""
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
