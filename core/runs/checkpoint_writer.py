"""Writing checkpoints in a separate thread, so that training does not wait for the disk."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from core.errors import in_plain_words
from core.events import SavedKind

RETRY_SECONDS = 10.0
"""Seconds between two attempts to write a file that could not be written."""
PAUSE_FACTOR = 9
"""Pause after a write, as a multiple of the write's duration: saving uses at most a tenth of one core."""


class Savable(Protocol):
    """State of a run at one moment, which can be written to a file."""

    @property
    def taken_at(self) -> float:
        """That moment, in seconds of `time.monotonic`."""

    @property
    def epochs(self) -> int:
        """Number of epochs completed by then."""

    def content(self, kind: SavedKind, preset: str) -> Iterable[bytes | memoryview]:
        """Return the content of a checkpoint file, in pieces."""


class Outcome(NamedTuple):
    """Result of a write."""

    kind: SavedKind
    snapshot: Savable
    seconds: float
    """Duration of the write."""
    failure: str
    """Why the file was not written; empty if it was."""


class CheckpointWriter:
    """Writes the newest snapshot of each kind. A failed write is tried again later.

    The best checkpoint is written before the last: when a run is resumed from its last checkpoint, the best one that
    its counters refer to must exist.
    """

    def __init__(self, write: Callable[[SavedKind, Savable], None]) -> None:
        self._write = write
        self._wanted: dict[SavedKind, Savable] = {}
        self._hurried = False
        self._changed = threading.Condition()
        self._closing = False
        self._outcomes: deque[Outcome] = deque()
        self._thread = threading.Thread(target=self._run, name="checkpoint-writer", daemon=True)
        self._thread.start()

    def put(self, kind: SavedKind, snapshot: Savable, *, hurry: bool = False) -> None:
        """Queue a snapshot in place of a queued one of its kind; `hurry` skips the pause after the previous write."""
        with self._changed:
            self._wanted[kind] = snapshot
            self._hurried = self._hurried or hurry
            self._changed.notify()

    def outcomes(self) -> list[Outcome]:
        """Return the results of the writes since the last call."""
        return [self._outcomes.popleft() for _ in range(len(self._outcomes))]

    def close(self) -> None:
        """Write the queued snapshots, including those that failed before, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        pause_over = retry_at = 0.0  # times at which the pause ends, and at which a failed write may be tried again
        while True:
            with self._changed:
                while not self._closing:
                    due = retry_at if self._hurried else max(pause_over, retry_at)
                    if self._wanted and time.monotonic() >= due:
                        break
                    self._changed.wait(max(due - time.monotonic(), 0.001) if self._wanted else None)
                closing, self._hurried = self._closing, False
                waiting = sorted(self._wanted.items())  # the best before the last
            started = time.monotonic()
            failure = ""
            for kind, snapshot in waiting:
                failure = failure or self._try(kind, snapshot)
                self._outcomes.append(Outcome(kind, snapshot, time.monotonic() - started, failure))
            ended = time.monotonic()
            pause_over, retry_at = ended + PAUSE_FACTOR * (ended - started), ended + RETRY_SECONDS if failure else 0.0
            if closing:
                return

    def _try(self, kind: SavedKind, snapshot: Savable) -> str:
        """Write a snapshot; return why that failed, or an empty string."""
        failure = ""
        try:
            self._write(kind, snapshot)
        except OSError as error:
            failure = error.strerror or str(error)
        except Exception as error:  # whatever the error, the next write may succeed
            failure = in_plain_words(error)
        with self._changed:
            if not failure and self._wanted.get(kind) is snapshot:
                del self._wanted[kind]
        return failure
