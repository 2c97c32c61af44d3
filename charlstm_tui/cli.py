"""The command line. Without a command it opens the app; with one it runs that command and exits.

Exit codes: 0 success, 1 failure, 2 wrong usage or bad input. After a signal, 128 plus its number: 130 for ctrl-C
(SIGINT), 143 for SIGTERM, 129 when the terminal was closed (SIGHUP).
"""

import contextlib
import errno
import importlib
import os
import sys
from typing import Any

import click

from charlstm_tui.commands.options import runs_option
from charlstm_tui.commands.stdio import is_terminal, set_encodings
from charlstm_tui.lessons.languages import LANGUAGES
from charlstm_tui.state.preferences import GLYPHS, Glyphs
from charlstm_tui.terminal.capabilities import in_browser
from charlstm_tui.terminal.signals import Ended, end, handled
from core.errors import UserError, in_plain_words
from core.folders import data_folder
from core.runs.store import RunStore
from core.text import sanitise

COMMANDS = {
    "train": "train_command",
    "evaluate": "evaluate_command",
    "generate": "generate_command",
    "memory": "memory_command",
    "import": "import_command",
    "corpus": "corpus_commands",
    "presets": "presets_command",
    "keys": "keys_command",
    "runs": "runs_commands",
    "sweep": "sweep_commands",
    "lesson": "lesson_commands",
    "class": "class_command",
    "serve": "serve_command",
    "doctor": "doctor_command",
    "completion": "completion_command",
}
"""The function of each command, by the name of the command and, but for `MODULES`, of its module in
`charlstm_tui.commands`.

A module is imported only when its command is called: the app needs none of them, and its first paint comes 20 ms sooner
without these imports."""

MODULES = {"import": "import_model", "class": "class_results"}
"""The modules of commands whose names are words of Python."""


class _BadInput(click.ClickException):
    exit_code = 2


def _is_another_rank() -> bool:
    """Return whether torchrun started this process with a rank other than 0: rank 0 prints for all."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("RANK", "0") != "0"


def _sanitised(error: click.ClickException) -> click.ClickException:
    """Return the error with its message made safe to show, since the message may quote what the user typed."""
    text = sanitise(error.format_message())
    if text == error.format_message():
        return error
    return click.UsageError(text, error.ctx) if isinstance(error, click.UsageError) else _BadInput(text)


def _print_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from charlstm_tui.formatting.versions import version_line

        click.echo(version_line())
        ctx.exit()


class _Commands(click.Group):
    """A group that reports expected errors without a traceback, and exits after ctrl-C with the code shells expect."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command of that name; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"charlstm_tui.commands.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, COMMANDS[cmd_name])
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, or answer a shell that asks for completions."""
        if "_CHARLSTM_TUI_COMPLETE" in os.environ:
            from charlstm_tui.commands.completion import register_shells

            register_shells()
        # On Windows, click would replace * and ~ in any argument, also in a prompt.
        return super().main(*args, windows_expand_args=False, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments."""
        try:
            return super().make_context(*args, **kwargs)
        except click.ClickException as error:
            if _is_another_rank():
                raise click.exceptions.Exit(2) from None  # rank 0 prints the same
            raise _sanitised(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raise each expected error as a `ClickException`, which click prints."""
        set_encodings()
        try:
            with handled(end):
                return super().invoke(ctx)
        except UserError as error:
            raise _BadInput(sanitise(str(error))) from None
        except click.UsageError as error:
            if _is_another_rank():
                raise click.exceptions.Exit(2) from None  # rank 0 prints the same
            raise _sanitised(error) from None
        except click.ClickException as error:
            raise _sanitised(error) from None
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except (MemoryError, RuntimeError, OSError) as error:
            if sys.platform == "win32" and isinstance(error, OSError) and error.errno == errno.EINVAL:
                raise BrokenPipeError(errno.EPIPE, "closed") from None  # how Windows reports a closed pipe
            raise click.ClickException(sanitise(in_plain_words(error))) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)
        except Ended as ended:
            ctx.exit(ended.exit_code)


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the versions of the program, PyTorch, Textual and Python, and the device, and exit.",
)
@runs_option
@click.option(
    "--glyphs",
    type=click.Choice(GLYPHS),
    help="Characters that the app draws with from now on, for a font without braille or a terminal with ASCII only.",
)
@click.option("--lesson", metavar="N|FILE", help="Open the app with a lesson: 1 to 8, or a lesson of your own.")
@click.option(
    "--language", type=click.Choice(list(LANGUAGES)), help="Language of the lessons and the help pages from now on."
)
@click.pass_context
def commands(
    ctx: click.Context, store: RunStore, glyphs: Glyphs | None, lesson: str | None, language: str | None
) -> None:
    """Train a character-level LSTM, evaluate it and generate text. Without a command, open the app."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        from charlstm_tui.commands.torchrun import check_that_it_is_for

        check_that_it_is_for(ctx.invoked_subcommand)
    if ctx.invoked_subcommand is None:
        open_app(store, glyphs, lesson, language)
    elif lesson is not None:
        raise click.UsageError("--lesson opens the app, so it cannot be combined with a command.", ctx)


def open_app(
    store: RunStore, glyphs: Glyphs | None = None, lesson: str | None = None, language: str | None = None
) -> None:
    """Open the app in this terminal.

    Raises:
        UserError: there is no terminal, one that cannot be drawn on, or no folder for data.
    """
    if not in_browser():
        _check_terminal()
    data_folder()
    if lesson is not None:
        from charlstm_tui.lessons.course import lesson_named
        from charlstm_tui.lessons.languages import language_of_user

        lesson_named(lesson, language_of_user(language or ""))  # an error is printed before the app opens
    from charlstm_tui.app import CharLSTMApp

    app = CharLSTMApp(store, glyphs=glyphs, language=language, lesson=lesson)
    app.run()
    if app.has_panicked and app.training.started is not None:
        _say_how_to_resume(store, app.training.started.run)
    sys.exit(app.exit_code)


def _say_how_to_resume(store: RunStore, name: str) -> None:
    """Print how to resume a run that an unexpected error stopped."""
    from core.runs.summary import summarise

    with contextlib.suppress(UserError):
        run = store.get(name)
        if summarise(run).state == "stopped" and run.last_path.exists():
            command = f"charlstm-tui train --resume {name}"
            click.echo(sanitise(f"The run {name} was stopped and saved; `{command}` resumes it."), err=True)


def _check_terminal() -> None:
    without = f"These commands work without one: {', '.join(COMMANDS)} (see charlstm-tui --help)."
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise UserError(f"The app needs a terminal: standard input and output must both be one. {without}")
    if os.environ.get("TERM") == "dumb":
        raise UserError(
            "The app needs a terminal that it can draw on, and this one calls itself dumb (TERM=dumb). "
            f"If that is wrong, set TERM, for example to xterm-256color. {without}"
        )
