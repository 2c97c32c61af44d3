"""Colours of a chart's curves that can be told from each other and from the ground, in any theme."""

import math
from collections.abc import Sequence
from functools import lru_cache

from textual.color import Color, Lab, rgb_to_lab

LEGIBLE = 4.5
"""The contrast with the ground that a colour must have, as for text (WCAG 2.2, 1.4.3)."""
_HUES, _SHADES = 24, 40
_SATURATIONS = (0.75, 0.4)
_HUE_APART = 25 / 360
"""How far the hue of another curve stays from those that are wanted: a lighter green is still "the green one"."""
_ALIKE = 25.0
"""The distance of two colours (CIE 1976) below which one of them is replaced."""
_ANSI = ("yellow", "magenta", "cyan", "blue", "red", "green")
"""Of a terminal's own sixteen, which are as the terminal shows them; by how far they are from each other in most."""


def curve_colors(ground: Color, wanted: Sequence[Color], others: int) -> list[Color]:
    """Return the colours that are wanted, made legible, and so many others, none like any before it."""
    if any(color.ansi is not None for color in (ground, *wanted)):
        return _ansi_colors(wanted, others)
    return list(_colors(ground, tuple(wanted), others))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def difference(one: Color, other: Color) -> float:
    """Return how unlike two colours look: their distance in L*a*b*, where 2.3 can just be noticed (CIE 1976)."""
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
    """Return how far two hues are from each other on their circle, 0 to a half; a grey is far from all."""
    if min(one.hsl.s, other.hsl.s) < 0.1:
        return 0.5
    apart = abs(one.hsl.h - other.hsl.h)
    return min(apart, 1 - apart)


def _nearest(place: Lab, others: Sequence[Lab]) -> float:
    return min((math.dist(place, other) for other in others), default=0.0)


def _legible(color: Color, ground: Color) -> Color:
    """Return the colour, as much lighter or darker as it takes to be read on the ground."""
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
