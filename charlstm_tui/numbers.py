"""Numbers as people read them, the same on screen and in the shell."""

from core.text import count_of as count_of  # the engine counts in sentences too


def loss_shown(loss: float | None) -> str:
    """Return a loss with four decimals, or a dash where there is none."""
    return "–" if loss is None else f"{loss:.4f}"


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds, or hours, minutes and seconds."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def size_in_bytes(size: int) -> str:
    """Return a file's size in the unit that suits it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
