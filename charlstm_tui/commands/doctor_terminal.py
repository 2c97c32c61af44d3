"""The checks of `charlstm-tui doctor` on the terminal: its size, streams, colours, encoding and characters."""

import locale
import os
import shutil
import sys
from collections.abc import Iterator
from typing import TextIO

from charlstm_tui.commands.doctor_result import Check
from charlstm_tui.commands.stdio import is_dumb, is_terminal
from charlstm_tui.state.preferences import load_preferences
from charlstm_tui.terminal.capabilities import MIN_WINDOW, draws_more_than_ascii
from core.text import in_one_line, shortened

GLYPHS = "é œ … ─ │ ┌ ▁ ▄ █ ⠉ ⠿ ⣿"
"""A sample of the characters that the program prints, from accents to braille."""
_INSIDE = {
    "TMUX": "in tmux",
    "STY": "in screen",
    "ZELLIJ": "in Zellij",
    "WSL_DISTRO_NAME": "in WSL",
    "WT_SESSION": "in Windows Terminal",
    "SSH_CONNECTION": "over SSH",
}
"""Variables that say where a terminal is, by their presence."""


def terminal_checks() -> Iterator[Check]:
    """Yield the checks on the terminal."""
    yield _terminal()
    yield _streams()
    yield _colours()
    yield _encoding()
    yield _glyphs()


def _terminal() -> Check:
    parts = [f"{name}={variable(name)}" for name in ("TERM", "COLORTERM") if name in os.environ]
    if program := variable("TERM_PROGRAM"):
        parts.append(f"{program} {variable('TERM_PROGRAM_VERSION')}".strip())
    parts += [place for name, place in _INSIDE.items() if name in os.environ]
    if not (is_terminal(sys.stdout) or is_terminal(sys.stderr)):
        return Check(
            name="terminal", found=", ".join([*parts, "no terminal"]), state="note",
            advice="The app needs one; the commands do not.",
        )  # fmt: skip
    columns, rows = shutil.get_terminal_size()
    found = ", ".join([*parts, f"{columns} columns by {rows} rows"])
    figures: dict[str, float] = {"columns": columns, "rows": rows}
    if is_dumb():
        advice = "The app cannot draw on a dumb terminal; the commands print plain lines. If it is not dumb, set TERM."
    elif columns < MIN_WINDOW[0] or rows < MIN_WINDOW[1]:
        advice = f"The app needs {MIN_WINDOW[0]} columns by {MIN_WINDOW[1]} rows: enlarge the window."
    else:
        advice = ""
    return Check(name="terminal", found=found, state="note" if advice else "ok", advice=advice, figures=figures)


def variable(name: str) -> str:
    """Return the value of an environment variable, shortened; empty if it is not set."""
    return shortened(os.environ.get(name, ""), 40)


def _streams() -> Check:
    def kind(stream: TextIO | None) -> str:
        if stream is None:
            return "closed"
        return "a terminal" if is_terminal(stream) else "no terminal"

    streams = {"input": sys.stdin, "output": sys.stdout, "errors": sys.stderr}
    return Check(name="streams", found=", ".join(f"{name}: {kind(stream)}" for name, stream in streams.items()))


def _colours() -> Check:
    from rich.console import Console

    stream = sys.stdout if is_terminal(sys.stdout) else sys.stderr
    colours = Console(file=stream).color_system if is_terminal(stream) else None
    names = {"standard": "16", "256": "256", "truecolor": "16 million", "windows": "16, of the Windows console"}
    return Check(
        name="colours",
        found=f"{names.get(colours or '', 'none')}{', NO_COLOR is set' if os.environ.get('NO_COLOR') else ''}",
    )


def _encoding() -> Check:
    settings = [f"{name}={variable(name)}" for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)]
    encodings = [
        f"output {sys.stdout.encoding if sys.stdout else 'closed'}", f"file names {sys.getfilesystemencoding()}",
        f"locale {locale.getpreferredencoding(False)}", ", ".join(settings) or "no LANG",
    ]  # fmt: skip
    good = draws_more_than_ascii()
    return Check(
        name="encoding",
        found=in_one_line(", ".join(encodings)),
        state="ok" if good else "note",
        advice=""
        if good
        else "The app draws with ASCII here, and generated text loses its accents. Set LANG=C.UTF-8 or PYTHONUTF8=1.",
    )


def _glyphs() -> Check:
    return Check(
        name="glyphs",
        found=f"{load_preferences().glyphs}; a sample: {GLYPHS}",
        advice="If you see boxes or question marks, use --glyphs blocks or --glyphs ascii.",
    )
