"""How many windows a text has for some streams, and whether it has enough to be trained on: counted without the text.

Whoever has to know whether a run can start asks here: the forecast, the command line, and `Streams`, which reads the
windows.
"""

from core.errors import UserError
from core.text import count_of


def windows_at(characters: int, offset: int, *, streams: int, window: int) -> int:
    """Return how many windows an epoch has that skips `offset` of a training part's characters."""
    return max(characters - offset - 1, 0) // (streams * window)


def check_length(characters: int, *, streams: int, window: int) -> None:
    """Check that a training part has a window at every offset.

    Raises:
        UserError: it is too short; the text says what would fit.
    """
    needed = streams * window + window
    if characters >= needed:
        return
    fitting = characters // (streams + 1)
    instead = f"a window of at most {fitting:,}" if fitting else "fewer streams"
    raise UserError(
        f"The training part has {count_of(characters, 'character')}, and {count_of(streams, 'stream')} and a "
        f"window of {window:,} need {needed:,} (streams × window, and a window to vary the beginning). "
        f"Choose a longer text, or {instead}."
    )
