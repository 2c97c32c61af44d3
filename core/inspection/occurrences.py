"""Where the cells that are on in a stretch of text are on together elsewhere.

Strobelt, Gehrmann, Pfister and Rush, "LSTMVis: A Tool for Visual Analysis of Hidden State Dynamics in Recurrent Neural
Networks", 2018. The reader chooses a stretch of text. Some cells are on throughout it: their value is at or above a
threshold at each of its characters. The best places of another text are those where the most of these cells are on
throughout as many characters.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_CELLS = 16
"""Maximum number of cells that are looked for together."""
MAX_PLACES = 50
THRESHOLD = 0.5
"""Value from which a cell is on, unless the reader chooses another: a gate is more than half open, and a cell of the
bundled model holds such a value at a fifth of all characters."""

_MOST = float(np.finfo(np.float16).max)

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Bools = NDArray[np.bool_]


class CellOn(NamedTuple):
    """A cell that is on throughout a stretch."""

    cell: int
    """Number of the cell, from 0."""
    elsewhere: float
    """Share of the other characters of the same text at which it is on, 0 to 1; 0 if there are none."""
    mean: float
    """Its mean value in the stretch."""


class Place(NamedTuple):
    """A place of a text at which some of the cells are on."""

    begin: int
    """Index of its first character."""
    on: tuple[bool, ...]
    """Whether each cell is on there."""

    @property
    def agreeing(self) -> int:
        """Number of cells that are on."""
        return sum(self.on)


class Occurrences(NamedTuple):
    """The places of a text at which most of the cells are on."""

    places: tuple[Place, ...]
    """The best ones, the best first; no two of them overlap."""
    complete: int
    """Number of positions at which all cells are on; neighbouring ones may overlap."""
    shares: tuple[float, ...]
    """Share of the text's characters at which each cell is on, 0 to 1."""


def cells_on(values: Floats, begin: int, end: int, threshold: float, *, bounded: bool = False) -> list[CellOn]:
    """Return the cells that are on at each character of a stretch: at most `MAX_CELLS`, the most selective first.

    Args:
        values: the value of each cell of a layer at each character of a text, (T, H).
        begin: index of the stretch's first character.
        end: index after its last character.
        threshold: value from which a cell is on.
        bounded: whether the cells must be off at the characters right before and right after the stretch.
    """
    on = values >= threshold  # (T, H)
    chosen = on[begin:end].all(axis=0)
    if bounded:
        around = [place for place in (begin - 1, end) if 0 <= place < len(on)]
        chosen &= ~on[around].any(axis=0)
    cells = np.flatnonzero(chosen)
    here = values[begin:end, cells]
    others = max(len(on) - (end - begin), 1)
    elsewhere = (on[:, cells].sum(axis=0) - (end - begin)) / others
    order = np.lexsort((-here.min(axis=0), elsewhere))[:MAX_CELLS]  # equally selective: the highest value first
    means = here.mean(axis=0, dtype=np.float64)
    return [CellOn(int(cells[place]), float(elsewhere[place]), float(means[place])) for place in order]


def find_places(
    values: Sequence[Halves], means: Sequence[float], length: int, threshold: float, *, bounded: bool = False
) -> Occurrences:
    """Return the places at which most cells are on throughout a stretch of `length` characters.

    Of places with as many cells, those are better whose mean values are closer to `means`.

    Args:
        values: the values of each of the K cells over the text, each (N,).
        means: the mean value of each cell in the stretch that the places are compared with.
        length: number of characters of a place.
        threshold: value from which a cell is on.
        bounded: whether a cell must be off at the characters right before and right after a place.
    """
    characters = len(values[0]) if values else 0
    positions = characters - length + 1  # P: places at which a stretch may begin
    if positions < 1 or length < 1:
        return Occurrences((), 0, (0.0,) * len(values))
    counts = np.zeros(positions, dtype=np.uint8)
    distances = np.zeros(positions, dtype=np.float32)
    least = np.float16(np.clip(threshold, -_MOST, _MOST))
    throughout: list[Bools] = []
    shares = []
    for cell, mean in zip(values, means, strict=True):
        on = cell >= least  # (N,)
        shares.append(float(on.mean()))
        throughout.append(_throughout(on, length, bounded=bounded))
        counts += throughout[-1]
        sums = np.zeros(characters + 1)
        np.cumsum(cell, dtype=np.float64, out=sums[1:])
        distances += np.abs((sums[length:] - sums[:-length]) / length - mean)
    best = _best(counts, distances, length)
    places = tuple(Place(begin, tuple(bool(on[begin]) for on in throughout)) for begin in best)
    return Occurrences(places, int((counts == len(values)).sum()), tuple(shares))


def _throughout(on: Bools, length: int, *, bounded: bool) -> Bools:
    """Return for each position whether a cell is on at `length` characters from there: (N,) -> (P,)."""
    off = np.zeros(len(on) + 1, dtype=np.int32)
    np.cumsum(~on, dtype=np.int32, out=off[1:])
    result: Bools = off[length:] == off[:-length]
    if bounded:
        result[1:] &= ~on[: len(result) - 1]
        result[:-1] &= ~on[length:]
    return result


def _best(counts: NDArray[np.uint8], distances: Floats, length: int) -> list[int]:
    """Return the best positions: most cells first, then the least distance; none overlaps a better one."""
    scores = counts + 1 / (1 + distances.astype(np.float64))  # the second term is at most 1
    scores[counts == 0] = -np.inf
    best: list[int] = []
    while len(best) < MAX_PLACES:
        place = int(scores.argmax())
        if scores[place] == -np.inf:
            break
        best.append(place)
        scores[max(place - length + 1, 0) : place + length] = -np.inf
    return best


# --- what the places have in common

COMMON = 0.8
"""Minimum share of the places that have something in common for it to be reported."""
RARE = 0.5
"""Maximum share of all places that have it, relative to that of the best places."""
_FEWEST = 5  # places: fewer have something in common by chance
_SAMPLED = 5_000  # places of the text that are looked at to find how common something is

_CHECKS: dict[str, Callable[[str, str, str], bool]] = {
    "are in capitals": lambda _, inside, __: inside.isupper(),
    "begin a line": lambda before, inside, _: before in ("", "\n") and inside[0] != "\n",
    "begin a word": lambda before, inside, _: not before.isalpha() and inside[0].isalpha(),
    "end a word": lambda _, inside, after: inside[-1].isalpha() and not after.isalpha(),
    "end a line": lambda _, inside, after: after in ("", "\n") and inside[-1] != "\n",
    "contain the end of a line": lambda _, inside, __: "\n" in inside,
    "are within a word": lambda before, inside, after: (before + inside + after).isalpha(),
    "begin with white space": lambda _, inside, __: inside[0].isspace(),
    "end with a punctuation mark": lambda _, inside, __: not (inside[-1].isalnum() or inside[-1].isspace()),
}


class InCommon(NamedTuple):
    """What most of the places have in common, and most of the text does not."""

    what: str
    """A verb phrase whose subject is the places."""
    places: int
    """Number of the places that have it."""
    of: int
    """Number of places."""
    share: float
    """Share of all stretches of this length in the text that have it, 0 to 1."""


def in_common(text: str, begins: Sequence[int], length: int, stretch: str) -> InCommon | None:
    """Return what most of the places at `begins` have in common with a stretch; None if that is nothing unusual.

    Of several, the one is returned that is rarest in the text, compared with the places.
    """
    if len(begins) < _FEWEST or length < 1:
        return None
    everywhere = range(0, len(text) - length + 1, max((len(text) - length) // _SAMPLED, 1))
    checks = {"have the same characters": lambda _, inside, __: inside == stretch, **_CHECKS}
    found = []
    for what, holds in checks.items():
        having = sum(holds(*_around(text, begin, length)) for begin in begins)
        if having < COMMON * len(begins):
            continue
        share = sum(holds(*_around(text, begin, length)) for begin in everywhere) / len(everywhere)
        if share <= RARE * having / len(begins):
            found.append(InCommon(what, having, len(begins), share))
    return max(found, key=lambda one: one.places / one.of / max(one.share, 1 / _SAMPLED), default=None)


def _around(text: str, begin: int, length: int) -> tuple[str, str, str]:
    """Return the character before a stretch, the stretch, and the character after it."""
    end = begin + length
    return text[max(begin - 1, 0) : begin], text[begin:end], text[end : end + 1]
