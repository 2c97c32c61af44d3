"""The tint of a character by its surprisal in nats, and the legend of the tints.

The screens Generate and Evaluate both use this scale.
"""

from bisect import bisect_right
from itertools import pairwise

from textual.content import Content

LEVELS = (0.5, 1.5, 3.0, 4.5)
"""Bounds between the five levels, in nats: 0.5 is a probability of 61 %, 4.5 one of 1 %."""
HIGHEST = 7.0
"""Upper end of the legend in nats: a probability of 0.1 %."""
PERSON = 8
"""Added to the level of a character that a person typed into a text of the model."""
TINTS = (
    ("", ""),
    ("on $warning-muted 45%", "background: $warning-muted 45%;"),
    ("on $warning-muted", "background: $warning-muted;"),
    ("on $error-muted", "background: $error-muted;"),
    ("bold underline on $error-muted", "background: $error-muted; text-style: bold underline;"),
)
"""Style of each level, for `Content` and for a style sheet."""
CSS = "\n".join(f"& > .stream-pane--{level} {{ color: $foreground; {css} }}" for level, (_, css) in enumerate(TINTS))
"""Style rules of a pane with tinted text."""


def level_of(surprise: float) -> int:
    """Return the level, 0 to 4, of a surprisal in nats."""
    return bisect_right(LEVELS, surprise)


def legend(width: int) -> Content:
    """Return the legend of the tints, in at most `width` cells; empty if it does not fit."""
    borders = ["0", *(f"{border:g}" for border in LEVELS), f"{HIGHEST:g}"]
    ranges = [f" {low}–{high} " for low, high in pairwise(borders)]
    least = [f" {low} " for low in borders[:-1]]
    for before, parts, after in (
        ("surprisal ", ranges, " nats"), ("", ranges, " nats"), ("surprisal ", least, " nats"), ("", least, " nats"),
    ):  # fmt: skip
        if len(before) + sum(map(len, parts)) + len(after) <= width:
            tinted = [(words, f"$foreground {style}") for words, (style, _) in zip(parts, TINTS, strict=True)]
            return Content.assemble(before, *tinted, after)
    return Content("")
