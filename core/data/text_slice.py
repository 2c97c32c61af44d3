"""Parts of a text that are read on demand, without copying them.

A passage is a part that a split gives: ranges of the text, which are read as one. Those of a `TextSlice` have equal
lengths and equal distances; `core.data.text_stretches` has others.

    run = 3, period = 5, first = 0        a b c|d e|f g h|i j|k l m|n o         ->  a b c f g h k l m
    run = 2, period = 5, first = 3        a b c|d e|f g h|i j|k l m|n o         ->  d e i j n o
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.data.encoded_text import EncodedText
from core.data.vocabulary import Vocabulary

UNKNOWN = -1
"""Id of a character that the vocabulary does not have."""


class Ids(Protocol):
    """The ids of a text's characters, with random access: an array, or a passage with a vocabulary."""

    def __len__(self) -> int:
        """Return the number of ids."""

    def take(self, places: NDArray[np.int64], /) -> NDArray[Any]:
        """Return the ids at `places`, in an array of the same shape."""


class Passage(ABC):
    """A part of a text: one or several ranges, in the text's order."""

    text: EncodedText

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of characters."""

    @abstractmethod
    def places(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions in the text of the characters at these positions of the passage."""

    @abstractmethod
    def cut(self, start: int, stop: int) -> "Passage":
        """Return the part of the passage from position `start` up to, but not including, `stop`."""

    @abstractmethod
    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the begin and the end of each range of the passage, as positions in the text."""

    def characters_shared_with(self, other: "Passage") -> int:
        """Return how many characters of the text are in both passages, which must be of the same text."""
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
        """Return the ids of the characters; `UNKNOWN` for those that the vocabulary does not have."""
        return PassageIds(self, vocabulary)

    def __str__(self) -> str:
        """Return the characters as a string. It takes memory for all of them at once."""
        points = np.array([ord(character) for character in self.text.alphabet], dtype=np.uint32)
        codes = self.text.codes[self.places(np.arange(len(self)))]
        return points[codes].tobytes().decode("utf-32-le", "surrogatepass")


@dataclass(frozen=True, kw_only=True)
class TextSlice(Passage):
    """A part of a text whose ranges have the same length and the same distance.

    The passage's character p is the text's character `first + (p + skip) // run * period + (p + skip) % run`.
    """

    text: EncodedText
    length: int
    first: int = 0
    run: int
    period: int
    skip: int = 0
    """Number of characters skipped at the start of those that `first`, `run` and `period` give."""

    def __len__(self) -> int:
        return self.length

    def places(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions in the text of the characters at these positions of the passage."""
        if self.skip + self.length <= self.run:  # a single range needs no division
            return places + (self.first + self.skip)
        runs, within = np.divmod(places + self.skip, self.run)
        return self.first + runs * self.period + within

    def cut(self, start: int, stop: int) -> "TextSlice":
        """Return the part of the passage from position `start` up to, but not including, `stop`."""
        return replace(self, skip=self.skip + start, length=stop - start)

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the begin and the end of each range of the passage, as positions in the text."""
        done = 0
        while done < self.length:
            runs, within = divmod(done + self.skip, self.run)
            start = self.first + runs * self.period + within
            characters = min(self.run - within, self.length - done)
            yield start, start + characters
            done += characters


class PassageIds:
    """The ids of a passage's characters in a vocabulary."""

    def __init__(self, passage: Passage, vocabulary: Vocabulary) -> None:
        self._passage = passage
        self._id_of_code = np.array([vocabulary.get(c, UNKNOWN) for c in passage.text.alphabet], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._passage)

    def take(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids at `places`, in an array of the same shape."""
        ids: NDArray[np.int64] = self._id_of_code[self._passage.text.codes[self._passage.places(places)]]
        return ids
