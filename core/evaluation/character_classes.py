"""Classes of characters (letters, spaces, punctuation …), by which a loss is broken down."""

import unicodedata

import numpy as np
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary

KINDS = ("small letter", "accented letter", "capital", "digit", "space", "newline", "punctuation", "other")
_LIGATURES = "æœ"


def kind_of(character: str) -> int:
    """Return the index in `KINDS` of a character's class. A capital letter with an accent counts as a capital."""
    if character == "\n":
        return KINDS.index("newline")
    if character.isspace():
        return KINDS.index("space")
    if character.isupper() or character.istitle():
        return KINDS.index("capital")
    if character.isalpha():
        marked = any(map(unicodedata.combining, unicodedata.normalize("NFD", character)))
        accented = marked or character in _LIGATURES
        return KINDS.index("accented letter" if accented else "small letter")
    if character.isnumeric():
        return KINDS.index("digit")
    return KINDS.index("punctuation" if unicodedata.category(character).startswith("P") else "other")


def kinds_of(vocabulary: Vocabulary) -> NDArray[np.intp]:
    """Return the class of each id of a vocabulary, as an index in `KINDS`: shape (V,)."""
    return np.array([kind_of(character) for character in vocabulary.characters], dtype=np.intp)
