"""A long job in a worker thread, and the one owner that a place on screen has for its latest job.

A job's thread only fills a buffer; a timer of the owner empties it a few times a second and hands over what it found.
So however fast the engine talks, the screen hears it at its own pace, nothing is lost, and no thread touches a widget.
"""

from collections import deque
from collections.abc import Callable, Iterator

from msgspec import Struct
from textual.app import App
from textual.widget import Widget

from core.control import Control
from core.errors import UserError, in_plain_words

TRAINING_INTERVAL = 1 / 4
"""Seconds between two looks at a training run, whose time the drawing takes."""
WRITING_INTERVAL = 1 / 30
"""Seconds between two looks at a text that is being written: often enough to look fluid."""
CONSIDERATE_INTERVAL = 1 / 8
"""The same while a run is trained, whose time the drawing takes."""


class Ending(Struct, frozen=True):
    """How a job ended."""

    error: str
    """What went wrong, in plain words; empty if nothing did."""
    stopped: bool
    """Whether the job was told to stop."""


class _Job:
    """One run of `produce` in a thread."""

    def __init__(self, produce: Callable[[Control], Iterator[object]]) -> None:
        self.control = Control()
        self.error = ""
        self.over = False
        self._produce = produce
        self._items: deque[object] = deque()

    def run(self) -> None:
        """Fill the buffer, in a worker thread, until `produce` is exhausted or fails."""
        try:
            for item in self._produce(self.control):
                self._items.append(item)
        except UserError as error:
            self.error = str(error)
        except Exception as error:
            self.error = in_plain_words(error)
        finally:
            self.over = True

    def take(self) -> tuple[object, ...]:
        """Empty the buffer."""
        return tuple(self._items.popleft() for _ in range(len(self._items)))


class LatestJob:
    """The latest job of one place: a screen, a widget, or one concern of the app.

    The place starts, stops and hears its jobs through this class only. An older job is told to stop when a newer one
    starts, and neither its items nor its end reach the place, so no place has to check whose message it received.

    `produce` is given the job's control and must look at it often: `stop` is a request.
    """

    def __init__(
        self,
        owner: App[None] | Widget,
        *,
        on_items: Callable[[tuple[object, ...]], None],
        on_end: Callable[[Ending], None],
    ) -> None:
        self._owner = owner
        self._on_items = on_items
        self._on_end = on_end
        self._job: _Job | None = None

    @property
    def running(self) -> bool:
        """Whether a job was started and its end was not handed over yet."""
        return self._job is not None

    @property
    def control(self) -> Control | None:
        """The control of the running job."""
        return self._job.control if self._job is not None else None

    def start(self, produce: Callable[[Control], Iterator[object]], *, name: str, interval: float) -> None:
        """Start a job. Its items are handed over every `interval` seconds, in the owner's turn."""
        self.drop()
        job = self._job = _Job(produce)

        def deliver() -> None:
            if job is not self._job:
                timer.stop()
                return
            over = job.over  # read first: what was said before it is in the buffer by now
            if items := job.take():
                self._on_items(items)
            if over and job is self._job:  # else what was handed over began a newer one
                timer.stop()
                self._job = None
                self._on_end(Ending(job.error, job.control.stopped))

        timer = self._owner.set_interval(interval, deliver)
        self._owner.run_worker(job.run, name=name, group=name, thread=True, exit_on_error=False)

    def stop(self) -> None:
        """Ask the running job to end. `on_end` tells when it has."""
        if self._job is not None:
            self._job.control.stop()

    def drop(self) -> None:
        """Ask the running job to end, and hear nothing more of it."""
        self.stop()
        self._job = None
