"""Does a text copy another? How much of a sample stands word for word in the text that a model was trained on.

A model that has learnt its text by heart writes convincingly and has understood nothing. So that the figures can be
judged, the same ones are computed for held-out text, which its author cannot have copied: the natural level.
"""

import re
from collections.abc import Collection, Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.reports.results import COPIED_LENGTHS, Copying

_BASE = 0x9E3779B97F4A7C15  # odd, its bits well mixed
_WORD = re.compile(r"[^\W\d_]+")
_END = re.compile(r"[^\W\d_]*\Z")

Hashes = NDArray[np.uint64]


class CopyingProgress(Struct, frozen=True):
    """How far the search has come."""

    done: float
    """0 to 1."""


def copying(sample: str, text: str) -> Iterator[CopyingProgress | Copying]:
    """Tell how much of `sample` is found in `text`; yields progress and, last, the result. To stop, stop asking."""
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
    """Return the words of a text in small letters: what stands between characters that are no letters."""
    return _WORD.findall(text.lower())


class WordCount:
    """How many words of a text that grows are among those of another text. A word counts once it is complete."""

    def __init__(self, known: Collection[str], before: str = "") -> None:
        """Begin; the text continues `before`, whose last word may not be complete."""
        self.complete = 0
        self.found = 0
        self._known = known
        self._begun = _END.search(before)[0].lower()  # type: ignore[index]  # it matches nothing as well

    def add(self, text: str) -> None:
        """Count what is added to the text."""
        whole = self._begun + text.lower()
        self._begun = _END.search(whole)[0]  # type: ignore[index]
        complete = words(whole[: len(whole) - len(self._begun)])
        self.complete += len(complete)
        self.found += sum(word in self._known for word in complete)

    @property
    def share(self) -> float | None:
        """Their share, 0 to 1; None before the first word is complete."""
        return self.found / self.complete if self.complete else None


def _share(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if len(found) else float("nan")


def _longest(sample: str, text: str) -> Iterator[tuple[float, str]]:
    """Yield how far it is, 0 to 1, and the longest common passage so far: one that is found has each beginning found.

    Lengths are doubled until one is not found, and halved in between: most samples share little.
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
    """Return the first passage of the sample of that length that is found in the text; empty if none is."""
    for place in np.flatnonzero(_found(sample, text, length)):
        passage = sample[int(place) : int(place) + length]
        if passage in text:  # and not by a chance of hashing
            return passage
    return ""


def _found(sample: str, text: str, length: int) -> NDArray[np.bool_]:
    """Tell of each sequence of `length` characters in the sample, by its start, whether it is in the text."""
    sought, place = np.unique(_hashes(sample, length), return_inverse=True)  # sorted: the sample is the shorter
    if not len(sought):
        return np.empty(0, dtype=bool)
    there = _hashes(text, length)
    nearest = np.minimum(np.searchsorted(sought, there), len(sought) - 1)
    found = np.zeros(len(sought), dtype=bool)
    found[nearest[sought[nearest] == there]] = True
    return found[place]


def _hashes(text: str, length: int) -> Hashes:
    """Return a hash of each sequence of `length` characters, by its start, modulo 2**64.

    That of a sequence comes from those of its halves: as many products over the whole text as `length` has bits.
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
