"""Encoding characters as integer codes, one piece of a text at a time."""

import numpy as np

from core.data.encoded_cache import Codes, Width

_UNICODE = 0x110000
_SMALL = 0x3000
"""Size of the table for texts in the alphabets before the East Asian ones. To fill one for all characters takes longer
than to read a file of ten thousand."""


class AlphabetFullError(Exception):
    """A text has more distinct characters than the integer type has codes."""


class Encoder:
    """Assigns each new distinct character the next free code."""

    def __init__(self, width: Width) -> None:
        self.alphabet = ""
        self._none = np.iinfo(width).max  # marks a character that has no code yet
        self._numbers = np.full(_SMALL, self._none, dtype=width)

    def encode(self, text: str) -> Codes:
        """Return the codes of the next piece of text: shape (number of characters,).

        Raises:
            AlphabetFullError: the text has too many distinct characters.
        """
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        if len(points) and points.max() >= len(self._numbers):
            rest = np.full(_UNICODE - len(self._numbers), self._none, dtype=self._numbers.dtype)
            self._numbers = np.concatenate([self._numbers, rest])
        codes = self._numbers.take(points)
        if (unknown := codes == self._none).any():
            is_new = np.zeros(len(self._numbers), dtype=bool)
            is_new[points[unknown]] = True
            new = np.flatnonzero(is_new)  # sorted, like np.unique, which took a third of the time of a small file
            if len(self.alphabet) + len(new) > self._none:
                raise AlphabetFullError
            self._numbers[new] = np.arange(len(self.alphabet), len(self.alphabet) + len(new))
            self.alphabet += "".join(map(chr, new.tolist()))
            codes = self._numbers.take(points)
        return codes


class InMemory:
    """Collects codes in memory, with the interface of `core.data.encoded_cache.Keeper`."""

    def __init__(self) -> None:
        self._codes: list[Codes] = []

    def __enter__(self) -> "InMemory":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def append(self, codes: Codes) -> None:
        """Append the codes of the next piece of the text."""
        self._codes.append(codes)

    def finish(self, sha256: str, alphabet: str, encoding: str) -> Codes:
        """Return all codes. The arguments are those of `core.data.encoded_cache.Keeper.finish`."""
        return np.concatenate(self._codes) if self._codes else np.zeros(0, np.uint8)
