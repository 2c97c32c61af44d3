"""Whether the background of the terminal is light: asked of the terminal, or known from its environment.

The question is the sequence OSC 11 of xterm, which most terminals answer with the colour. A terminal that does not know
it ignores it. The app never waits for the answer: it changes its theme when the answer arrives.
"""

import contextlib
import os
import re
from collections.abc import Callable

QUESTION = "\x1b]11;?\x1b\\"
"""Asks the terminal for its background colour."""

_ANSWER = re.compile(
    rb"11;(?:rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})|#([0-9a-f]{6}|[0-9a-f]{12})\Z)", re.I
)
_LIGHT_COLORS = {7, *range(9, 16)}
"""Which of the sixteen colours are light. 8 is a dark grey."""
_LIGHT = 0.5
"""Lightness, from 0 to 1, above which a background is light."""


class Background:
    """Asks about the terminal's background, if the app wants to know it, and tells the app."""

    def __init__(self, tell: Callable[[bool], object]) -> None:
        """Set the function that is told whether the background is light. It is called in any thread."""
        self.wanted = False
        """Whether to ask."""
        self._tell = tell

    def begin(self, write: Callable[[str], None]) -> None:
        """Tell what the environment says, and write the question to the terminal."""
        if not self.wanted:
            return
        light = light_by_environment()
        if light is not None:
            self._tell(light)
        write(QUESTION)

    def take(self, answer: bytes) -> None:
        """Tell the app what a terminal has answered, unless this is an answer to something else."""
        light = is_light(answer)
        if self.wanted and light is not None:
            self._tell(light)


def is_light(answer: bytes) -> bool | None:
    """Return whether the colour in an answer such as `11;rgb:ffff/ffff/ffff` is light; None if it has none."""
    found = _ANSWER.match(answer)
    if found is None:
        return None
    if found[4]:
        digits = len(found[4]) // 3
        channels = [found[4][begin : begin + digits] for begin in range(0, 3 * digits, digits)]
    else:
        channels = [found[1], found[2], found[3]]
    red, green, blue = (int(channel, 16) / (16 ** len(channel) - 1) for channel in channels)
    lightness: float = 0.299 * red + 0.587 * green + 0.114 * blue  # luma, ITU-R BT.601
    return lightness > _LIGHT


def light_by_environment() -> bool | None:
    """Return whether COLORFGBG names a light background, as in `0;15`; None if it is not set or not understood."""
    last = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    with contextlib.suppress(ValueError):
        number = int(last)
        return number in _LIGHT_COLORS if 0 <= number < 16 else None
    return None
