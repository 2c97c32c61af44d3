"""The scale of surprise: which tint a character has by its surprisal, in nats, and the legend of these tints.

Generate and Evaluate draw by it, and nobody else decides what a tint means.
"""

from bisect import bisect_right
from itertools import pairwise

from textual.content import Content

LEVELS = (0.5, 1.5, 3.0, 4.5)
"""Borders, in nats, between the five levels: 0.5 is a character that was given 61 %, 4.5 one that was given 1 %."""
HIGHEST = 7.0
"""Nats that the legend ends at: a character that was given 0.1 %."""
TINTS = (
    ("", ""),
    ("on $warning-muted 45%", "background: $warning-muted 45%;"),
    ("on $warning-muted", "background: $warning-muted;"),
    ("on $error-muted", "background: $error-muted;"),
    ("bold underline on $error-muted", "background: $error-muted; text-style: bold underline;"),
)
"""For each level its style, for `Content` and for a style sheet."""
CSS = "\n".join(f"& > .stream-pane--{level} {{ color: $foreground; {css} }}" for level, (_, css) in enumerate(TINTS))
"""The rules of a pane whose text is tinted."""


def level_of(surprise: float) -> int:
    """Return the level of a surprise in nats, 0 to 4."""
    return bisect_right(LEVELS, surprise)


def legend(width: int) -> Content:
    """Return what the tints mean, in at most so many cells; nothing where there is no room."""
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
