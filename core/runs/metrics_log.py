"""The events of a run in a file, one a line. What cannot be written is kept, and tried again."""

import time
from pathlib import Path

from core.events import Event, to_json
from core.runs.checkpoint_writer import RETRY_SECONDS


class MetricsLog:
    """Appends events to a file. It opens the file for each write: the folder may have been moved and put back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[bytes] = []
        self._tried_at = 0.0
        self.trouble = ""
        """Why the last lines could not be written; empty if they were."""

    def append(self, event: Event) -> None:
        """Write an event, or keep it until it can be written."""
        self._waiting.append(to_json(event).encode() + b"\n")
        self.try_again()

    def try_again(self, *, now: bool = False) -> None:
        """Write what is waiting, unless the last try failed a moment ago; `now` tries in any case."""
        if not self._waiting or (self.trouble and not now and time.monotonic() - self._tried_at < RETRY_SECONDS):
            return
        self._tried_at = time.monotonic()
        try:
            torn = self._path.exists() and not _ends_a_line(self._path)
            with self._path.open("ab", buffering=0) as file:
                written = file.write((b"\n" if torn else b"") + b"".join(self._waiting))
            if written < len(b"".join(self._waiting)) + torn:
                raise OSError(28, "No space left on device")
        except OSError as error:
            self.trouble = error.strerror or str(error)
        else:
            self.trouble = ""
            self._waiting.clear()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"
