"""What mattered for the next character, in numbers. The panel also runs the job that computes them."""

from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from charlstm_tui.jobs.attribution import Asked, Mattered, Method, attribute
from charlstm_tui.jobs.job import WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.training import is_training
from charlstm_tui.widgets.inspection.attribution_lines import in_a_list, in_three_lines

if TYPE_CHECKING:
    from textual.timer import Timer

    from charlstm_tui.jobs.attribution import Activations, Checkpoint

PAUSE = 0.2
"""Seconds that the cursor rests before the computation starts."""
SLOW = 0.5
"""Seconds after which the key that stops the computation is named: most computations are over before."""
FRAME = 6
"""Columns of the window to the left and right of the three lines."""


class AttributionPanel(Static):
    """Computes what mattered at the cursor once it rests, and shows it: a list or, in small windows, three lines."""

    class Changed(Message):
        """The attribution was computed or dropped, or the computation began or ended."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._asked: Asked | None = None
        self._found: Mattered | None = None
        self._doing = ""
        self._trouble = ""
        self._names_stop = False
        self._lines = 0
        self._waiting: list[Timer] = []
        self._job = LatestJob(self, on_items=self._take, on_end=self._end)

    def consider(self, checkpoint: "Checkpoint", activations: "Activations", place: int, method: Method) -> None:
        """Explain the prediction after a place, once the cursor has rested there."""
        asked = Asked(
            checkpoint=checkpoint, activations=activations, place=place, method=method,
            considerate=is_training(self.app),
        )  # fmt: skip
        if self._asked is not None and _key(asked) == _key(self._asked):
            return
        self.drop()
        self._asked = asked
        self._waiting = [self.set_timer(PAUSE, partial(self._start, asked))]
        self.show()

    def drop(self) -> None:
        """Stop the computation and forget its result."""
        self._halt()
        self._job.drop()
        self._asked = self._found = None
        self._doing = self._trouble = ""

    def stop(self) -> None:
        """Stop the computation; its place is not explained before the cursor moves or the method changes."""
        if self.is_working:
            self._halt()
            self._job.drop()
            self._doing, self._trouble = "", "stopped"
            self._tell()

    @property
    def is_working(self) -> bool:
        """Whether the attribution is being computed, or will be after the pause."""
        return bool(self._waiting) or self._job.running

    @property
    def names_stop(self) -> bool:
        """Whether the computation takes so long that the key that stops it is named."""
        return self._names_stop

    @property
    def found(self) -> Mattered | None:
        """The attribution at the cursor; None before it is computed."""
        return self._found

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self.drop()

    def _start(self, asked: Asked) -> None:
        self._waiting = [self.set_timer(SLOW, self._name_stop)]
        self._job.start(partial(attribute, asked=asked), name="attribution", interval=WRITING_INTERVAL)

    def _name_stop(self) -> None:
        self._names_stop = True
        self._tell()

    def _halt(self) -> None:
        for timer in self._waiting:
            timer.stop()
        if self._names_stop:
            self.post_message(self.Changed())
        self._waiting, self._names_stop = [], False

    def _take(self, items: tuple[object, ...]) -> None:
        for item in items:
            match item:
                case Doing(what=what):
                    self._doing = what
                case Mattered():
                    self._found = item
        self.show()

    def _end(self, ending: Ending) -> None:
        self._halt()
        self._doing, self._trouble = "", ending.error
        self._tell()

    def _tell(self) -> None:
        self.show()
        self.post_message(self.Changed())

    def show(self) -> None:
        """Write the numbers for the present size of the window."""
        if self._asked is None:
            return
        state = self._doing or self._trouble or "computing"
        if self._names_stop:
            state += " · Esc stops"
        if self.screen.has_class("-wide") and self.screen.has_class("-tall"):
            lines = in_a_list(self._asked, self._found, state)
        else:
            lines = in_three_lines(self._asked, self._found, state, self.app.size.width - FRAME)
        as_many, self._lines = len(lines) == self._lines, len(lines)
        self.update(Content("\n").join(lines), layout=not as_many)  # a new layout of the screen takes 10 ms


def _key(asked: Asked) -> tuple[object, ...]:
    return id(asked.activations), asked.place, asked.method  # it stays the same object as long as it is asked about
