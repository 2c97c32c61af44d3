"""The command `train` in processes that torchrun started: https://docs.pytorch.org/docs/stable/elastic/run.html.

torchrun tells each process its place by environment variables. It ends all processes when one fails, and starts them
again up to `--max-restarts` times.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charlstm_tui.terminal.signals import handled, heeded
from core.data.corpus import Corpus, CorpusConfig
from core.errors import UserError, in_plain_words
from core.runs.run import Run
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.text import sanitise

if TYPE_CHECKING:
    from core.training.process_group import ProcessGroup


def is_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """Return the number of this process, from 0; 0 without torchrun."""
    return _number("RANK", 0)


def processes() -> int:
    """Return how many processes torchrun started for this run; 1 without torchrun."""
    return _number("WORLD_SIZE", 1)


def check_that_it_is_for(command: str | None) -> None:
    """Check that the command, None for the app, is one that several processes can share.

    Raises:
        UserError: it is not.
        Exit: the same, in a process other than rank 0.
    """
    if processes() == 1 or command == "train":
        return
    if rank():
        raise click.exceptions.Exit(2)
    what = f"`charlstm-tui {command}`" if command else "the app"
    raise UserError(f"torchrun starts several processes, which only `train` can share. Start {what} without it.")


@contextmanager
def process_group() -> Iterator["ProcessGroup | None"]:
    """Connect to the other processes for as long as the `with` block lasts; None if there are no others."""
    if processes() == 1:
        yield None
        return
    from core.training.process_group import joined

    with ExitStack() as stack:
        with _ended_at_once():
            group = stack.enter_context(joined())
        yield group


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """Let signals end the process at once: while it waits for the others inside PyTorch, no handler would be called."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_part(group: "ProcessGroup", read: Callable[[CorpusConfig], Corpus]) -> None:
    """Train with rank 0 until the run is over. Signals are requests to stop, which rank 0 decides on.

    Raises:
        Exit: the process cannot take part, or another one has ended. Rank 0 prints why.
        ClickException: an unexpected error.
    """
    from core.training.follower import follow

    def ask_to_stop(_number: int) -> None:
        group.stopping = True

    try:
        with handled(ask_to_stop):
            follow(group, read)
    except UserError:
        raise click.exceptions.Exit(2) from None
    except (MemoryError, RuntimeError, OSError) as error:
        raise click.ClickException(sanitise(f"Process {group.rank}: {in_plain_words(error)}")) from error


def check_name(name: str | None) -> None:
    """Check that a run has a name if torchrun may start it again, since the new processes must find it.

    Raises:
        UserError: it has none.
    """
    if name is None and _number("TORCHELASTIC_MAX_RESTARTS", 0) > 0:
        raise UserError("With --max-restarts, the run needs a name, by which it is found again: add --name RUN.")


def run_to_resume(store: RunStore, name: str | None) -> str | None:
    """Return the name of the run that these processes continue, because torchrun has started them again.

    None if they are the first ones, or if the earlier ones ended before they created the run.
    """
    if name is None or not is_torchrun() or not store.has(name):
        return None
    try:
        launch = _launch_path(store.get(name)).read_text("utf-8")
    except OSError:
        return None
    return name if launch == os.environ["TORCHELASTIC_RUN_ID"] else None


def remember(run: Run) -> None:
    """Note in a run's folder which call of torchrun created it, so that `run_to_resume` finds it, and no other run."""
    if is_torchrun() and _number("TORCHELASTIC_MAX_RESTARTS", 0) > 0:
        _launch_path(run).write_text(os.environ["TORCHELASTIC_RUN_ID"], "utf-8")


def _launch_path(run: Run) -> Path:
    return run.path / ".torchrun"


def says_it_is_finished(store: RunStore, name: str) -> bool:
    """Return whether a run that torchrun has started again was finished before; print that it was."""
    if summarise(store.get(name)).state != "finished":
        return False
    click.echo(sanitise(f"{name}: finished before torchrun started it again."), err=True)
    return True


def _number(variable: str, default: int) -> int:
    value = os.environ.get(variable, "") if is_torchrun() else ""
    return int(value) if value.isdecimal() else default
