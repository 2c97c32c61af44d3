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
from core.errors import UserError
from core.settings.config import SamplingConfig

if TYPE_CHECKING:
    from core.evaluation.memorization import WordCount
    from core.sampling.sampler import Alternative, Sampler

REPORT_SECONDS = 1 / 60
"""Seconds between two reports of generated text when the pace is not limited."""
LOOK_SECONDS = 1 / 15
"""Seconds between two updates of the next characters' probabilities: bars that change more often cannot be read."""
SHOWN = 16
"""Number of most likely next characters that are reported."""
CONSIDERATION = 3.0
"""Seconds of rest for each second of generating while a run is trained: on two cores, a third thread delays the two
threads of the training, which wait for each other at every step."""
MAX_TEXT = 10_000_000
"""Number of characters at the start of a training text whose words are collected."""
LATE = 0.25
"""Seconds of delay that a text may catch up, for example after the CPU was busy; a longer delay is not made up."""


class WritingConfig(Struct, frozen=True, kw_only=True):
    """Length of the generated text, and the pace."""

    length: Annotated[
        int, Meta(ge=0, le=10_000_000, description="Characters to generate; 0 generates until stopped.")
    ] = 1000
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


class Writer:
    """Generates one text for each temperature from a checkpoint: `length` characters of each, or without end if 0."""

    def __init__(
        self,
        path: Path,
        prompt: str,
        config: SamplingConfig,
        temperatures: tuple[float, ...],
        *,
        length: int,
        pace: float,
    ) -> None:
        self.path = path
        self.prompt = prompt
        self.temperatures = temperatures
        self.config = config
        self.pace = pace
        """Characters per second, at most; 0 for no limit."""
        self.considerate = False
        """Whether a run is in training, which has priority on the CPU."""
        self.written = 0
        """Number of characters generated so far, in each text."""
        self.length = length
        """Number of characters to generate in each text, and again each time it is continued; 0 for no end."""
        self._until = length
        self._wanted = length
        self._samplers: list[Sampler] = []

    @property
    def is_complete(self) -> bool:
        """Whether the text has reached its length."""
        return 0 < self._until <= self.written

    def change(self, config: SamplingConfig) -> None:
        """Use other sampling settings from the next character on; texts side by side keep their temperatures."""
        if len(self.temperatures) == 1:
            self.temperatures = (config.temperature,)
        self.config = config
        for sampler, temperature in zip(self._samplers, self.temperatures, strict=False):
            sampler.config = msgspec.structs.replace(config, temperature=temperature)

    def expecting(self) -> Expecting | None:
        """Return the most likely next characters with the present settings; call it only while nothing is generated."""
        if not self._samplers:
            return None
        return Expecting(tuple(self._samplers[0].alternatives(SHOWN)))

    def go_on(self) -> None:
        """Extend a complete text by `length` characters; if it is not complete, apply a changed `length`."""
        if self.is_complete:
            self._until = self.written + self.length if self.length else 0
        elif self.length != self._wanted:
            self._until = self.length and max(self.length, self.written + 1)
        self._wanted = self.length

    def write(self, control: Control) -> Iterator[object]:
        """Generate until the text is complete or stopped.

        Yields `Doing` and `Prompted` the first time; then `Written` and `Expecting`.
        """
        if not self._samplers:
            yield from self._begin(control)
            if not self._samplers:
                return
        with blas_on_one_thread() if self.considerate else contextlib.nullcontext():
            yield from self._write(control)

    def _write(self, control: Control) -> Iterator[object]:
        due = looked = time.perf_counter()
        while not control.stopped and not self.is_complete:
            texts = [""] * len(self._samplers)
            levels = [bytearray() for _ in self._samplers]
            surprisals = [0.0] * len(self._samplers)
            begun = now = time.perf_counter()
            while now - begun < REPORT_SECONDS and not control.stopped and not self.is_complete:
                for lane, sampler in enumerate(self._samplers):
                    drawn = next(sampler)
                    texts[lane] += drawn.character
                    levels[lane].append(level_of(drawn.surprise))
                    surprisals[lane] += drawn.surprise
                self.written += 1
                now = time.perf_counter()
                if self.pace:
                    due = max(due, now - LATE) + 1 / self.pace
                    if due > now:
                        break
            for lane, text in enumerate(texts):
                yield Written(lane, text, bytes(levels[lane]), surprisals[lane])
            if (
                now - looked > LOOK_SECONDS * (3 if self.considerate else 1)
                or self.is_complete
                or (self.pace and due - now > LOOK_SECONDS)
            ):
                looked = now
                yield Expecting(tuple(self._samplers[0].alternatives(SHOWN)))
            if self.considerate:
                control.wait(CONSIDERATION * (now - begun))
            while self.pace and not control.stopped and (left := due - time.perf_counter()) > 0:
                control.wait(min(left, 0.1))  # in short waits, since the screen may change the pace
                due = min(due, time.perf_counter() + 1 / self.pace) if self.pace else 0

    def _begin(self, control: Control) -> Iterator[object]:
        yield Doing("loading PyTorch")
        from core.checkpoints.checkpoint import load_checkpoint
        from core.sampling.prompt import fit
        from core.sampling.sampler import Sampler, prefill

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
        self._samplers = samplers
        self.change(self.config)  # the settings may have changed while the samplers were built


def three_temperatures(middle: float) -> tuple[float, float, float]:
    """Return three temperatures for texts side by side: a lower one, the chosen one and a higher one."""
    return (middle / 2, middle, min(1.5 * middle, 100.0)) if middle else (0.0, 0.5, 1.0)


class TrainingWords(Struct, frozen=True):
    """The distinct words of a model's training text."""

    words: frozenset[str]

    def count_in(self, prompt: str) -> "WordCount":
        """Return a counter of how many words of a generated text are among these; the text begins with the prompt."""
        from core.evaluation.memorization import WordCount

        return WordCount(self.words, prompt)


def words_of_training_text(control: Control, path: Path) -> Iterator[TrainingWords]:
    """Yield the words of a model's training text, as `core.evaluation.memorization` splits it, if it is found."""
    from core.checkpoints.file_format import opened
    from core.data.corpus import Corpus, open_corpus
    from core.evaluation.memorization import words

    with opened(path) as file:
        config, validation = file.header.corpus, file.header.training.validation
    with contextlib.suppress(UserError), contextlib.closing(open_corpus(config)) as events:
        for event in events:
            if control.stopped:
                return
            if isinstance(event, Corpus) and event.text.sha256 == config.sha256:
                part = event.part("train", validation)
                yield TrainingWords(frozenset(words(str(part.cut(0, min(len(part), MAX_TEXT))))))
