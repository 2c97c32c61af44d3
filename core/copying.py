"""Does a text copy another? How much of a sample stands word for word in the text that a model was trained on.

A model that has learnt its text by heart writes convincingly and has understood nothing. So that the figures can be
judged, the same ones are computed for held-out text, which its author cannot have copied: the natural level.
"""

import re

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

LENGTHS = (10, 20, 40)
"""Of the sequences that are looked up, in characters."""
_BASE = 0x9E3779B97F4A7C15  # odd, its bits well mixed
_WORD = re.compile(r"[^\W\d_]+")

Hashes = NDArray[np.uint64]


class Copying(Struct, frozen=True):
    """How much of a sample is found in another text."""

    longest: str
    """The longest passage of the sample that is found there; of several, the first."""
    shares: dict[int, float]
    """For each of `LENGTHS`, the share of the sample's sequences of that length; NaN where it has none."""
    words: float
    """The share of its words, capitals and small letters alike; NaN where it has none."""


def copying(sample: str, text: str) -> Copying:
    """Tell how much of `sample` is found in `text`."""
    known = set(_WORD.findall(text.lower()))
    words = _WORD.findall(sample.lower())
    return Copying(
        longest=_longest(sample, text),
        shares={length: _share(_found(sample, text, length)) for length in LENGTHS},
        words=_share(np.array([word in known for word in words], dtype=bool)),
    )


def _share(found: NDArray[np.bool_]) -> float:
    return float(found.mean()) if len(found) else float("nan")


def _longest(sample: str, text: str) -> str:
    """Return the longest common passage: a passage that is found has each beginning found, too."""
    best, longest, too_long = "", 0, min(len(sample), len(text)) + 1
    while too_long - longest > 1:
        length = (longest + too_long) // 2
        for place in np.flatnonzero(_found(sample, text, length)):
            passage = sample[int(place) : int(place) + length]
            if passage in text:  # and not by a chance of hashing
                best, longest = passage, length
                break
        else:
            too_long = length
    return best


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
