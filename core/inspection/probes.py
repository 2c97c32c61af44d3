"""Properties of each position in a text, and how closely the values of a cell follow them.

Karpathy, Johnson and Fei-Fei, "Visualizing and Understanding Recurrent Networks", 2015, found single cells of a
character-level LSTM that can be interpreted, such as cells for the length of a line or for being inside quotes.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_VOWELS = frozenset("aeiouyàâäéèêëîïôöùûüœæ")


def _since(text: str, ends: Callable[[str], bool]) -> Values:
    """Return the number of characters since the last one for which `ends` is true: (T,)."""
    count, counts = 0, []
    for character in text:
        count = 0 if ends(character) else count + 1
        counts.append(count)
    return np.array(counts, dtype=np.float64)


def _where(text: str, holds: Callable[[str], bool]) -> Values:
    """Return 1 for each character for which `holds` is true, and 0 for the others: (T,)."""
    return np.array([holds(character) for character in text], dtype=np.float64)


def _place_in_line(text: str) -> Values:
    return _since(text, lambda character: character == "\n")


def _place_in_word(text: str) -> Values:
    return _since(text, lambda character: not character.isalpha())


def _since_blank_line(text: str) -> Values:
    counts = np.arange(1, len(text) + 1, dtype=np.float64)
    for place in range(1, len(text)):
        if text[place - 1 : place + 1] == "\n\n":
            counts[place:] = np.arange(len(text) - place)
    return counts


def _word_ends(text: str) -> Values:
    pairs = zip(text, _following(text), strict=True)
    return np.array([here.isalpha() and not after.isalpha() for here, after in pairs], dtype=np.float64)


def _line_ends(text: str) -> Values:
    return _where(_following(text), "\n".__eq__)


def _following(text: str) -> str:
    """Return the character after each character; after the last one, a newline."""
    return (text + "\n")[1:]


def _vowels(text: str) -> Values:
    return _where(text, lambda character: character.lower() in _VOWELS)


PROPERTIES: dict[str, Callable[[str], Values]] = {
    "position in the line": _place_in_line,
    "position in the word": _place_in_word,
    "distance from a blank line": _since_blank_line,
    "capitals": lambda text: _where(text, str.isupper),
    "vowels": _vowels,
    "white space": lambda text: _where(text, str.isspace),
    "word ends": _word_ends,
    "line ends": _line_ends,
}
"""Properties by name. Each is a function from a text of T characters to an array of shape (T,)."""
_TRACKED = {
    "position in the line": "the position in the line",
    "position in the word": "the position in the word",
    "distance from a blank line": "the distance from a blank line",
}
TRACKS, FOLLOWS = 0.7, 0.4
"""Minimum absolute values of r at which a cell is said to track a property, and to follow it loosely."""


def relation(cell: int, name: str, r: float) -> str:
    """Return a sentence on how closely a cell follows a property; `r` is Pearson's, -1 to 1."""
    what = _TRACKED.get(name, name)
    how = "tracks" if abs(r) >= TRACKS else "loosely follows" if abs(r) >= FOLLOWS else "hardly follows"
    return f"cell {cell} {how} {what}, r = {r:+.2f}".replace("-", "\N{MINUS SIGN}")


def correlations(values: NDArray[np.float32], followed: Values) -> Values:
    """Return Pearson's r of each column of `values`, (T, H), with `followed`, (T,).

    The result has shape (H,); r is 0 if the column or `followed` is constant.
    """
    centred = followed - followed.mean()
    deviations = values - values.mean(axis=0, dtype=np.float64)
    norms = np.sqrt((deviations**2).sum(axis=0)) * np.sqrt((centred**2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        found = centred @ deviations / norms
    return np.where(norms > 1e-9, found, 0.0)
