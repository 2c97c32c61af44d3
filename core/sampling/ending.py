"""Where a generated text ends by itself, before it has its maximum length.

A text may end right after one of several stop texts, at an empty line, or at the end of a speech. What ends it is kept.
The prompt ends nothing: a stop text must be generated whole, and an empty line counts only after a visible generated
character.
"""

import unicodedata
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.data.speaker_lines import has_speech
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.settings.config import TextEnd
from core.text import in_one_line, shortened

Reason = Literal["length", "stop"]
"""Why a text ended: it has its maximum length, or it ended by itself."""
LONGEST_DIRECTION = 2_000
"""Number of characters above which a paragraph contains speech, whatever it begins with."""


class Ending(Struct, frozen=True):
    """What ends a generated text."""

    until: TextEnd = "length"
    """`empty line`: the first empty line. `speech`: the first empty line after a paragraph that is more than a
    speaker's name and stage directions; in a text that is no play, the first empty line."""
    stops: tuple[str, ...] = ()
    """Texts right after which it ends."""

    def check(self, vocabulary: Vocabulary) -> None:
        """Check that a model with this vocabulary can generate such an end.

        Raises:
            UserError: a stop text is empty, or the model does not know one of the characters.
        """
        for stop in self.stops:
            if not stop:
                raise UserError("A stop text must have at least one character.")
            if unknown := [character for character in dict.fromkeys(_composed(stop)) if character not in vocabulary]:
                raise UserError(
                    f"The model does not know {' '.join(map(in_one_line, unknown))}, so it can never generate the stop "
                    f"text {shortened(stop)}."
                )
        if self.until != "length" and "\n" not in vocabulary:
            raise UserError("The model does not know the new line, so its text has no empty line.")


class EndFinder:
    """Follows one generated text, character by character, and finds its end."""

    def __init__(self, ending: Ending, prompt: str = "") -> None:
        """Begin after a prompt, or after any other text that has no end in it."""
        self._stops = tuple(map(_composed, ending.stops))
        self._longest = max(map(len, self._stops), default=0)
        self._tail = ""  # the last generated characters, as many as the longest stop text has
        self._until = ending.until
        self._paragraph = prompt[-LONGEST_DIRECTION:].rpartition("\n\n")[2]
        self._line_is_blank = not prompt.rpartition("\n")[2].strip()
        self._has_begun = False  # whether a visible character of this paragraph was generated

    def add(self, character: str) -> bool:
        """Return whether the text ends right after this character."""
        if self._stops:
            self._tail = (self._tail + character)[-self._longest :]
            if self._tail.endswith(self._stops):
                return True
        return self._until != "length" and self._is_at_end(character)

    def _is_at_end(self, character: str) -> bool:
        if character != "\n":
            if not character.isspace():
                self._has_begun, self._line_is_blank = True, False
            if len(self._paragraph) < LONGEST_DIRECTION:
                self._paragraph += character
            return False
        if not self._line_is_blank:
            self._line_is_blank = True
            self._paragraph += character
            return False
        paragraph, self._paragraph = self._paragraph.strip(), ""
        counts, self._has_begun = self._has_begun, False
        return counts and (self._until == "empty line" or len(paragraph) >= LONGEST_DIRECTION or has_speech(paragraph))


class TextEnds:
    """Finds the ends of N texts."""

    def __init__(self, ending: Ending | None, prompt: str, vocabulary: Vocabulary, texts: int) -> None:
        self.lengths: NDArray[np.int64] = np.zeros(texts, dtype=np.int64)
        """Length of each text that has ended by itself; 0 for the others."""
        self._ending = ending
        self._prompt = prompt
        self._characters = vocabulary.characters
        self._finders = [EndFinder(ending, prompt) for _ in range(texts)] if ending is not None else []

    def add(self, texts: NDArray[np.int64], ids: NDArray[np.int64], length: int) -> bool:
        """Add a character to each of some texts, which have `length` characters with it; return whether one ended."""
        if not self._finders:
            return False
        before = len(texts)
        for text, place in zip(texts.tolist(), ids.tolist(), strict=True):
            if self._finders[text].add(self._characters[place]):
                self.lengths[text] = length
                before -= 1
        return before < len(texts)

    def begin_again(self, text: int, ids: NDArray[np.int64]) -> None:
        """Follow a text again from its beginning, where it has these characters, without an end before the last."""
        self.lengths[text] = 0
        if self._ending is not None:
            self._finders[text] = EndFinder(self._ending, self._prompt)
            for place in ids[:-1].tolist():
                self._finders[text].add(self._characters[place])


def _composed(stop: str) -> str:
    """Return a stop text with composed accents (NFC), as a model's characters are."""
    return unicodedata.normalize("NFC", stop)
