"""Data augmentation for plays: a training text in which speakers have other names in each pass through it.

    HARPAGON.                          ARISAGON.
    Viens, Valère.                     Viens, Clitre.          also in the speeches, and for about a scene
    VALÈRE.                            CLITRE.

A network that reads the same names in every epoch remembers them, and has none for a play that it did not read. With
new names it can only copy them from the scene, which is what a new play needs. The new names are as long as the old
ones, so that nothing else moves.
"""

import re
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data.play_roles import RoleFinder
from core.data.text_slice import UNKNOWN, Ids, Passage
from core.data.vocabulary import Vocabulary

MAX_CHARACTERS = 4_000_000
"""Number of characters of the training part, from its beginning, in which names are changed: finding them takes half a
second for these."""
KEPT_FOR = 4_000
"""Number of characters for which a speaker keeps a new name, about a scene: 3,000 and 8,000 gave higher losses, in
`tests/benchmarks/README.md`."""
MIN_LINES = 3
"""Minimum number of speaker lines with a name."""
MIN_LETTERS = 4
"""Minimum number of letters of a name."""
_TRIES = 50
_WORD = re.compile(r"[^\W\d_]+")
_NUMERAL = re.compile(r"[IVXLCDM]+")


class Occurrence(NamedTuple):
    """A name at a place in a passage."""

    place: int
    name: str
    in_capitals: bool
    """Whether all letters are capitals, as in a speaker line; otherwise, only the first."""


class Names(NamedTuple):
    """The names of a play's speakers."""

    occurrences: list[Occurrence]
    """Where they occur, in the passage's order."""
    words: frozenset[str]
    """All words in small letters, which are no names."""


class RenamedSpeakers:
    """Renames the speakers of a passage in each pass through it."""

    def __init__(self, passage: Passage, vocabulary: Vocabulary, share: float, seed: int) -> None:
        """Find the names. Each is changed with probability `share`, drawn again after `KEPT_FOR` characters.

        The same `seed` gives the same names. A passage that is not of a play stays as it is.
        """
        self._ids = passage.ids(vocabulary)
        self._vocabulary = vocabulary
        self._share = share
        self._seed = seed
        self._occurrences, self._words = find_names(passage)
        self._names = sorted({occurrence.name for occurrence in self._occurrences})

    def in_pass(self, number: int) -> Ids:
        """Return the ids of the passage, as they are read in the pass with this number."""
        random = Random(f"{self._seed} {number}")
        shift = random.randrange(KEPT_FOR)  # names change at other places in each pass
        stretch, chosen = -1, dict[str, str | None]()  # the new names in a stretch of `KEPT_FOR` characters
        places: list[int] = []
        ids: list[int] = []
        for place, name, in_capitals in self._occurrences:
            if (place + shift) // KEPT_FOR != stretch:
                stretch, chosen = (place + shift) // KEPT_FOR, {}
            if name not in chosen:
                chosen[name] = self._new_name(name, chosen, random) if random.random() < self._share else None
            new = chosen[name]
            if new is not None:
                places += range(place, place + len(name))
                ids += map(self._id, new if in_capitals else _with_one_capital(new))
        return _ChangedIds(self._ids, np.array(places, dtype=np.int64), np.array(ids, dtype=np.int64))

    def _new_name(self, name: str, chosen: dict[str, str | None], random: Random) -> str | None:
        """Return the beginning of one name with the end of another: as long as `name`, with the same last letter.

        It begins with a vowel if `name` does, so that it suits the words before it. It is not another speaker's name,
        and no word. None if none is found.
        """
        for _ in range(_TRIES):
            cut = random.randrange(2, len(name) - 1)
            new = random.choice(self._names)[:cut] + random.choice(self._names)[cut - len(name) :]
            if len(new) != len(name) or new[-1] != name[-1] or _is_vowel(new[0]) != _is_vowel(name[0]):
                continue
            small = _with_one_capital(new)
            is_taken = new in self._names or new.lower() in self._words or new in chosen.values()
            if not is_taken and len(small) == len(new) and UNKNOWN not in map(self._id, new + small):
                return new
        return None

    def _id(self, letter: str) -> int:
        return self._vocabulary.get(letter, UNKNOWN)


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


def find_names(passage: Passage) -> Names:
    """Return where in a passage the names of its speakers occur; nowhere if it is not of a play.

    A name is a word of several speaker lines that never occurs in small letters: HARPAGON, but neither MONSIEUR nor
    VALET. A line with a Roman numeral, such as SCÈNE II, is a heading.
    """
    passage = passage.cut(0, min(len(passage), MAX_CHARACTERS))
    finder = RoleFinder()
    for _ in finder.roles(passage):
        pass
    lines: dict[str, int] = {}  # number of speaker lines by the words in them
    for speaker, count in finder.lines_of.items():
        words = _WORD.findall(speaker.upper())
        if not any(map(_NUMERAL.fullmatch, words)):
            lines |= {word: lines.get(word, 0) + count for word in words}
    small = set[str]()
    found: list[Occurrence] = []
    for match in _WORD.finditer(str(passage)):
        word = match[0]
        name = word.upper()
        if word.islower():
            small.add(word)
        elif lines.get(name, 0) >= MIN_LINES and len(name) == len(word) and (word == name or word.istitle()):
            found.append(Occurrence(match.start(), name, word == name))
    names = {name for name in lines if len(name) >= MIN_LETTERS and name.lower() not in small}
    is_name = [one for one in found if one.name in names] if finder.is_play else []
    return Names(is_name, frozenset(small))


def _with_one_capital(name: str) -> str:
    return name[0] + name[1:].lower()


def _is_vowel(letter: str) -> bool:
    """Return whether French elides before this letter."""
    return letter in "AÀÂEÉÈÊËIÎÏOÔŒUÙÛHY"
