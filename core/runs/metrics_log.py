"""Log of a run's events, or of its losses by step, one JSON object per line.

Lines that cannot be written are kept and tried again.
"""

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from core.runs.checkpoint_writer import RETRY_SECONDS


class MetricsLog:
    """Appends records, such as events, to a file.

    The file is opened for each write, because its folder may be moved and put back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[bytes] = []
        self._tried_at = 0.0
        self.failure = ""
        """Why the last write failed; empty if it succeeded."""

    def append(self, record: Struct) -> None:
        """Write a record, or keep it if the file cannot be written now."""
        self._waiting.append(msgspec.json.encode(record) + b"\n")
        self.try_again()

    def try_again(self, *, now: bool = False) -> None:
        """Write the waiting records, unless the last attempt failed within `RETRY_SECONDS`; `now` writes at once."""
        if not self._waiting or (self.failure and not now and time.monotonic() - self._tried_at < RETRY_SECONDS):
            return
        self._tried_at = time.monotonic()
        try:
            line_is_torn = self.path.exists() and not _ends_a_line(self.path)
            with self.path.open("ab", buffering=0) as file:
                written = file.write((b"\n" if line_is_torn else b"") + b"".join(self._waiting))
            if written < len(b"".join(self._waiting)) + line_is_torn:
                raise OSError(28, "No space left on device")
        except OSError as error:
            self.failure = error.strerror or str(error)
        else:
            self.failure = ""
            self._waiting.clear()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"
