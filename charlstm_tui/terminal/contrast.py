"""Colours with enough contrast to their background, in every theme.

A theme does not provide contrast for every pair of colours that a screen draws: an accent may be orange on light grey,
at 1.5:1. This module gives text a contrast of 4.5:1 and marks one of 3:1, the minimum of WCAG 2 (1.4.3 and 1.4.11). It
moves a colour towards black or white, and does not change a colour that has enough contrast. It does not change frame
lines, which carry no information, nor the terminal's own colours, which a program does not know.
"""

import re
from functools import lru_cache

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

TEXT, MARKS = 4.5, 3.0
"""Least contrast ratios of text, and of marks: blocks, dots, dashes."""
_FRAMES = "─│╭╮╰╯┌┐└┘├┤┬┴┼━╸╺"
_MARKS = "╌-╷╹-╿▀-▟⠀-⣿"
_NOTHING_TO_READ = re.compile(f"[ \u00a0{_FRAMES}]*")
_NO_LETTERS = re.compile(f"[ \u00a0{_FRAMES}{_MARKS}]*")
_STEPS = 12
"""Steps of the bisection: its result is finer than the colours of a screen."""


def ratio_for(text: str) -> float | None:
    """Return the least contrast ratio for a piece of text; None for spaces and frames alone."""
    if _NOTHING_TO_READ.fullmatch(text):
        return None
    return MARKS if _NO_LETTERS.fullmatch(text) else TEXT


def contrast(first: Color, second: Color) -> float:
    """Return the contrast ratio of two opaque colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable(color: Color, background: Color, ratio: float) -> Color:
    """Return the blend of `color` with black or white that is nearest to it and has this ratio to the background."""
    if contrast(color, background) >= ratio:
        return color
    ends = [Color(0, 0, 0), Color(255, 255, 255)]
    # Away from the background's luminance, unless that end has too little contrast too.
    ends.sort(
        key=lambda end: (_luminance(end) > _luminance(background)) != (_luminance(color) > _luminance(background))
    )
    end = next(
        (end for end in ends if contrast(end, background) >= ratio),
        max(ends, key=lambda end: contrast(end, background)),
    )
    too_little, enough = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (too_little + enough) / 2
        if contrast(color.blend(end, middle, 1.0), background) >= ratio:
            enough = middle
        else:
            too_little = middle
    return color.blend(end, enough, 1.0)


def readable_variables(variables: dict[str, str]) -> dict[str, str]:
    """Return a theme's variables, with more contrast for those that are drawn as lines or surfaces, which filters skip.

    The accent draws the frame of the focused widget, progress bars, and large digits made of lines. A scrollbar is two
    surfaces.
    """
    background = Color.parse(variables["background"])
    if background.ansi is not None:
        return variables
    made = {}
    accent = _over(background, variables["accent"])
    for name in ("background", "surface", "panel") * 2:  # twice, since a later change may undo an earlier one
        accent = readable(accent, _over(background, variables[name]), TEXT if name == "background" else MARKS)
    made["accent"] = accent.hex
    for state in ("", "-hover", "-active"):
        thumb, track = (
            _over(background, variables[f"{part}{state}"]) for part in ("scrollbar", "scrollbar-background")
        )
        made[f"scrollbar{state}"] = readable(thumb, track, MARKS).hex
    return variables | made


class ContrastFilter(LineFilter):
    """Gives each piece of a line enough contrast. It must come after the filters that change colours."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line with enough contrast."""
        return [
            segment
            if segment.style is None or (ratio := ratio_for(segment.text)) is None
            else Segment(segment.text, _readable_style(segment.style, background, ratio), segment.control)
            for segment in segments
        ]


@lru_cache(4096)
def _readable_style(style: Style, background: Color, ratio: float) -> Style:
    if style.color is None or not _is_known(style.color):
        return style
    if style.bgcolor is not None and not style.bgcolor.is_default:
        if not _is_known(style.bgcolor):
            return style
        background = Color.from_rich_color(style.bgcolor)
    if background.ansi is not None:
        return style
    color = Color.from_rich_color(style.color)
    better = readable(color, background, ratio)
    return style if better == color else style + Style(color=better.rich_color)


def _is_known(color: RichColor) -> bool:
    return color.type is ColorType.TRUECOLOR


def _over(background: Color, value: str) -> Color:
    """Return a colour of a theme as it looks on the background: `#FF8800`, or with an opacity, `#FF8800 30%`."""
    written, _, share = value.partition(" ")
    color = Color.parse(written)
    return background + (color.multiply_alpha(float(share.rstrip("%")) / 100) if share else color)


def _luminance(color: Color) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
