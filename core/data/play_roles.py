"""The roles of characters in the text of a play: speaker line, stage direction or speech.

    HARPAGON, bas.                              a speaker line: the name, and after the comma a stage direction

    Tais-toi. (Il sort.) Ce que je cherche      speech, and a stage direction in parentheses

In a play the same names occur many times; this distinguishes it from a text with headings in capitals. A line that is a
name followed by a colon, as in many editions of Shakespeare, is also a speaker line.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.data.speaker_lines import DIRECTION as IN_PARENTHESES
from core.data.speaker_lines import speaker_line
from core.data.text_slice import Passage

ROLES = ("speaker line", "stage direction", "speech")
SPEAKER, DIRECTION, SPEECH = range(3)
MIN_LINES = 4
"""Minimum number of speaker lines of a play."""
LINES_A_NAME = 2
"""Minimum number of speaker lines per name, on average, of a play."""
RAREST = 2_000
"""Maximum number of characters per speaker line, on average, of a play."""
_PIECE = 1 << 18
_BODY = re.compile(r"[^\n]+(?:\n[^\n]+)*")

Roles = NDArray[np.uint8]


class RoleFinder:
    """Finds the role of each character of a passage, and whether the passage has the form of a play."""

    def __init__(self) -> None:
        self.lines_of = Counter[str]()
        """Number of speaker lines by name."""
        self._lines = 0
        self._characters = 0
        self._last = SPEECH

    @property
    def is_play(self) -> bool:
        """Whether the text read so far has the form of a play."""
        return (
            self._lines >= max(MIN_LINES, LINES_A_NAME * len(self.lines_of))
            and self._characters <= RAREST * self._lines
        )

    def roles(self, passage: Passage) -> Iterator[Roles]:
        """Yield the role of each character of a passage, as indices in `ROLES`, in arrays of varying length."""
        left = ""
        for start in range(0, len(passage), _PIECE):
            text = left + str(passage.cut(start, min(start + _PIECE, len(passage))))
            whole = text.rfind("\n\n") + 2  # end of the complete paragraphs; newlines belong to the one before them
            if whole < 2 or start + _PIECE >= len(passage):
                whole = len(text)
            left = text[whole:]
            yield self._of(text[:whole])

    def _of(self, text: str) -> Roles:
        self._characters += len(text)
        roles = np.full(len(text), SPEECH, dtype=np.uint8)
        bodies = list(_BODY.finditer(text))
        borders = [*(body.start() for body in bodies), len(text)]
        roles[: borders[0]] = self._last
        for body, (begin, end) in zip(bodies, pairwise(borders), strict=True):
            self._mark(body[0], roles[begin:end])
        if len(text):
            self._last = int(roles[-1])
        return roles

    def _mark(self, body: str, roles: Roles) -> None:
        """Set the roles in a paragraph and the newlines after it. They are all speech at first."""
        line = speaker_line(body)
        if line is not None:
            self._lines += 1
            self.lines_of[line.name] += 1
            if line.directs:
                roles[: line.name_end], roles[line.name_end :] = SPEAKER, DIRECTION
                return
            roles[: line.speech] = SPEAKER
        for inner in IN_PARENTHESES.finditer(body):
            roles[inner.start() : inner.end()] = DIRECTION
