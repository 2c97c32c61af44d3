"""The standard streams."""

from typing import TextIO


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person may be looking at it; a stream that was closed before the start is None."""
    return stream is not None and stream.isatty()
