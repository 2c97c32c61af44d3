"""A course of losses in a few characters."""

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, low: float, high: float) -> str:
    """Return one character for each value, of eight heights between `low` and `high`.

    If there are more values than cells, each cell shows the last value of its part.
    """
    if not values or width < 1:
        return ""
    cells = min(len(values), width)
    shown = [values[(cell + 1) * len(values) // cells - 1] for cell in range(cells)]
    return "".join(LEVELS[_level(value, low, high)] for value in shown)


def _level(value: float, low: float, high: float) -> int:
    share = (value - low) / (high - low) if high > low else 0.0
    return min(max(round(share * (len(LEVELS) - 1)), 0), len(LEVELS) - 1)
