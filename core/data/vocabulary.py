"""The vocabulary of a model: the characters that it knows, and their ids."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


START = "."
"""The character that a model reads before a text without a prompt, as in the course: a sentence has just ended."""


class Vocabulary:
    """Characters with ids from 0 to V - 1, in the order of their code points.

    Other characters have no id: `encode` skips them, and `unknown_in` lists them.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(sorted(set(characters)))

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and character in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    @property
    def start_id(self) -> int:
        """Id that the model reads before the first character of a text: that of `START`, or 0 if it is unknown."""
        return self._ids.get(START, 0)

    def get(self, character: str, default: int) -> int:
        """Return the id of a character, or `default` if it has none."""
        return self._ids.get(character, default)

    def encode(self, text: str) -> "NDArray[np.int64]":
        """Return the ids of the known characters of `text`, in order: shape (number of them,)."""
        import numpy as np

        codes = _code_points(text)
        places = np.searchsorted(self._codes, codes)
        places[places == len(self._codes)] = 0  # beyond the last: any index, since the comparison below will fail
        known: NDArray[np.int64] = places[self._codes[places] == codes]
        return known

    def decode(self, ids: Iterable[int]) -> str:
        """Return the characters of `ids` as a string."""
        return "".join(self.characters[i] for i in ids)

    def unknown_in(self, text: str) -> dict[str, int]:
        """Return the characters of `text` that have no id, with their counts, the most frequent first."""
        counts: dict[str, int] = {}
        for character in set(text) - self._ids.keys():
            counts[character] = text.count(character)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {character: i for i, character in enumerate(self.characters)}

    @cached_property
    def _codes(self) -> "NDArray[np.uint32]":
        return _code_points(self.characters)


def _code_points(text: str) -> "NDArray[np.uint32]":
    import numpy as np

    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
