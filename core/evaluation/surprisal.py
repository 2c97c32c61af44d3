"""What a model made of each character of a text, to be looked at: how much it was surprised, and what it expected."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.reports.results import Expected, Extract

if TYPE_CHECKING:
    from core.data.text_slice import Passage
    from core.evaluation.scored_chunk import ScoredChunk

MAX_KEPT = 1_000_000
"""Characters, from the start of the text: 36 bytes each."""
PASSAGE = 160
"""Characters of a passage: two lines or so."""
SHORT_PASSAGE = 20
"""Characters of a passage of a text that has only a few lines."""


class CharacterLoss(NamedTuple):
    """What the model made of one character."""

    character: str
    loss: float | None
    """In nats; None for one that the model does not know."""
    expected: tuple[Expected, ...]
    """Likeliest first; empty for one that it does not know."""


class Surprisals:
    """The characters of a text, or of its first million, with what the model made of each."""

    def __init__(self, vocabulary: str, passage: "Passage") -> None:
        self.text = str(passage.cut(0, min(len(passage), MAX_KEPT)))
        """As it stands, characters unknown to the model included."""
        self._vocabulary = vocabulary
        self._losses = np.full(len(self.text), np.nan, dtype=np.float32)  # NaN: unknown, or not read yet
        self._expected: NDArray[np.int32] | None = None  # (N, A)
        self._expected_losses: NDArray[np.float32] | None = None
        self.read = 0
        """Characters, so far."""

    def add(self, chunk: "ScoredChunk") -> None:
        """Keep a stretch: the next one of the text."""
        places = np.flatnonzero(chunk.known) + chunk.begin
        kept = places < len(self.text)
        places = places[kept]
        if self._expected is None or self._expected_losses is None:
            shape = (len(self.text), chunk.expected.shape[1])
            self._expected, self._expected_losses = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
        self._losses[places] = chunk.losses[kept]
        self._expected[places] = chunk.expected[kept]
        self._expected_losses[places] = chunk.expected_losses[kept]
        self.read = min(chunk.end, len(self.text))

    @property
    def losses(self) -> NDArray[np.float32]:
        """In nats, by place: shape (N,), NaN where the model does not know the character."""
        return self._losses

    def levels(self, borders: Sequence[float]) -> bytes:
        """Return between which of some losses each character's is: 0 below the first; so is an unknown one's."""
        return np.searchsorted(borders, np.nan_to_num(self._losses), side="right").astype(np.uint8).tobytes()

    def next_above(self, border: float, place: int, *, backwards: bool = False) -> int | None:
        """Return the nearest place after another one, or before it, whose loss is above a border."""
        if backwards:
            found = np.flatnonzero(self._losses[:place] > border)[-1:]
        else:
            found = np.flatnonzero(self._losses[place + 1 :] > border)[:1] + place + 1
        return int(found[0]) if len(found) else None

    def at(self, place: int) -> CharacterLoss:
        """Tell what the model made of the character at a place."""
        loss = float(self._losses[place])
        if np.isnan(loss) or self._expected is None or self._expected_losses is None:
            return CharacterLoss(self.text[place], None, ())
        return CharacterLoss(
            self.text[place],
            loss,
            tuple(
                Expected(self._vocabulary[one], float(np.exp(-cost)))
                for one, cost in zip(self._expected[place], self._expected_losses[place], strict=True)
            ),
        )

    @property
    def passage_length(self) -> int:
        """Characters of a passage before it is cut at words: less of a short text, so that there are some."""
        return min(PASSAGE, max(self.read // 3, SHORT_PASSAGE), self.read)

    def extremes(self, count: int) -> tuple[list[Extract], list[Extract]]:
        """Return up to `count` passages that the model expected least, and most; no two of them overlap.

        The least expected ones take up no more than a third of the text, or are one alone, so that there are others.
        """
        if not self.read:
            return [], []
        least = self.extracts(min(count, max(self.read // (3 * self.passage_length), 1)))
        return least, self.extracts(count, most_expected=True, apart_from=least)

    def extracts(self, count: int, *, most_expected: bool = False, apart_from: Sequence[Extract] = ()) -> list[Extract]:
        """Return the passages that the model expected least, or most: the most extreme first, none overlapping.

        Nor does any overlap one of `apart_from`: of a short text there may be none left.
        """
        length = self.passage_length
        if not length:
            return []
        losses = self._losses[: self.read].astype(np.float64)
        sums, known = (np.concatenate([[0], values.cumsum()]) for values in (np.nan_to_num(losses), ~np.isnan(losses)))

        def mean_of(begin: NDArray[np.int64] | int, end: NDArray[np.int64] | int) -> NDArray[np.float64]:
            mean: NDArray[np.float64] = (sums[end] - sums[begin]) / np.maximum(known[end] - known[begin], 1)
            return mean

        begins = np.arange(self.read - length + 1)  # of each passage there could be
        means = mean_of(begins, begins + length)
        if not most_expected:
            means = -means
        means[2 * (known[begins + length] - known[begins]) < length] = np.inf  # mostly unknown
        for other in apart_from:
            means[max(other.begin - length + 1, 0) : other.begin + len(other.text)] = np.inf
        found: list[Extract] = []
        while len(found) < count and np.isfinite(means).any():
            begin = int(np.nanargmin(means))
            start, end = self._at_words(begin, begin + length)
            found.append(Extract(start, self.text[start:end], float(mean_of(start, end))))
            means[max(begin - length + 1, 0) : begin + length] = np.inf
        return sorted(found, key=lambda extract: extract.loss if most_expected else -extract.loss)

    def _at_words(self, begin: int, end: int) -> tuple[int, int]:
        """Return a stretch without the halves of words at its ends, where it has more than those."""
        start, stop = begin, end
        while 0 < start < end and not (self.text[start - 1].isspace() and not self.text[start].isspace()):
            start += 1
        while start < stop < len(self.text) and not self.text[stop].isspace():
            stop -= 1
        return (start, stop) if start < stop else (begin, end)
