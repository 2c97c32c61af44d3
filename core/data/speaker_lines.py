"""Speaker lines of plays: the lines that name who speaks, as `core.data.play_roles` describes them."""

import re
from typing import NamedTuple

_NAME = re.compile(
    r"(?P<name>[^\W\d_a-zà-öø-ÿœ](?:[^\W\da-zà-öø-ÿœ_]|[ '’-](?=\w))+)(?=[.,:\n]| \(|$)"  # in capitals
    r"|(?P<spoken>[^\W\d_a-zà-öø-ÿœ]\w{2,20}(?: [^\W\d_a-zà-öø-ÿœ]\w{0,20}){0,3}):(?=\n)"  # or with a colon
)
_ENDING = re.compile(r"[.: ]*(?:\([^()]*\)[.: ]*)?")
"""What may follow a name on a line without speech."""
DIRECTION = re.compile(r"\([^()]*\)")
"""A stage direction in parentheses."""


class SpeakerLine(NamedTuple):
    """The speaker line at the beginning of a paragraph."""

    name: str
    name_end: int
    """Index in the paragraph at which the name ends."""
    speech: int | None
    """Index in the paragraph at which the speech begins; None if the paragraph has no speech."""
    directs: bool
    """Whether all that follows the name is a stage direction: HARPAGON, bas."""


def speaker_line(paragraph: str) -> SpeakerLine | None:
    """Return the speaker line that a paragraph begins with, if it does."""
    found = _NAME.match(paragraph)
    if found is None or not _is_name(found):
        return None
    name, end = found["name"] or found["spoken"], found.end()
    newline = paragraph.find("\n", end)
    after = paragraph[end:] if newline < 0 else paragraph[end:newline]
    if after.startswith(","):  # until the end of the paragraph
        return SpeakerLine(name, end, None, directs=True)
    if not _ENDING.fullmatch(after):  # speech follows on the same line
        return SpeakerLine(name, end, end + len(after) - len(after.lstrip(".: ")), directs=False)
    return SpeakerLine(name, end, None if newline < 0 else newline + 1, directs=False)


def has_speech(paragraph: str) -> bool:
    """Return whether a paragraph has more words than a speaker line and stage directions."""
    line = speaker_line(paragraph)
    if line is not None and line.speech is None:
        return False
    speech = DIRECTION.sub("", paragraph[line.speech or 0 if line is not None else 0 :])
    return any(character.isalnum() for character in speech)


def _is_name(found: re.Match[str]) -> bool:
    """Return whether a match of `_NAME` is in capitals, or begins with one, in an alphabet that has both cases.

    The pattern excludes only the small letters of Latin.
    """
    name = found["name"]
    return found["spoken"][0].isupper() if name is None else name == name.upper() != name.lower()
