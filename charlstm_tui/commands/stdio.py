"""The standard streams, and what is shown on them while something takes its time."""

import sys
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person may be looking at it; a stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def bar(what: str) -> Progress:
    """Return a progress bar on stderr, gone when it is over, and not there at all where nobody looks.

    `what` is in words what is done; "{task.description}" is what each update says.
    """
    return Progress(
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
        disable=not is_terminal(sys.stderr),
    )
