"""Checkpoints written in a thread of their own, so that training does not wait for a disk."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from core.errors import in_plain_words
from core.events import SavedKind

RETRY_SECONDS = 10.0
"""Between two tries to write what could not be written."""
REST = 9
"""How many times as long as a write takes the thread rests after it: saving takes a tenth of one core at most."""


class Savable(Protocol):
    """A run at one moment, ready to be written to a file."""

    @property
    def taken_at(self) -> float:
        """That moment, in seconds on the process's clock."""

    @property
    def epochs(self) -> int:
        """Epochs completed by then."""

    def content(self, kind: SavedKind, preset: str) -> Iterable[bytes | memoryview]:
        """Return the content of a file, in pieces."""


class Outcome(NamedTuple):
    """How a write ended."""

    kind: SavedKind
    snapshot: Savable
    seconds: float
    """What the write took, from when it was begun."""
    trouble: str
    """Why it was not written; empty if it was."""


class CheckpointWriter:
    """Writes the newest snapshot of each kind. What cannot be written is kept and tried again.

    The best is written before the last: a run that is resumed from its last must find the best that it knows of.
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
        """Ask for a snapshot to be written, in place of an older one of its kind that waits; `hurry` skips the rest."""
        with self._changed:
            self._wanted[kind] = snapshot
            self._hurried = self._hurried or hurry
            self._changed.notify()

    def outcomes(self) -> list[Outcome]:
        """Return how the writes ended since this was last called."""
        return [self._outcomes.popleft() for _ in range(len(self._outcomes))]

    def close(self) -> None:
        """Write what is waiting, trying once more what could not be written, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        rested = retry = 0.0  # when
        while True:
            with self._changed:
                while not self._closing:
                    due = retry if self._hurried else max(rested, retry)
                    if self._wanted and time.monotonic() >= due:
                        break
                    self._changed.wait(max(due - time.monotonic(), 0.001) if self._wanted else None)
                closing, self._hurried = self._closing, False
                waiting = sorted(self._wanted.items())  # the best before the last
            started = time.monotonic()
            trouble = ""
            for kind, snapshot in waiting:
                trouble = trouble or self._try(kind, snapshot)
                self._outcomes.append(Outcome(kind, snapshot, time.monotonic() - started, trouble))
            ended = time.monotonic()
            rested, retry = ended + REST * (ended - started), ended + RETRY_SECONDS if trouble else 0.0
            if closing:
                return

    def _try(self, kind: SavedKind, snapshot: Savable) -> str:
        """Write a snapshot; return why that failed, or an empty text."""
        trouble = ""
        try:
            self._write(kind, snapshot)
        except OSError as error:
            trouble = error.strerror or str(error)
        except Exception as error:  # whatever it is, the next one may be written
            trouble = in_plain_words(error)
        with self._changed:
            if not trouble and self._wanted.get(kind) is snapshot:
                del self._wanted[kind]
        return trouble
