"""The standard streams: whether they are terminals, whether bars and styles are drawn, and the bar for long steps."""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from core.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress

_PLAIN = "charlstm_tui.plain"
"""Key of the value of --plain in click's `Context.meta`."""
_DUMB = ("dumb", "unknown")
"""Values of TERM by which a terminal says that it cannot move its cursor, as Emacs and screen readers set them."""


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether the stream is a terminal. A stream that was closed before the program started is None."""
    return stream is not None and stream.isatty()


def is_dumb() -> bool:
    """Return whether the terminal calls itself dumb: it shows lines of text one after the other, and nothing else."""
    return os.environ.get("TERM", "").lower() in _DUMB


def draws_bars() -> bool:
    """Return whether progress bars are drawn: on stderr if that is a terminal, and the output is not plain."""
    return is_terminal(sys.stderr) and not is_plain()


def draws_styles() -> bool:
    """Return whether results on stdout have bold headers: not in a file, and not in a dumb terminal."""
    return is_terminal(sys.stdout) and not is_dumb()


def is_plain() -> bool:
    """Return whether the output is plain lines: with the option --plain of this command, and in a dumb terminal."""
    context = click.get_current_context(silent=True)
    return is_dumb() or bool(context and context.meta.get(_PLAIN))


def _set_plain(ctx: click.Context, option: click.Parameter, plain: bool) -> None:
    """Store the value of --plain for `is_plain`, which is asked in many places."""
    ctx.meta[_PLAIN] = plain


plain_option = click.option(
    "--plain",
    is_flag=True,
    expose_value=False,
    callback=_set_plain,
    help="Print one line for each epoch, without bars and samples, for a screen reader. [default: where TERM is dumb]",
)


def set_encodings() -> None:
    """Set how standard output and standard error encode text. Characters that an encoding lacks become "?".

    On Windows, Python writes any character to a console. But in a file or a pipe it uses the country's old code page,
    which lacks most of them: that is UTF-8 here, unless PYTHONIOENCODING is set.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            old = sys.platform == "win32" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ
            stream.reconfigure(encoding="utf-8" if old else None, errors="replace")


def require_output() -> None:
    """Check that there is a standard output, before work whose only result is printed there.

    Raises:
        UserError: it was closed before the program started.
    """
    if sys.stdout is None:
        raise UserError("There is no standard output to write to.")


def bar(label: str) -> "Progress":
    """Return a progress bar on stderr. It disappears at the end, and is drawn only where `draws_bars` says so.

    `label` is the text in front of the bar; "{task.description}" stands for the description in the latest update.
    """
    from rich.console import Console  # importing rich takes longer than to complete a word in a shell
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn(label),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
        disable=not draws_bars(),
    )
