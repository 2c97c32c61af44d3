"""The job of writing together: a person types, or takes one of the likely next characters, and the model continues.

The screen puts each key into a queue, so that typing never waits. A worker thread has the network read the characters,
in order, and reports what changed in the text, with the choices for the next character.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from charlstm_tui.formatting.surprisal import PERSON, level_of
from charlstm_tui.jobs.generation import LOOK_SECONDS, Writer, Written
from charlstm_tui.jobs.process import blas_on_one_thread
from charlstm_tui.state.job_events import Doing, Prompted
from core.control import Control

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.sampling.sampler import Alternative
    from core.sampling.shared_text import SharedText

    Command = Callable[[Control], Iterator[object]]

CHOICES = 40
"""Number of most likely next characters to choose from; a window shows as many as fit."""
TURN = 500
"""Maximum number of characters that the model writes at a time; it stops before, at the end of a line."""
IDLE_SECONDS = 0.1
"""Seconds between two checks for a stop while nothing is typed."""
SLICE_SECONDS = 0.02
"""Seconds between two checks for a key while the model waits for the pace."""


class AuthorFigures(NamedTuple):
    """How many characters an author has written, and their mean surprisal in nats; None without characters."""

    characters: int
    surprise: float | None


class Begun(Struct, frozen=True):
    """The text can now be changed."""

    prompt: str
    """The prompt as the model has read it, without the characters that were taken back."""


class TakenBack(Struct, frozen=True):
    """The end of the text was removed."""

    text: str


class Offered(Struct, frozen=True):
    """The choices for the next character, and the figures of both authors."""

    choices: tuple["Alternative", ...]
    """Most likely next characters with the model's own probabilities, most likely first."""
    person: AuthorFigures
    model: AuthorFigures
    model_writes: bool
    """Whether the model is continuing by itself."""


class WritingTogether:
    """Changes the text of a writer at a person's commands, which may come from any thread."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._escaped = threading.Event()
        self._told: set[str] = set()  # notices about replaced characters, which need not be repeated
        self._refused = ""  # the last notice, if it is about a dropped character: the key may be held down

    # --- commands

    def type(self, text: str) -> None:
        """Add characters of the person: one that was typed, or several that were pasted."""
        self._commands.put(partial(self._type, text))

    def take(self, place: int) -> None:
        """Add the choice with this index as a character of the person."""
        self._commands.put(partial(self._take, place))

    def take_back(self) -> None:
        """Remove the last character."""
        self._commands.put(self._take_back)

    def let_model_write(self) -> None:
        """Let the model continue until the end of a line; the next command stops it."""
        self._commands.put(self._let_model_write)

    def escape(self) -> None:
        """Stop the model, or the reading of a long text; if neither is in progress, end the job."""
        self._escaped.set()
        self._commands.put(self._wake)

    # --- in the worker thread

    def work(self, control: Control) -> Iterator[object]:
        """Carry out the commands until the job is stopped or escaped.

        Yields `Doing` and `Prompted` while the model is loaded, `Begun`, and then `Written`, `TakenBack`, `Prompted`,
        `Offered`, and `Doing` where it takes long.

        Raises:
            UserError: the model cannot be loaded, or is damaged.
        """
        yield from (event for event in self.writer.prepare(control) if isinstance(event, Doing | Prompted))
        if not self.writer.is_ready:
            return
        yield Begun(self._text.text[: self._text.prompt_length])
        try:
            with blas_on_one_thread() if self.writer.considerate else contextlib.nullcontext():
                yield from self._obey(control)
        finally:
            self.writer.adopt()

    def _obey(self, control: Control) -> Iterator[object]:
        yield from self._offer(control)
        while not control.stopped:
            try:
                command = self._commands.get(timeout=IDLE_SECONDS)
            except Empty:
                continue
            yield from command(control)
            if self._commands.empty():
                if self._escaped.is_set():
                    return
                yield from self._offer(control)

    @property
    def _text(self) -> "SharedText":
        return self.writer.text

    def _type(self, text: str, control: Control) -> Iterator[object]:
        fitted = self._text.fit(text)
        if not fitted.left_out and fitted.read:
            self._refused = ""
        if (notice := fitted.notice_of("text")) and notice != self._refused and notice not in self._told:
            yield Prompted(notice)
        if fitted.left_out:
            self._refused = notice
        else:
            self._told.add(notice)
        last = time.monotonic()
        for place, character in enumerate(fitted.read):
            yield from self._settle(control)
            if control.stopped or not self._text.is_settled or (place and self._was_escaped()):
                return
            yield self._add(character)
            if time.monotonic() - last > LOOK_SECONDS:
                last = time.monotonic()
                yield Doing(f"reading, {place / len(fitted.read):.0%}")

    def _take(self, place: int, control: Control) -> Iterator[object]:
        yield from self._settle(control)
        if self._text.is_settled and place < len(choices := self._text.alternatives(CHOICES)):
            yield self._add(choices[place].character)

    def _add(self, character: str) -> Written:
        surprise = self._text.add(character)
        return Written(0, character, bytes([level_of(surprise) + PERSON]), surprise)

    def _take_back(self, control: Control) -> Iterator[object]:
        if removed := self._text.take_back():
            yield TakenBack(removed)

    def _let_model_write(self, control: Control) -> Iterator[object]:
        yield from self._settle(control)
        if not self._text.is_settled:
            return
        is_blank = True  # the line so far; an empty line is no end of a turn
        looked = 0.0
        due = time.perf_counter()
        for _ in range(TURN):
            drawn = self._text.draw()
            yield Written(0, drawn.character, bytes([level_of(drawn.surprise)]), drawn.surprise)
            if drawn.character == "\n" and not is_blank:
                return
            is_blank = is_blank and drawn.character.isspace()
            if time.perf_counter() - looked > LOOK_SECONDS:
                looked = time.perf_counter()
                yield self._offered(model_writes=True)
            pace = self.writer.writing.pace
            due = max(due + 1 / pace, time.perf_counter()) if pace else 0.0
            while True:
                if control.stopped or not self._commands.empty():
                    self._was_escaped()
                    return
                if (left := due - time.perf_counter()) <= 0:
                    break
                control.wait(min(left, SLICE_SECONDS))

    def _wake(self, control: Control) -> Iterator[object]:
        return iter(())

    def _was_escaped(self) -> bool:
        """Return whether the person has pressed Esc, which is then answered."""
        escaped = self._escaped.is_set()
        self._escaped.clear()
        return escaped

    def _settle(self, control: Control) -> Iterator[object]:
        """Compute the network's state again, if characters were taken back, until Esc is pressed."""
        for share in self._text.settle():
            if control.stopped or self._escaped.is_set():
                return
            yield Doing(f"reading the text again, {share:.0%}")

    def _offer(self, control: Control) -> Iterator[object]:
        yield from self._settle(control)
        if self._text.is_settled:
            yield self._offered(model_writes=False)

    def _offered(self, *, model_writes: bool) -> Offered:
        from core.sampling.shared_text import Author

        person, model = (AuthorFigures(*self._text.mean_of(author)) for author in (Author.PERSON, Author.MODEL))
        return Offered(tuple(self._text.alternatives(CHOICES)), person, model, model_writes)
