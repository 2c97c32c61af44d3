"""Characters to small whole numbers, some of a text at a time."""

import numpy as np

from core.data.encoded_cache import Codes, Width

_UNICODE = 0x110000


class AlphabetFullError(Exception):
    """A text has more distinct characters than there are numbers of this width."""


class Encoder:
    """Gives each distinct character the next number, as they come."""

    def __init__(self, width: Width) -> None:
        self.alphabet = ""
        self._none = np.iinfo(width).max  # stands for a character that has no number yet
        self._numbers = np.full(_UNICODE, self._none, dtype=width)

    def encode(self, text: str) -> Codes:
        """Return the numbers of the characters of some more text, shape (characters,).

        Raises:
            AlphabetFullError: it has too many distinct characters.
        """
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        codes = self._numbers.take(points)
        if (unknown := codes == self._none).any():
            new = np.unique(points[unknown])
            if len(self.alphabet) + len(new) > self._none:
                raise AlphabetFullError
            self._numbers[new] = np.arange(len(self.alphabet), len(self.alphabet) + len(new))
            self.alphabet += "".join(map(chr, new.tolist()))
            codes = self._numbers.take(points)
        return codes


class InMemory:
    """Gathers codes in memory, as `core.data.encoded_cache.Keeper` does in a file."""

    def __init__(self) -> None:
        self._codes: list[Codes] = []

    def __enter__(self) -> "InMemory":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def append(self, codes: Codes) -> None:
        """Add the codes of some more of the text."""
        self._codes.append(codes)

    def finish(self, sha256: str, alphabet: str, encoding: str) -> Codes:
        """Return all codes; takes what `core.data.encoded_cache.Keeper` takes."""
        return np.concatenate(self._codes) if self._codes else np.zeros(0, np.uint8)
