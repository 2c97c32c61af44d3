"""Colours that can be told from what they stand on, in every theme.

The colours of a theme are not made for every pair that a screen draws: an accent may be orange on light grey, at 1.5:1.
Here whatever is drawn gets the contrast that it takes to be read: text 4.5:1, marks 3:1, as WCAG 2 asks for (1.4.3 and
1.4.11). Its hue stays, and a colour that has enough is not changed. Left alone are the lines of frames, which say
nothing, and the terminal's own colours, which no program knows.
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
"""The least ratio of contrast of text, and of what is drawn with: blocks, dots, dashes."""
_FRAMES = "─│╭╮╰╯┌┐└┘├┤┬┴┼━╸╺"
_MARKS = "╌-╷╹-╿▀-▟⠀-⣿"
_NOTHING_TO_READ = re.compile(f"[ \u00a0{_FRAMES}]*")
_NO_LETTERS = re.compile(f"[ \u00a0{_FRAMES}{_MARKS}]*")
_STEPS = 12
"""Of halving: finer than a screen's colours."""


def ratio_for(text: str) -> float | None:
    """Return the least contrast that a piece of the screen needs; None where there is nothing to see in it."""
    if _NOTHING_TO_READ.fullmatch(text):
        return None
    return MARKS if _NO_LETTERS.fullmatch(text) else TEXT


def contrast(one: Color, other: Color) -> float:
    """Return the ratio of contrast of two opaque colours by WCAG 2, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable(color: Color, background: Color, ratio: float) -> Color:
    """Return the colour nearest to `color`, on its way to black or white, that has this ratio to the background."""
    if contrast(color, background) >= ratio:
        return color
    ends = [Color(0, 0, 0), Color(255, 255, 255)]
    # Away from the background, unless there is not so much room on that side.
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
    """Return a theme's variables with those changed that are drawn as lines or as surfaces, which no filter sees.

    The accent frames what has the focus, fills the bars of progress, and draws large digits out of lines. A scrollbar
    is two surfaces.
    """
    background = Color.parse(variables["background"])
    if background.ansi is not None:
        return variables
    made = {}
    accent = _over(background, variables["accent"])
    for name in ("background", "surface", "panel") * 2:  # the last may have undone what the first asked for
        accent = readable(accent, _over(background, variables[name]), TEXT if name == "background" else MARKS)
    made["accent"] = accent.hex
    for state in ("", "-hover", "-active"):
        thumb, track = (
            _over(background, variables[f"{part}{state}"]) for part in ("scrollbar", "scrollbar-background")
        )
        made[f"scrollbar{state}"] = readable(thumb, track, MARKS).hex
    return variables | made


class ContrastFilter(LineFilter):
    """Gives each piece of a line the contrast that it takes. To come after filters that change colours."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Change a line."""
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
    """Return what is seen of a colour that may let the background through: `#FF8800`, or `#FF8800 30%`."""
    written, _, share = value.partition(" ")
    color = Color.parse(written)
    return background + (color.multiply_alpha(float(share.rstrip("%")) / 100) if share else color)


def _luminance(color: Color) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
