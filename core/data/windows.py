"""The number of windows of a text, and the check that it is long enough to train on. Both need only its length.

The forecast, the command line and `Streams` all use this module to decide whether a run can start.
"""

from core.errors import UserError
from core.text import count_of


def windows_at(characters: int, offset: int, *, streams: int, window: int) -> int:
    """Return the number of windows of an epoch that skips `offset` of a training part's characters."""
    return max(characters - offset - 1, 0) // (streams * window)


def check_length(characters: int, *, streams: int, window: int) -> None:
    """Check that a training part has at least one window at every offset.

    Raises:
        UserError: the part is too short; the message says which window would fit.
    """
    needed = streams * window + window
    if characters >= needed:
        return
    fitting = characters // (streams + 1)
    instead = f"a window of at most {fitting:,}" if fitting else "fewer streams"
    raise UserError(
        f"The training part has {count_of(characters, 'character')}, and {count_of(streams, 'stream')} and a "
        f"window of {window:,} need {needed:,} (streams × window, and one window more to vary the start). "
        f"Choose a longer text, or {instead}."
    )
