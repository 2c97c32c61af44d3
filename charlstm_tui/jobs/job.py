"""A long job in a worker thread, and `LatestJob`, which runs the jobs of one screen or widget.

The thread of a job only fills a buffer. A timer of the owner empties the buffer a few times a second and passes the
items to the owner. So the screen receives events at its own pace however fast the engine sends them, no event is lost,
and no worker thread touches a widget.
"""

from collections import deque
from collections.abc import Callable, Iterator

from msgspec import Struct
from textual.app import App
from textual.widget import Widget

from core.control import Control
from core.errors import UserError, in_plain_words

TRAINING_INTERVAL = 1 / 4
"""Seconds between two updates from a training run. Drawing takes CPU time from the training."""
WRITING_INTERVAL = 1 / 30
"""Seconds between two updates from a text that is being generated: often enough to look fluid."""
CONSIDERATE_INTERVAL = 1 / 8
"""The same while a run is trained, because drawing takes CPU time from the training."""


class Ending(Struct, frozen=True):
    """How a job ended."""

    error: str
    """The error message; empty if there was no error."""
    stopped: bool
    """Whether the job was asked to stop."""


class _Job:
    """One call of `produce` in a thread."""

    def __init__(self, produce: Callable[[Control], Iterator[object]]) -> None:
        self.control = Control()
        self.error = ""
        self.over = False
        self._produce = produce
        self._items: deque[object] = deque()

    def run(self) -> None:
        """Fill the buffer from a worker thread until `produce` is exhausted or fails."""
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
        """Empty the buffer and return its items."""
        return tuple(self._items.popleft() for _ in range(len(self._items)))


def _is_closing(owner: App[None] | Widget) -> bool:
    """Return whether a widget, or its screen, is being removed."""
    return isinstance(owner, Widget) and not (owner.is_attached and owner.screen.display)


class LatestJob:
    """The latest job of one owner: a screen, a widget, or one task of the app.

    The owner starts, stops and receives its jobs through this class only. When a newer job starts, the older one is
    asked to stop, and neither its items nor its end reach the owner. So no owner has to check which job sent a message.

    `produce` receives the job's control and must check it often, because `stop` is only a request.
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
        """Whether a job was started and `on_end` was not called yet."""
        return self._job is not None

    @property
    def control(self) -> Control | None:
        """The control of the running job."""
        return self._job.control if self._job is not None else None

    def start(self, produce: Callable[[Control], Iterator[object]], *, name: str, interval: float) -> None:
        """Start a job. `on_items` is called every `interval` seconds, in the owner's event loop."""
        self.drop()
        job = self._job = _Job(produce)

        def deliver() -> None:
            if _is_closing(self._owner):  # its parts may be gone already
                self.drop()
            if job is not self._job:
                timer.stop()
                return
            over = job.over  # read first: then the buffer holds all items of a job that is over
            if items := job.take():
                self._on_items(items)
            if over and job is self._job:  # unless on_items has started a newer job
                timer.stop()
                self._job = None
                self._on_end(Ending(job.error, job.control.stopped))

        timer = self._owner.set_interval(interval, deliver)
        self._owner.run_worker(job.run, name=name, group=name, thread=True, exit_on_error=False)

    def stop(self) -> None:
        """Ask the running job to end. `on_end` is called when it has ended."""
        if self._job is not None:
            self._job.control.stop()

    def drop(self) -> None:
        """Ask the running job to end, and ignore its further items and its end."""
        self.stop()
        self._job = None
