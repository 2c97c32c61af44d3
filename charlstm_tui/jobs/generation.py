"""The job of the Generate screen: generate one text, or three side by side. It can be stopped, changed and continued.

A worker thread runs `write` while the screen changes the settings of the same object. This needs no lock: each change
is one assignment, which is atomic in Python.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from charlstm_tui.formatting.surprisal import level_of
from charlstm_tui.jobs.process import blas_on_one_thread, spare_the_collector
from charlstm_tui.state.job_events import Doing, Prompted
from core.control import Control
from core.settings.config import SamplingConfig, TextEnd

if TYPE_CHECKING:
    from core.sampling.sampler import Alternative
    from core.sampling.shared_text import SharedText

REPORT_SECONDS = 1 / 60
"""Seconds between two reports of generated text when the pace is not limited."""
LOOK_SECONDS = 1 / 15
"""Seconds between two updates of the next characters' probabilities: bars that change more often cannot be read."""
SHOWN = 16
"""Number of most likely next characters that are reported."""
CONSIDERATION = 3.0
"""Seconds of rest for each second of generating while a run is trained: on two cores, a third thread delays the two
threads of the training, which wait for each other at every step."""
LATE = 0.25
"""Seconds of delay that a text may catch up, for example after the CPU was busy; a longer delay is not made up."""


class WritingConfig(Struct, frozen=True, kw_only=True):
    """Length and end of the generated text, and the pace."""

    length: Annotated[
        int, Meta(ge=0, le=10_000_000, description="Characters to generate, at most; 0 sets no limit.")
    ] = 1000
    end: Annotated[
        TextEnd,
        Meta(description="What ends a text: its length alone, also an empty line, or also the end of a speech."),
    ] = "length"
    pace: Annotated[
        float, Meta(ge=0, le=1_000_000, description="Characters per second, at most; 0 is as fast as possible.")
    ] = 60.0


class Written(Struct, frozen=True):
    """Newly generated characters of one text."""

    lane: int
    """Index of the text, among those side by side."""
    text: str
    levels: bytes
    """The surprisal level of each character, 0 to 4."""
    surprise: float = 0.0
    """Sum of the characters' surprisals, in nats."""


class Expecting(Struct, frozen=True):
    """The most likely next characters of the first text, most likely first."""

    alternatives: tuple["Alternative", ...]


class _Lane:
    """One of the texts, and how far it is to be generated."""

    def __init__(self, text: "SharedText", until: int, end: TextEnd) -> None:
        self.text = text
        self.written = 0
        self.until = until
        self.has_ended = False
        self.look_for(end)

    @property
    def is_complete(self) -> bool:
        """Whether the text has ended, or has its length."""
        return self.has_ended or 0 < self.until <= self.written

    def look_for(self, end: TextEnd) -> None:
        """Look for this end from here on."""
        from core.sampling.ending import LONGEST_DIRECTION, EndFinder, Ending

        self.end = end
        before = self.text.tail(LONGEST_DIRECTION) if end != "length" else ""
        self._finder = EndFinder(Ending(until=end), before)

    def extend(self, length: int, end: TextEnd) -> None:
        """Let a complete text become longer by `length` characters, or without limit if 0."""
        self.until = self.written + length if length else 0
        self.has_ended = False
        self.look_for(end)

    def draw(self, end: TextEnd) -> tuple[str, float]:
        """Generate a character; return it and its surprisal."""
        if end != self.end:
            self.look_for(end)
        drawn = self.text.draw()
        self.written += 1
        self.has_ended = self._finder.add(drawn.character)
        return drawn.character, drawn.surprise


class Writer:
    """Generates one text for each temperature from a checkpoint, each up to its end or its length."""

    def __init__(
        self,
        path: Path,
        prompt: str,
        config: SamplingConfig,
        temperatures: tuple[float, ...],
        *,
        writing: WritingConfig,
    ) -> None:
        self.path = path
        self.prompt = prompt
        self.temperatures = temperatures
        self.config = config
        self.considerate = False
        """Whether a run is in training, which has priority on the CPU."""
        self.writing = writing
        """Pace, end, and the number of characters to generate in each text, and again each time it is continued."""
        self._wanted = writing.length
        self._lanes: list[_Lane] = []

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded and has read the prompt."""
        return bool(self._lanes)

    @property
    def is_complete(self) -> bool:
        """Whether all texts have ended, or have their length."""
        return self.is_ready and all(lane.is_complete for lane in self._lanes)

    @property
    def has_ended(self) -> bool:
        """Whether a text has reached its end before its length."""
        return any(lane.has_ended for lane in self._lanes)

    @property
    def written(self) -> int:
        """Number of characters of the longest text, without the prompt."""
        return max((lane.written for lane in self._lanes), default=0)

    @property
    def text(self) -> "SharedText":
        """The first text; only if the writer is ready."""
        return self._lanes[0].text

    def has_text_of(self, path: Path, prompt: str) -> bool:
        """Return whether this is a single text of this checkpoint, after this prompt."""
        return self.is_ready and len(self._lanes) == 1 and (self.path, self.prompt) == (path, prompt)

    def change(self, config: SamplingConfig) -> None:
        """Use other sampling settings from the next character on; texts side by side keep their temperatures."""
        if len(self.temperatures) == 1:
            self.temperatures = (config.temperature,)
        self.config = config
        for lane, temperature in zip(self._lanes, self.temperatures, strict=False):
            lane.text.sampler.config = msgspec.structs.replace(config, temperature=temperature)

    def expecting(self) -> Expecting | None:
        """Return the most likely next characters with the present settings; call it only while nothing is generated."""
        if not self._lanes or not self.text.is_settled:
            return None
        return Expecting(tuple(self.text.sampler.alternatives(SHOWN)))

    def go_on(self) -> None:
        """Extend complete texts by a length; if they are not complete, apply a changed length."""
        writing = self.writing
        if self.is_complete:
            for lane in self._lanes:
                lane.extend(writing.length, writing.end)
        elif writing.length != self._wanted:
            for lane in self._lanes:
                lane.until = writing.length and max(writing.length, lane.written + 1)
        self._wanted = writing.length

    def adopt(self) -> None:
        """Regard the first text as complete, after a person has changed it."""
        self._lanes[0].written = len(self.text) - self.text.prompt_length
        self._lanes[0].has_ended = True

    def prepare(self, control: Control) -> Iterator[object]:
        """Load the model and read the prompt, if that is not done. Yields `Doing`, `Prompted` and `Expecting`."""
        if not self._lanes:
            yield from self._begin(control)

    def settle(self, control: Control) -> Iterator[Doing]:
        """Compute the state after the end of the first text again, if characters were taken back."""
        for share in self.text.settle():
            if control.stopped:
                return
            yield Doing(f"reading the text again, {share:.0%}")

    def write(self, control: Control) -> Iterator[object]:
        """Generate until the texts are complete or stopped.

        Yields `Doing` and `Prompted` the first time; then `Written` and `Expecting`.

        Raises:
            UserError: the model cannot be loaded, is damaged, or can never generate the end.
        """
        yield from self.prepare(control)
        if not self._lanes:
            return
        from core.sampling.ending import Ending

        Ending(until=self.writing.end).check(self.text.vocabulary)
        yield from self.settle(control)
        with blas_on_one_thread() if self.considerate else contextlib.nullcontext():
            yield from self._write(control)

    def _write(self, control: Control) -> Iterator[object]:
        due = looked = time.perf_counter()
        while not control.stopped and not self.is_complete:
            texts = [""] * len(self._lanes)
            levels = [bytearray() for _ in self._lanes]
            surprisals = [0.0] * len(self._lanes)
            begun = now = time.perf_counter()
            while now - begun < REPORT_SECONDS and not control.stopped and not self.is_complete:
                for number, lane in enumerate(self._lanes):
                    if lane.is_complete:
                        continue
                    character, surprise = lane.draw(self.writing.end)
                    texts[number] += character
                    levels[number].append(level_of(surprise))
                    surprisals[number] += surprise
                now = time.perf_counter()
                if pace := self.writing.pace:
                    due = max(due, now - LATE) + 1 / pace
                    if due > now:
                        break
            for number, text in enumerate(texts):
                if text:
                    yield Written(number, text, bytes(levels[number]), surprisals[number])
            if (
                now - looked > LOOK_SECONDS * (3 if self.considerate else 1)
                or self.is_complete
                or (self.writing.pace and due - now > LOOK_SECONDS)
            ):
                looked = now
                yield Expecting(tuple(self.text.sampler.alternatives(SHOWN)))
            if self.considerate:
                control.wait(CONSIDERATION * (now - begun))
            while self.writing.pace and not control.stopped and (left := due - time.perf_counter()) > 0:
                control.wait(min(left, 0.1))  # in short waits, since the screen may change the pace
                due = min(due, time.perf_counter() + 1 / pace) if (pace := self.writing.pace) else 0

    def _begin(self, control: Control) -> Iterator[object]:
        yield Doing("loading PyTorch")
        from core.checkpoints.checkpoint import load_checkpoint
        from core.sampling.prompt import fit
        from core.sampling.sampler import Sampler, prefill
        from core.sampling.shared_text import SharedText

        yield Doing("loading the model")
        checkpoint = load_checkpoint(self.path)
        yield Doing("reading the prompt")
        prompt = fit(self.prompt, checkpoint.vocabulary)
        for event in prefill(checkpoint.model, checkpoint.vocabulary, prompt):
            if control.stopped:
                return
            if isinstance(event, float):
                yield Doing(f"reading the prompt, {event:.0%}")
            else:
                primed = event
        samplers = [
            Sampler(
                checkpoint.model,
                checkpoint.vocabulary,
                msgspec.structs.replace(self.config, temperature=temperature),
                prompt,
                primed,
            )
            for temperature in self.temperatures
        ]
        spare_the_collector()
        yield Prompted(samplers[0].prompt.notice)
        yield Expecting(tuple(samplers[0].alternatives(SHOWN)))
        self._lanes = [
            _Lane(SharedText(sampler, checkpoint.vocabulary), self.writing.length, self.writing.end)
            for sampler in samplers
        ]
        self.change(self.config)  # the settings may have changed while the samplers were built


def three_temperatures(middle: float) -> tuple[float, float, float]:
    """Return three temperatures for texts side by side: a lower one, the chosen one and a higher one."""
    return (middle / 2, middle, min(1.5 * middle, 100.0)) if middle else (0.0, 0.5, 1.0)
