"""Counts what is written on Generate: the characters of each text, their surprisal, and the speed."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable

from charlstm_tui.jobs.generation import Writer, Written

SETTLING = 0.5
"""Seconds after which a speed can be told."""


class WrittenTexts:
    """The texts side by side, one in each lane, without their prompt."""

    def __init__(self) -> None:
        self._lengths = Counter[int]()
        self._surprisals = defaultdict[int, float](float)  # by lane: the sum, in nats
        self._began: float | None = None  # when the first characters came since the last start or continuation
        self._before = 0  # number of characters then

    @property
    def shown(self) -> int:
        """Number of characters of the longest text."""
        return max(self._lengths.values(), default=0)

    def continue_here(self) -> None:
        """Measure the speed from here on. The time that loads the model is not part of it."""
        self._began, self._before = None, self.shown

    def add(self, written: Iterable[Written]) -> None:
        """Count what was written."""
        if self._began is None:
            self._began = time.monotonic()
        for one in written:
            self._lengths[one.lane] += len(one.text)
            self._surprisals[one.lane] += one.surprise

    def length_is(self, characters: int) -> None:
        """Take the length of a single text, after a person has changed it."""
        self._lengths = Counter({0: characters})

    @property
    def speed(self) -> float | None:
        """Characters per second of the longest text; None before it can be told."""
        seconds = time.monotonic() - self._began if self._began is not None else 0.0
        return (self.shown - self._before) / seconds if seconds > SETTLING else None

    def length(self, lane: int) -> int:
        """Return the number of characters of a text."""
        return self._lengths[lane]

    def facts(self, lane: int, writer: Writer) -> dict[str, float | str | bool | None]:
        """Return what a lesson is told of a text: how it was generated, its length and its surprisal."""
        config = writer.config
        return {
            "prompt": writer.prompt, "temperature": float(writer.temperatures[lane]), "top_k": float(config.top_k),
            "top_p": config.top_p, "seed": float(config.seed), "texts": float(len(writer.temperatures)),
            "characters": float(self.length(lane)), "surprise": self.surprisal(lane),
        }  # fmt: skip

    def surprisal(self, lane: int) -> float:
        """Return the mean surprisal of a text, in nats per character; 0 for an empty one."""
        return self._surprisals[lane] / max(self._lengths[lane], 1)
