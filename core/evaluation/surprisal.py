"""The surprisal of each character of a text, stored for display, with the characters that the model expected."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.reports.results import Expected, Extract

if TYPE_CHECKING:
    from core.data.text_slice import Passage
    from core.evaluation.scored_chunk import ScoredChunk

MAX_KEPT = 1_000_000
"""Maximum number of characters stored, from the start of the text: 36 bytes each."""
PASSAGE = 160
"""Length of an extract in characters: about two lines."""
SHORT_PASSAGE = 20
"""Minimum length in characters of an extract from a text of only a few lines."""


class CharacterLoss(NamedTuple):
    """The loss of one character, and the most probable alternatives."""

    character: str
    loss: float | None
    """Surprisal in nats; None for a character that the model does not know."""
    expected: tuple[Expected, ...]
    """Most probable characters, the most probable first; empty for a character that the model does not know."""


class Surprisals:
    """The first million characters of a text, with the surprisal and the alternatives of each."""

    def __init__(self, vocabulary: str, passage: "Passage") -> None:
        self.text = str(passage.cut(0, min(len(passage), MAX_KEPT)))
        """The N characters that are stored, including those unknown to the model."""
        self._vocabulary = vocabulary
        self._losses = np.full(len(self.text), np.nan, dtype=np.float32)  # NaN: unknown, or not read yet
        self._expected: NDArray[np.int32] | None = None  # (N, A)
        self._expected_losses: NDArray[np.float32] | None = None
        self.read = 0
        """Number of characters read so far."""

    def add(self, chunk: "ScoredChunk") -> None:
        """Store the next chunk of the text."""
        places = np.flatnonzero(chunk.known) + chunk.begin
        stored = places < len(self.text)
        places = places[stored]
        if self._expected is None or self._expected_losses is None:
            shape = (len(self.text), chunk.expected.shape[1])
            self._expected, self._expected_losses = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
        self._losses[places] = chunk.losses[stored]
        self._expected[places] = chunk.expected[stored]
        self._expected_losses[places] = chunk.expected_losses[stored]
        self.read = min(chunk.end, len(self.text))

    @property
    def losses(self) -> NDArray[np.float32]:
        """Loss of each character in nats: shape (N,), NaN if the model does not know the character."""
        return self._losses

    def levels(self, borders: Sequence[float]) -> bytes:
        """Return the level of each character, one byte each: the number of `borders` that its loss reaches.

        `borders` are losses in ascending order. Unknown characters have level 0.
        """
        return np.searchsorted(borders, np.nan_to_num(self._losses), side="right").astype(np.uint8).tobytes()

    def next_above(self, border: float, place: int, *, backwards: bool = False) -> int | None:
        """Return the nearest position after `place` (before it if `backwards`) with a loss above `border`; or None."""
        if backwards:
            found = np.flatnonzero(self._losses[:place] > border)[-1:]
        else:
            found = np.flatnonzero(self._losses[place + 1 :] > border)[:1] + place + 1
        return int(found[0]) if len(found) else None

    def at(self, place: int) -> CharacterLoss:
        """Return the loss and the alternatives of the character at a position."""
        loss = float(self._losses[place])
        if np.isnan(loss) or self._expected is None or self._expected_losses is None:
            return CharacterLoss(self.text[place], None, ())
        return CharacterLoss(
            self.text[place],
            loss,
            tuple(
                Expected(self._vocabulary[id_], float(np.exp(-cost)))
                for id_, cost in zip(self._expected[place], self._expected_losses[place], strict=True)
            ),
        )

    @property
    def passage_length(self) -> int:
        """Length of an extract in characters, before it is trimmed to whole words; shorter if the text is short."""
        return min(PASSAGE, max(self.read // 3, SHORT_PASSAGE), self.read)

    def extremes(self, count: int) -> tuple[list[Extract], list[Extract]]:
        """Return the least expected and the most expected passages, at most `count` of each; no two overlap.

        At most a third of the text goes to the least expected ones (but always one passage), so that some text is left
        for the others.
        """
        if not self.read:
            return [], []
        least = self.extracts(min(count, max(self.read // (3 * self.passage_length), 1)))
        return least, self.extracts(count, most_expected=True, apart_from=least)

    def extracts(self, count: int, *, most_expected: bool = False, apart_from: Sequence[Extract] = ()) -> list[Extract]:
        """Return the least expected (or the most expected) passages, at most `count`, the most extreme first.

        No two overlap, and none overlaps a passage of `apart_from`, so a short text may give fewer or none.
        """
        length = self.passage_length
        if not length:
            return []
        losses = self._losses[: self.read].astype(np.float64)
        sums, known = (np.concatenate([[0], values.cumsum()]) for values in (np.nan_to_num(losses), ~np.isnan(losses)))

        def mean_of(begin: NDArray[np.int64] | int, end: NDArray[np.int64] | int) -> NDArray[np.float64]:
            mean: NDArray[np.float64] = (sums[end] - sums[begin]) / np.maximum(known[end] - known[begin], 1)
            return mean

        begins = np.arange(self.read - length + 1)  # start of each candidate
        means = mean_of(begins, begins + length)
        if not most_expected:
            means = -means
        means[2 * (known[begins + length] - known[begins]) < length] = np.inf  # most characters are unknown
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
        """Return the range trimmed to whole words; unchanged if it contains no whole word."""
        start, stop = begin, end
        while 0 < start < end and not (self.text[start - 1].isspace() and not self.text[start].isspace()):
            start += 1
        while start < stop < len(self.text) and not self.text[stop].isspace():
            stop -= 1
        return (start, stop) if start < stop else (begin, end)
