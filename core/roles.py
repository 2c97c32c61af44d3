"""Who speaks: the parts of a play that are printed each in its own way.

    HARPAGON, bas.                              a speaker line: the name, and after the comma a stage direction

    Tais-toi. (Il sort.) Ce que je cherche      speech, and a stage direction in parentheses

The same names come again and again; by that a play is told from a text with headings in capitals. A line of a name and
a colon, as in many editions of Shakespeare, is a speaker line, too.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.passage import Passage

ROLES = ("speaker line", "stage direction", "speech")
SPEAKER, DIRECTION, SPEECH = range(3)
LEAST_LINES = 4
"""Speaker lines that a play has, at least."""
LINES_A_NAME = 2
"""Speaker lines to a name, on the average, that a play has at least."""
RAREST = 2_000
"""Characters to a speaker line, at most."""
_PIECE = 1 << 18
_NAME = re.compile(
    r"(?P<name>[^\W\d_a-zà-öø-ÿœ](?:[^\W\da-zà-öø-ÿœ_]|[ '’-](?=\w))+)(?=[.,:\n]|$)"  # in capitals
    r"|(?P<spoken>[^\W\d_a-zà-öø-ÿœ]\w{2,20}(?: [^\W\d_a-zà-öø-ÿœ]\w{0,20}){0,3}):(?=\n)"  # or with a colon
)

Roles = NDArray[np.uint8]


class RoleFinder:
    """Tells the roles of a passage, a piece at a time, and at the end whether it has the form of a play at all."""

    def __init__(self) -> None:
        self._lines = 0
        self._names: set[str] = set()
        self._characters = 0

    @property
    def is_play(self) -> bool:
        """Whether what was read so far is a play."""
        return (
            self._lines >= max(LEAST_LINES, LINES_A_NAME * len(self._names))
            and self._characters <= RAREST * self._lines
        )

    def roles(self, passage: Passage) -> Iterator[Roles]:
        """Yield the role of each character of a passage, as many as are found at a time: places in `ROLES`."""
        left = ""
        for start in range(0, len(passage), _PIECE):
            text = left + str(passage.cut(start, min(start + _PIECE, len(passage))))
            whole = text.rfind("\n\n") + 2  # paragraphs that are complete
            if whole < 2 or start + _PIECE >= len(passage):
                whole = len(text)
            left = text[whole:]
            yield self._of(text[:whole])

    def _of(self, text: str) -> Roles:
        self._characters += len(text)
        roles = np.full(len(text), SPEECH, dtype=np.uint8)
        for paragraph in re.finditer(r"\n*(?P<body>[^\n]+(?:\n[^\n]+)*)\n*", text):
            body, begin = paragraph["body"], paragraph.start("body")
            named = _NAME.match(body)
            if named is not None:
                self._lines += 1
                self._names.add(named["name"] or named["spoken"])
                end = begin + named.end()
                if body[named.end() : named.end() + 1] == ",":  # until the end of the paragraph
                    roles[begin:end] = SPEAKER
                    roles[end : paragraph.end()] = DIRECTION
                    continue
                newline = body.find("\n", named.end())
                rest = len(body) if newline < 0 else newline + 1  # speech may follow on the next line
                roles[begin : begin + rest] = SPEAKER
                if rest == len(body):
                    roles[begin : paragraph.end()] = SPEAKER
            for inner in re.finditer(r"\([^()]*\)", body):
                roles[begin + inner.start() : begin + inner.end()] = DIRECTION
        return roles
