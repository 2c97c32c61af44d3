"""Numbers as text, the same on screen and in the shell."""

import math
from collections.abc import Callable

from core.text import count_of as count_of  # re-exported: the engine uses it in its messages


def loss_shown(loss: float | None) -> str:
    """Return a loss with four decimals, or a dash for None."""
    return "–" if loss is None else f"{loss:.4f}"


def clock(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def duration(seconds: float) -> str:
    """Return a measured duration: in seconds below a minute, otherwise as m:ss or h:mm:ss."""
    return f"{seconds:.1f} s" if seconds < 59.95 else clock(round(seconds))


def duration_between(least: float, most: float) -> str:
    """Return an estimated duration as a rounded range: "20 to 50 s", "1 to 3 min", "50 s to 2 min"."""
    (low, low_unit), (high, high_unit) = _rounded(least, math.floor), _rounded(most, math.ceil)
    if low_unit != high_unit:
        return f"{low} {low_unit} to {high} {high_unit}"
    return f"{low} to {high} {high_unit}" if low != high else f"about {high} {high_unit}"


def _rounded(seconds: float, towards: Callable[[float], int]) -> tuple[int, str]:
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return towards(seconds / size), unit
    return towards(seconds), "s"


def size_in_bytes(size: int) -> str:
    """Return a file size in bytes, kB, MB or GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
