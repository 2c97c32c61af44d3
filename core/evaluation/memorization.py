"""Memorization: how much of a generated sample occurs word for word in the text that the model was trained on.

A model that has memorized its training text can generate convincing text without having generalized. The same figures
are computed for held-out text, which cannot be a copy; they show how much overlap is natural.
"""

import re
from collections.abc import Collection, Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.reports.results import COPIED_LENGTHS, Copying

_BASE = 0x9E3779B97F4A7C15  # odd, with well-mixed bits
_FILTER_BITS = 16
_WORD = re.compile(r"[^\W\d_]+")
_END = re.compile(r"[^\W\d_]*\Z")

Hashes = NDArray[np.uint64]


class CopyingProgress(Struct, frozen=True):
    """Progress of the search."""

    done: float
    """Share that is done, 0 to 1."""


def copying(sample: str, text: str) -> Iterator[CopyingProgress | Copying]:
    """Find how much of `sample` occurs in `text`. Yields progress and, last, the result. To cancel, stop iterating."""
    known = set(words(text))
    yield CopyingProgress(0.1)
    of_sample = words(sample)
    shares = {}
    for length in COPIED_LENGTHS:
        shares[length] = _share(_found(sample, text, length))
        yield CopyingProgress(0.1 + 0.1 * len(shares))
    longest, done = "", 0.4
    for searched, found in _longest(sample, text):
        longest = found
        done = max(done, 0.4 + 0.6 * searched)
        yield CopyingProgress(done)
    yield Copying(
        longest=longest,
        shares=shares,
        words=_share(np.array([word in known for word in of_sample], dtype=bool)),
    )


def words(text: str) -> list[str]:
    """Return the words of a text in lower case. A word is a longest sequence of letters."""
    return _WORD.findall(text.lower())


class WordCount:
    """Counts the words of a growing text, and how many of them are known. A word is counted once it is complete."""

    def __init__(self, known: Collection[str], before: str = "") -> None:
        """Start counting.

        Args:
            known: the known words, in lower case.
            before: the text before the first piece; its last word may be incomplete.
        """
        self.complete = 0
        self.found = 0
        self._known = known
        self._begun = _END.search(before)[0].lower()  # type: ignore[index]  # the pattern also matches no letters

    def add(self, text: str) -> None:
        """Append a piece to the text and count the words that it completes."""
        whole = self._begun + text.lower()
        self._begun = _END.search(whole)[0]  # type: ignore[index]
        complete = words(whole[: len(whole) - len(self._begun)])
        self.complete += len(complete)
        self.found += sum(word in self._known for word in complete)

    @property
    def share(self) -> float | None:
        """Share of the complete words that are known, 0 to 1; None before the first word is complete."""
        return self.found / self.complete if self.complete else None


def _share(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if len(found) else float("nan")


def _longest(sample: str, text: str) -> Iterator[tuple[float, str]]:
    """Yield the progress, 0 to 1, and the longest common passage so far.

    Every prefix of a common passage is common too, so the length can be searched: it is doubled until no passage of
    that length is found, then bisected. Doubling comes first because most samples share only short passages.
    """
    best, longest, too_long, length = "", 0, min(len(sample), len(text)) + 1, 16
    steps = 0
    while too_long - longest > 1:
        length = min(length, too_long - 1)
        passage = _common(sample, text, length)
        if passage:
            best, longest = passage, length
            length = 2 * length if 2 * length < too_long else (longest + too_long) // 2
        else:
            too_long = length
            length = (longest + too_long) // 2
        steps += 1
        yield steps / (steps + np.log2(max(min(too_long, 2 * length) - longest, 1))), best
    yield 1.0, best


def _common(sample: str, text: str, length: int) -> str:
    """Return the first passage of `length` characters of the sample that occurs in the text; empty if none does."""
    for place in np.flatnonzero(_found(sample, text, length)):
        passage = sample[int(place) : int(place) + length]
        if passage in text:  # not only a hash collision
            return passage
    return ""


def _found(sample: str, text: str, length: int) -> NDArray[np.bool_]:
    """Return, for each sequence of `length` characters in the sample, whether it occurs in the text (by its hash).

    Sequences are indexed by their start: shape (max(len(sample) - length + 1, 0),).
    """
    sought, place = np.unique(_hashes(sample, length), return_inverse=True)  # sorted: the sample is the shorter
    if not len(sought):
        return np.empty(0, dtype=bool)
    of_text = _hashes(text, length)
    ends = np.zeros(1 << _FILTER_BITS, dtype=bool)  # the last bits of the sought hashes: most others differ from them
    last_bits = np.uint64(len(ends) - 1)
    ends[sought & last_bits] = True
    of_text = of_text[ends[of_text & last_bits]]
    nearest = np.minimum(np.searchsorted(sought, of_text), len(sought) - 1)
    found = np.zeros(len(sought), dtype=bool)
    found[nearest[sought[nearest] == of_text]] = True
    return found[place]


def _hashes(text: str, length: int) -> Hashes:
    """Return a hash, modulo 2**64, of each sequence of `length` characters, indexed by its start.

    The hash of a sequence is computed from the hashes of its halves, so the number of products over the whole text is
    the number of bits of `length`.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    count = max(len(codes) - length + 1, 0)
    if not count:
        return np.empty(0, dtype=np.uint64)
    with np.errstate(over="ignore"):
        power, power_length, shift = (codes + np.uint64(1)) * np.uint64(_BASE), 1, pow(_BASE, 3, 2**64)
        hashes: Hashes = np.zeros(count, dtype=np.uint64)
        done = 0
        while True:
            if length & power_length:
                hashes = hashes * np.uint64(shift) + power[done : done + count]
                done += power_length
            if done == length:
                return hashes
            power = power[:-power_length] * np.uint64(shift) + power[power_length:]
            power ^= power >> np.uint64(29)
            shift = shift * shift % 2**64
            power_length *= 2
