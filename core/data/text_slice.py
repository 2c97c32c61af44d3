"""Some of a text, read where it is asked for.

A passage is what a split gives: one stretch of a text, or stretches at equal distances, read as if they were one.

    run = 3, period = 5, first = 0        a b c|d e|f g h|i j|k l m|n o         ->  a b c f g h k l m
    run = 2, period = 5, first = 3        a b c|d e|f g h|i j|k l m|n o         ->  d e i j n o
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.data.encoded_text import EncodedText
from core.data.vocabulary import Vocabulary

UNKNOWN = -1
"""Stands in the place of a character that a vocabulary does not have."""


class Ids(Protocol):
    """The ids of a text's characters, to be taken from any places: an array, or a passage with a vocabulary."""

    def __len__(self) -> int:
        """Return how many there are."""

    def take(self, places: NDArray[np.int64], /) -> NDArray[Any]:
        """Return the ids at `places`, in the same shape."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Characters of a text: its p-th is the text's at `first + (p + skip) // run * period + (p + skip) % run`."""

    text: EncodedText
    length: int
    first: int = 0
    run: int
    period: int
    skip: int = 0
    """Of the characters that run, first and period give, so many are left out from the start."""

    def __len__(self) -> int:
        return self.length

    def places(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where in the text the characters at these places of the passage stand."""
        if self.skip + self.length <= self.run:  # one stretch: no need to divide
            return places + (self.first + self.skip)
        runs, within = np.divmod(places + self.skip, self.run)
        return self.first + runs * self.period + within

    def cut(self, start: int, stop: int) -> "Passage":
        """Return the passage from its `start`-th character to before its `stop`-th."""
        return replace(self, skip=self.skip + start, length=stop - start)

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield where in the text each stretch begins and ends."""
        done = 0
        while done < self.length:
            runs, within = divmod(done + self.skip, self.run)
            start = self.first + runs * self.period + within
            characters = min(self.run - within, self.length - done)
            yield start, start + characters
            done += characters

    def characters_shared_with(self, other: "Passage") -> int:
        """Return how many characters of the same text are in both."""
        shared = 0
        mine, theirs = list(self.stretches()), list(other.stretches())
        i = j = 0
        while i < len(mine) and j < len(theirs):
            shared += max(0, min(mine[i][1], theirs[j][1]) - max(mine[i][0], theirs[j][0]))
            if mine[i][1] <= theirs[j][1]:
                i += 1
            else:
                j += 1
        return shared

    def ids(self, vocabulary: Vocabulary) -> "PassageIds":
        """Return the ids of its characters, `UNKNOWN` for those that the vocabulary does not have."""
        return PassageIds(self, vocabulary)

    def __str__(self) -> str:
        """Return its characters. Meant for a page, not for a library."""
        points = np.array([ord(character) for character in self.text.alphabet], dtype=np.uint32)
        codes = self.text.codes[self.places(np.arange(self.length))]
        return points[codes].tobytes().decode("utf-32-le", "surrogatepass")


class PassageIds:
    """A passage as a vocabulary numbers it."""

    def __init__(self, passage: Passage, vocabulary: Vocabulary) -> None:
        self._passage = passage
        self._id_of_code = np.array([vocabulary.get(c, UNKNOWN) for c in passage.text.alphabet], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._passage)

    def take(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids at `places`, in the same shape."""
        ids: NDArray[np.int64] = self._id_of_code[self._passage.text.codes[self._passage.places(places)]]
        return ids
