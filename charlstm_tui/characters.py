"""Characters as they are shown one at a time."""

from core.text import sanitise

_NAMES = {" ": "␣", "\n": "⏎", "\t": "⇥", "\u00a0": "⍽"}
"""Of characters that would not be seen."""


def shown(character: str) -> str:
    """Return a character such that it can be seen."""
    return _NAMES.get(character, sanitise(character))
