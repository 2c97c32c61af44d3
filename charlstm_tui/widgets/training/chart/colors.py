"""Colours for a chart's curves that are distinct from each other and legible on the background, in any theme."""

import math
from collections.abc import Sequence
from functools import lru_cache

from textual.color import Color, Lab, rgb_to_lab

LEGIBLE = 4.5
"""Minimum contrast between a curve's colour and the background, as for text (WCAG 2.2, 1.4.3)."""
_HUES, _SHADES = 24, 40
_SATURATIONS = (0.75, 0.4)
_HUE_APART = 25 / 360
"""Minimum distance of other hues from the wanted ones, on a circle of 1: a lighter green is still "the green one"."""
_ALIKE = 25.0
"""Two wanted colours closer than this (CIE 1976 distance) count as alike, and the second is replaced."""
_ANSI = ("yellow", "magenta", "cyan", "blue", "red", "green")
"""Names of the ANSI colours to use. The first ones are the most distinct in most terminals."""


def curve_colors(ground: Color, wanted: Sequence[Color], others: int) -> list[Color]:
    """Return the wanted colours, made legible on the ground, followed by `others` more, each unlike all before it.

    In an ANSI theme the result consists of the terminal's own colours, which cannot be adjusted.
    """
    if any(color.ansi is not None for color in (ground, *wanted)):
        return _ansi_colors(wanted, others)
    return list(_colors(ground, tuple(wanted), others))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, between 1 and 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def difference(one: Color, other: Color) -> float:
    """Return the distance of two colours in L*a*b* (CIE 1976); a distance of 2.3 is just noticeable."""
    return math.dist(rgb_to_lab(one), rgb_to_lab(other))


@lru_cache(32)
def _colors(ground: Color, wanted: tuple[Color, ...], others: int) -> tuple[Color, ...]:
    candidates = [
        _legible(Color.from_hsl(hue / _HUES, saturation, 0.5), ground)
        for hue in range(_HUES)
        for saturation in _SATURATIONS
    ]
    places = {color: rgb_to_lab(color) for color in candidates}
    taken: list[Color] = []

    def farthest() -> Color:
        seen = [rgb_to_lab(color) for color in taken]
        return max(places, key=lambda color: _nearest(places[color], seen))

    for color in wanted:
        legible = _legible(color, ground)
        alike = any(difference(legible, other) < _ALIKE for other in taken)
        taken.append(farthest() if alike else legible)
    for color in taken:
        for other in [other for other in places if _hues_between(color, other) < _HUE_APART]:
            del places[other]
    for _ in range(others):
        taken.append(farthest())
    return tuple(taken)


def _hues_between(one: Color, other: Color) -> float:
    """Return the distance of two hues on a circle of 1, between 0 and 0.5; the distance of a grey is always 0.5."""
    if min(one.hsl.s, other.hsl.s) < 0.1:
        return 0.5
    apart = abs(one.hsl.h - other.hsl.h)
    return min(apart, 1 - apart)


def _nearest(place: Lab, others: Sequence[Lab]) -> float:
    return min((math.dist(place, other) for other in others), default=0.0)


def _legible(color: Color, ground: Color) -> Color:
    """Return the colour, made lighter or darker until its contrast with the ground is at least LEGIBLE."""
    color = ground + color
    if contrast(color, ground) >= LEGIBLE:
        return Color(*color.rgb)
    end = Color(255, 255, 255) if _luminance(ground) < 0.18 else Color(0, 0, 0)
    shades = (color.blend(end, part / _SHADES, 1.0) for part in range(1, _SHADES + 1))
    return next((shade for shade in shades if contrast(shade, ground) >= LEGIBLE), end)


def _luminance(color: Color) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _ansi_colors(wanted: Sequence[Color], others: int) -> list[Color]:
    free = [Color.parse(f"ansi_{bright}{name}") for bright in ("", "bright_") for name in _ANSI]
    taken: list[Color] = []
    for color in wanted:
        taken.append(color if color not in taken else next(other for other in free if other not in (*wanted, *taken)))
    for _ in range(others):
        taken.append(next(color for color in free if color not in taken))
    return taken
