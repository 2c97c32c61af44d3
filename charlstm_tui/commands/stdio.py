"""The standard streams, and the progress bar for long steps."""

import sys
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from core.errors import UserError


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal. A stream that was closed before the program started is None."""
    return stream is not None and stream.isatty()


def require_output() -> None:
    """Check that there is a standard output, before work whose only result is printed there.

    Raises:
        UserError: it was closed before the program started.
    """
    if sys.stdout is None:
        raise UserError("There is no standard output to write to.")


def bar(label: str) -> Progress:
    """Return a progress bar on stderr. It disappears at the end, and is not drawn if stderr is not a terminal.

    `label` is the text in front of the bar; "{task.description}" stands for the description in the latest update.
    """
    return Progress(
        TextColumn(label),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
        disable=not is_terminal(sys.stderr),
    )
