"""The job of the Generate screen: generate one text, or three side by side; it can be stopped, changed and continued.

A worker thread runs `write` while the screen changes settings of the same object. Each change assigns a whole value,
which in Python is atomic.
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
"""Seconds between two reports when there is no limit on the pace."""
LOOK_SECONDS = 1 / 15
"""Seconds between two updates of the next characters: bars that change more often cannot be read."""
SHOWN = 16
"""Alternatives that are reported."""
CONSIDERATION = 3.0
"""Seconds to rest for each second of generating while a run is trained: on two cores, a third thread holds up the two
of the training, which wait for each other at every step."""
MAX_TEXT = 10_000_000
"""Characters of a training text whose words are looked up."""
LATE = 0.25
"""Seconds; a text that is later than that, for example after a busy moment of the CPU, does not hurry to catch up."""


class WritingConfig(Struct, frozen=True, kw_only=True):
    """How much of a text is written, and how fast."""

    length: Annotated[
        int, Meta(ge=0, le=10_000_000, description="Characters to generate; 0 generates until stopped.")
    ] = 1000
    pace: Annotated[
        float, Meta(ge=0, le=1_000_000, description="Characters per second, at most; 0 is as fast as possible.")
    ] = 60.0


class Written(Struct, frozen=True):
    """What was added to one of the texts."""

    lane: int
    text: str
    levels: bytes
    """The surprisal level of each character, 0 to 4."""
    surprise: float = 0.0
    """The sum of the characters' surprisals, in nats."""


class Expecting(Struct, frozen=True):
    """What may come next in the first text, likeliest first."""

    alternatives: tuple["Alternative", ...]


class Writer:
    """Writes from a checkpoint: a text for each temperature, `length` characters of each, or without end for 0."""

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
        """Characters a second at most; 0 is as fast as they come."""
        self.considerate = False
        """Whether a run is being trained, which needs the CPU more."""
        self.written = 0
        """Characters of each text."""
        self.length = length
        """Characters to generate of each text, and again each time it is continued; 0 never ends."""
        self._until = length
        self._wanted = length
        self._samplers: list[Sampler] = []

    @property
    def is_complete(self) -> bool:
        """Whether the text has the length that was asked for."""
        return 0 < self._until <= self.written

    def change(self, config: SamplingConfig) -> None:
        """Draw by other settings from the next character on; texts side by side keep their temperatures."""
        if len(self.temperatures) == 1:
            self.temperatures = (config.temperature,)
        self.config = config
        for sampler, temperature in zip(self._samplers, self.temperatures, strict=False):
            sampler.config = msgspec.structs.replace(config, temperature=temperature)

    def expecting(self) -> Expecting | None:
        """Return what may come next with the present settings; only while nothing is being generated."""
        if not self._samplers:
            return None
        return Expecting(tuple(self._samplers[0].alternatives(SHOWN)))

    def go_on(self) -> None:
        """Extend a complete text by the same length; else take the length that is wanted now."""
        if self.is_complete:
            self._until = self.written + self.length if self.length else 0
        elif self.length != self._wanted:
            self._until = self.length and max(self.length, self.written + 1)
        self._wanted = self.length

    def write(self, control: Control) -> Iterator[object]:
        """Write until it is complete or told to stop. Yields `Doing` and `Prompted` once, then what was written."""
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
                control.wait(min(left, 0.1))  # the pace may be changed meanwhile
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
        self.change(self.config)  # it may have been changed while they were made


def three_temperatures(middle: float) -> tuple[float, float, float]:
    """Return the temperatures of texts side by side, one lower and one higher than the chosen one."""
    return (middle / 2, middle, min(1.5 * middle, 100.0)) if middle else (0.0, 0.5, 1.0)


class TrainingWords(Struct, frozen=True):
    """The words of the text that a model was trained on."""

    words: frozenset[str]

    def count_in(self, prompt: str) -> "WordCount":
        """Return what counts, in a text that begins with a prompt, how many words are among these."""
        from core.evaluation.memorization import WordCount

        return WordCount(self.words, prompt)


def words_of_training_text(control: Control, path: Path) -> Iterator[TrainingWords]:
    """Yield the words of a model's training text, as `core.evaluation.memorization` splits it, if that text is here."""
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
