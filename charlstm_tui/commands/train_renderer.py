"""Shows the events of a run in a shell: progress on stderr and the outcome on stdout, or JSON lines on stdout.

Plain lines, for screen readers and dumb terminals: one when the run starts, one for each epoch, and those of its end.
They have no bars, samples, colours, or characters that move the cursor.
"""

import contextlib
import os
import sys

import click

from charlstm_tui.commands.stdio import draws_bars, is_plain, is_terminal
from core.events import (
    Diverged,
    EpochCompleted,
    Event,
    RateHalved,
    RunFinished,
    RunStarted,
    SampleDrawn,
    SavingFailed,
    StepsCompleted,
    ThreadsChanged,
    ValidationProgressed,
    to_json,
)
from core.reports.diagnosis import judge
from core.text import count_of, sanitise, shortened

_NOT_EXACT = (
    "The number of threads was adapted to other programs during this run, so the same seed gives slightly different "
    "losses. With --threads, it is fixed."
)


class RunRenderer:
    """Prints the events of one run."""

    def __init__(self, *, as_json: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._as_json = as_json
        self._plain = is_plain()
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            # JSON lines and a progress bar would overwrite each other on one terminal.
            disable=not draws_bars() or (as_json and is_terminal(sys.stdout)),
        )
        self._task = self._progress.add_task("", total=None, numbers="")
        self._epochs = self._vocabulary_size = 0
        self._completed: list[EpochCompleted] = []

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def say(self, status: str) -> None:
        """Show the current step in a few words."""
        self._progress.update(self._task, description=status)

    def show_cursor(self) -> None:
        """Show the cursor, which the progress line hides, while the process is suspended."""
        if not self._progress.disable:
            os.write(2, b"\x1b[?25h")

    def hide_cursor(self) -> None:
        """Hide the cursor again."""
        if not self._progress.disable:
            os.write(2, b"\x1b[?25l")

    def leave_at_once(self, exit_code: int) -> None:
        """End the process at once: only the progress line is cleared and the cursor shown."""
        if not self._progress.disable:
            os.write(2, b"\r\x1b[K\x1b[?25h")
        os._exit(exit_code)

    def show(self, event: Event) -> None:
        """Show one event."""
        if self._as_json:
            click.echo(sanitise(to_json(event)))
        match event:
            case RunStarted():
                self._epochs, self._vocabulary_size = event.epochs, event.vocabulary
                self._completed = list(event.history)
                self._line(_beginning(event, "; " if self._plain else "\n"))
                for sentence in filter(None, (event.beginning, event.advice)):
                    self._line(sentence)
            case StepsCompleted():
                done = event.epoch - 1 + event.step / event.steps
                self._progress.update(
                    self._task,
                    total=self._epochs,
                    completed=done,
                    description=f"epoch {event.epoch}/{self._epochs}",
                    numbers=f"loss {event.loss:.4f}  {event.chars_per_second:,.0f} char/s",
                )
            case ValidationProgressed():
                self._progress.update(self._task, numbers=f"validating {event.done:.0%}")
            case EpochCompleted():
                self._completed.append(event)
                width = len(str(self._epochs))
                validation = f"  validation {event.val_loss:.4f}" if event.val_loss is not None else ""
                best = "  best so far" if event.best and event.val_loss is not None else ""
                self._line(
                    f"epoch {event.epoch:{width}}/{self._epochs}  train {event.train_loss:.4f}{validation}"
                    f"  {event.seconds:6.1f} s  {event.chars_per_second:9,.0f} char/s{best}"
                )
            case SampleDrawn(asked=False) if not self._plain:
                self._line(f"    {shortened(event.text.strip(), 90)}")
            case RateHalved() | Diverged() | SavingFailed() | ThreadsChanged():
                self._line(event.advice)
            case RunFinished():
                self._progress.stop()
                if event.unsaved:
                    self._line(event.unsaved)
                self._line(judge(self._completed, self._vocabulary_size).text)
                if event.thread_changes:
                    self._line(_NOT_EXACT)
                if not self._as_json:
                    click.echo(sanitise(_outcome(event)))

    def say_without_output(self, event: RunFinished) -> None:
        """Print the outcome of the run to stderr, because stdout is closed."""
        with contextlib.suppress(OSError):  # stderr is closed too
            self._progress.stop()
            click.echo(sanitise(f"Standard output was closed. {_outcome(event)}"), err=True)

    def _line(self, text: str) -> None:
        if not self._as_json:
            self._console.print(sanitise(text), markup=False, soft_wrap=True)


def _beginning(event: RunStarted, separator: str) -> str:
    resumed = ""
    if event.elapsed_seconds:
        done = f"{count_of(event.epochs_done, 'epoch')} and {event.elapsed_seconds:.1f} s"
        resumed = f"continues after {done}; "
    return (
        f"{event.run}: {resumed}{count_of(event.parameters, 'parameter')}, "
        f"{count_of(event.vocabulary, 'distinct character')}; "
        f"{count_of(event.train_characters, 'character')} to train on, {event.validation_characters:,} to validate, "
        f"{event.test_characters:,} to test{separator}"
        f"on {event.device} in {event.precision}, {_workers(event)}"
    )


def _workers(event: RunStarted) -> str:
    threads = count_of(event.threads, "thread")
    return threads if event.processes == 1 else f"{count_of(event.processes, 'process')} of {threads} each"


def _outcome(event: RunFinished) -> str:
    checkpoint = event.best_checkpoint or event.last_checkpoint
    saved = f"saved in {checkpoint}" if checkpoint else "nothing was saved"
    again = f"; `charlstm-tui train --resume {event.run}` resumes it" if event.reason == "stopped" else ""
    epochs = count_of(event.epochs, "epoch")
    return f"{event.run}: {event.reason} after {epochs} and {event.elapsed_seconds:.1f} s, {saved}{again}"
