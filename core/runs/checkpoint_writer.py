"""Checkpoints written in a thread of their own, so that training does not wait for a disk."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from core.errors import in_plain_words

if TYPE_CHECKING:
    from core.checkpoints.training_state import Snapshot

RETRY_SECONDS = 10.0
"""Between two tries to write what could not be written."""
REST = 9
"""How long the thread rests after a write, in times of what that took: a tenth of one core at most is for saving."""

Saved = Literal["best", "last"]


class Outcome(NamedTuple):
    """What came of a write."""

    kind: Saved
    snapshot: "Snapshot"
    seconds: float
    """What the write took, from when it was begun."""
    trouble: str
    """Why it was not written; empty if it was."""


class Saver:
    """Writes the newest snapshot of each kind. What cannot be written is kept, and tried again.

    The best is written before the last: who goes on from the last must find the best that it knows of.
    """

    def __init__(self, write: Callable[[Saved, "Snapshot"], None]) -> None:
        self._write = write
        self._wanted: dict[Saved, Snapshot] = {}
        self._hurried = False
        self._changed = threading.Condition()
        self._closing = False
        self._outcomes: deque[Outcome] = deque()
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)
        self._thread.start()

    def put(self, kind: Saved, snapshot: "Snapshot", *, hurry: bool = False) -> None:
        """Have a snapshot written, in place of one of its kind that is still waiting: in a hurry, without a rest."""
        with self._changed:
            self._wanted[kind] = snapshot
            self._hurried = self._hurried or hurry
            self._changed.notify()

    def outcomes(self) -> list[Outcome]:
        """Return what came of the writes since this was last asked."""
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

    def _try(self, kind: Saved, snapshot: "Snapshot") -> str:
        """Write a snapshot; return why it could not be, or nothing."""
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
