"""Data augmentation for plays: a training text in which speakers have other names in each pass through it.

    HARPAGON.                   DORANTON.           the same length, so that nothing else moves; also in the speeches
    Viens, Valère.              Viens, Mariane.     and the same for about a scene, as if it were another play

A network that reads the same names in every epoch remembers them, and has none for a play that it did not read. With
new names it can only copy them from the scene, which is what a new play needs.
"""

import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.speaker_lines import speaker_line
from core.data.text_slice import UNKNOWN, Ids, Passage
from core.data.vocabulary import Vocabulary

MAX_CHARACTERS = 4_000_000
"""Number of characters of the training part, from its beginning, in which names are changed: finding them takes
half a second for these."""
KEPT_FOR = 3_000
"""Number of characters through which a speaker keeps a name, about a scene.

With `standard` and windows of 180, trained on the first 81 % of Molière (seed 0), the loss on the next 9 % was 1.149
without other names, and 1.141, 1.131 and 1.124 with names kept for 30,000 (0.7 of them), 8,000 and 4,000 characters.
"""
LEAST_LINES = 3
"""Minimum number of speaker lines with a name."""
LEAST_LETTERS = 4
"""Minimum number of letters of a name."""
_TRIES = 50
_PIECE = 1 << 18
_WORD = re.compile(r"[^\W\d_]+")


class Occurrence(NamedTuple):
    """A name at a place in a passage."""

    place: int
    name: str
    in_capitals: bool
    """Whether all letters are capitals, as in a speaker line; otherwise, only the first."""


class RenamedSpeakers:
    """A passage whose speakers are renamed in each pass through it."""

    def __init__(self, passage: Passage, vocabulary: Vocabulary, share: float, seed: int) -> None:
        """Find the names. Each is changed with probability `share`, drawn again after `KEPT_FOR` characters.

        The same `seed` gives the same names. A passage without speaker lines stays as it is.
        """
        self._ids = passage.ids(vocabulary)
        self._vocabulary = vocabulary
        self._share = share
        self._seed = seed
        self._occurrences = find_names(passage)
        self._names = sorted({occurrence.name for occurrence in self._occurrences})

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids at `places` with the speakers' own names."""
        return self._ids.take(places)

    def in_pass(self, number: int) -> Ids:
        """Return the ids of the passage, as they are read in the pass with this number."""
        random = Random(f"{self._seed} {number}")
        shift = random.randrange(KEPT_FOR)  # names change at other places in each pass
        chosen: dict[tuple[int, str], str | None] = {}
        places: list[int] = []
        ids: list[int] = []
        for place, name, in_capitals in self._occurrences:
            key = ((place + shift) // KEPT_FOR, name)
            if key not in chosen:
                chosen[key] = self._new_name(name, random) if random.random() < self._share else None
            new = chosen[key]
            if new is None:
                continue
            spelled = new if in_capitals else new[0] + new[1:].lower()
            known = [self._vocabulary.get(letter, UNKNOWN) for letter in spelled]
            if len(spelled) == len(name) and UNKNOWN not in known:
                places += range(place, place + len(name))
                ids += known
        return _ChangedIds(self._ids, np.array(places, dtype=np.int64), np.array(ids, dtype=np.int64))

    def _new_name(self, name: str, random: Random) -> str | None:
        """Return the beginning of one name with the end of another: as long as `name`, with the same last letter.

        It begins with a vowel if `name` does, so that it suits the words before it. None if none is found.
        """
        for _ in range(_TRIES):
            cut = random.randrange(2, len(name) - 1)
            first, last = random.choice(self._names), random.choice(self._names)
            new = first[:cut] + last[cut - len(name) :]
            fits = len(new) == len(name) != len(first[:cut]) and len(last) >= len(name) - cut
            if fits and new != name and new[-1] == name[-1] and _is_vowel(new[0]) == _is_vowel(name[0]):
                return new
        return None


class _ChangedIds:
    """Ids with others at some places."""

    def __init__(self, ids: Ids, places: NDArray[np.int64], others: NDArray[np.int64]) -> None:
        """`places` are in ascending order."""
        self._ids = ids
        self._places = places
        self._others = others

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """Return the ids at `places`, in an array of the same shape."""
        ids = self._ids.take(places)
        if len(self._places):
            found = np.searchsorted(self._places, places).clip(max=len(self._places) - 1)
            changed = self._places[found] == places
            ids[changed] = self._others[found[changed]]
        return ids


def find_names(passage: Passage) -> list[Occurrence]:
    """Return where in a passage the names of its speakers occur, in the passage's order.

    A name is a word of several speaker lines, in letters of which the text has no such word in small letters: HARPAGON,
    but neither MONSIEUR nor VALET.
    """
    lines = Counter[str]()  # number of speaker lines by the words in them
    small = set[str]()  # words in small letters
    found: list[Occurrence] = []
    for start, text in _paragraphs(passage):
        for paragraph in text.split("\n\n"):
            line = speaker_line(paragraph)
            if line is not None:
                lines.update(set(_WORD.findall(line.name.upper())))
        for match in _WORD.finditer(text):
            word = match[0]
            if word.islower():
                small.add(word)
            elif word.isupper() or word.istitle():
                found.append(Occurrence(start + match.start(), word.upper(), word.isupper()))
    names = {
        name
        for name, count in lines.items()
        if count >= LEAST_LINES and len(name) >= LEAST_LETTERS and name.lower() not in small
    }
    return [occurrence for occurrence in found if occurrence.name in names]


def _paragraphs(passage: Passage) -> Iterator[tuple[int, str]]:
    """Yield the first `MAX_CHARACTERS` of a passage in pieces that end with a paragraph, each with its place."""
    length = min(len(passage), MAX_CHARACTERS)
    start, text = 0, ""
    for end in range(_PIECE, length + _PIECE, _PIECE):
        text += str(passage.cut(end - _PIECE, min(end, length)))
        whole = text.rfind("\n\n") + 2 if end < length else len(text)
        if whole >= 2:
            yield start, text[:whole]
            start, text = start + whole, text[whole:]


def _is_vowel(letter: str) -> bool:
    """Return whether French elides before this letter."""
    return letter in "AÀÂEÉÈÊËIÎÏOÔŒUÙÛHY"
