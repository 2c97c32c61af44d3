"""The checks of `charlstm-tui doctor` that need no PyTorch: versions, system, terminal, encoding, folders, texts.

Nothing of the user's is shown: no text, no host or user name, no value that may hold a password. The home folder is ~.
"""

import contextlib
import importlib.metadata
import locale
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

import psutil
from msgspec import Struct

from charlstm_tui.commands.stdio import is_dumb, is_terminal
from charlstm_tui.commands.versions import PROGRAM, core_count, version_of
from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.state.preferences import load_preferences
from charlstm_tui.terminal.capabilities import draws_more_than_ascii
from core.data.known_texts import MOLIERE
from core.errors import UserError
from core.folders import cache_folder, data_folder
from core.runs.store import RunStore
from core.text import count_of, in_one_line, joined, shortened

State = Literal["ok", "note", "wrong"]
"""ok: it works. note: worth knowing, and no fault. wrong: something does not work."""
FEWEST_BYTES = 200_000_000
"""Free space below which a disk counts as full: a run of the preset `best` writes as much."""
FEWEST_MEMORY = 500_000_000
"""Free memory in bytes below which a run may fail."""
SMALLEST = (60, 15)
"""Columns and rows that the app needs."""
GLYPHS = "é œ … ─ │ ┌ ▁ ▄ █ ⠉ ⠿ ⣿"
"""A sample of the characters that the program prints, from accents to braille."""
_EXTRAS = ("web", "postgresql")
_INSIDE = {
    "TMUX": "in tmux",
    "STY": "in screen",
    "ZELLIJ": "in Zellij",
    "WSL_DISTRO_NAME": "in WSL",
    "WT_SESSION": "in Windows Terminal",
    "SSH_CONNECTION": "over SSH",
}
"""Variables that say where a terminal is, by their presence."""
_NO_FOLDER = (UserError, RuntimeError)
"""Errors if CHARLSTM_DATA names an impossible folder, or if there is no home folder."""


class Check(Struct, frozen=True, kw_only=True):
    """What was found about one part of the program or of the machine."""

    name: str
    found: str
    state: State = "ok"
    advice: str = ""
    """What to do about it; empty if nothing is to be done."""
    figures: dict[str, float] = {}
    """The figures in `found`, for a program that reads the JSON."""


def without_home(text: str) -> str:
    """Return a text with the user's home folder replaced by ~, sanitised and in one line."""
    with contextlib.suppress(RuntimeError, OSError):  # there is no home folder
        home = Path.home()
        for path in {str(home), str(home.resolve())} - {"", home.anchor}:
            text = re.sub(rf"{re.escape(path)}(?![\w.-])", "~", text)
    return in_one_line(text)


def light_checks(store: RunStore) -> Iterator[Check]:
    """Yield the checks that need no PyTorch."""
    yield _program()
    yield _python()
    yield from _packages()
    yield _system()
    yield _memory()
    yield _terminal()
    yield _streams()
    yield _colours()
    yield _encoding()
    yield _glyphs()
    yield _folder("runs folder", store.root, "Name another one with --runs or CHARLSTM_RUNS.")
    for name, find in (("data folder", data_folder), ("cache folder", cache_folder)):
        try:
            yield _folder(name, find(), "Name another one with CHARLSTM_DATA.")
        except _NO_FOLDER as error:
            yield Check(name=name, state="wrong", found=without_home(str(error)), advice="Set CHARLSTM_DATA.")
    yield _temporary_folder()
    yield _moliere()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        yield _torchrun()


def _program() -> Check:
    version, folder = version_of(PROGRAM), Path(__file__).parents[2]
    kind = "in a checkout" if (folder / "pyproject.toml").is_file() else "installed"
    if version is None:
        return Check(
            name="program", state="note", found=f"{PROGRAM}, not installed, in {without_home(str(folder))}",
            advice="Install it with pip, so that its packages can be checked.",
        )  # fmt: skip
    return Check(name="program", found=f"{PROGRAM} {version}, {kind}, {without_home(str(folder))}")


def _python() -> Check:
    place = "in a virtual environment" if sys.prefix != sys.base_prefix else "without a virtual environment"
    bits = "64 bit" if sys.maxsize > 2**32 else "32 bit"
    return Check(
        name="Python", found=f"{platform.python_implementation()} {platform.python_version()}, {bits}, {place}"
    )


def _packages() -> Iterator[Check]:
    """Yield one check of the packages that are needed, and one of the optional ones, by the program's metadata."""
    try:
        lines = importlib.metadata.requires(PROGRAM) or []
        from packaging.requirements import Requirement
    except (importlib.metadata.PackageNotFoundError, ImportError) as error:
        yield Check(name="packages", state="note", found=f"not checked: {without_home(str(error))}")
        return
    needed: list[str] = []
    optional: list[str] = []
    wrong: list[str] = []
    for one in map(Requirement, lines):
        extra = one.marker is not None and "extra" in str(one.marker)
        if extra and not any(one.marker and one.marker.evaluate({"extra": name}) for name in _EXTRAS):
            continue  # for tests
        if not extra and one.marker is not None and not one.marker.evaluate():
            continue  # for another system
        version = version_of(one.name)
        (optional if extra else needed).append(f"{one.name} {version or 'not installed'}")
        if version is not None and not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one.name} must be {one.specifier}")
        elif version is None and not extra:
            wrong.append(f"{one.name} is missing")
    yield Check(
        name="packages",
        state="wrong" if wrong else "ok",
        found=", ".join(needed),
        advice=f"{joined(wrong)}. Install the program again." if wrong else "",
    )
    if optional:
        yield Check(name="optional", found=", ".join(optional))


def _system() -> Check:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    with contextlib.suppress(OSError):
        system = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {system}"
    return Check(
        name="system", found=in_one_line(f"{system}, {count_of(core_count(), 'core')} of {os.cpu_count()}{load}"),
        figures={"cores": core_count()},
    )  # fmt: skip


def _memory() -> Check:
    memory = psutil.virtual_memory()
    is_short = memory.available < FEWEST_MEMORY
    return Check(
        name="memory", found=f"{size_in_bytes(memory.available)} free of {size_in_bytes(memory.total)}",
        state="note" if is_short else "ok", advice="Close other programs before a run." if is_short else "",
        figures={"free_bytes": memory.available, "bytes": memory.total},
    )  # fmt: skip


def _terminal() -> Check:
    parts = [f"{name}={_variable(name)}" for name in ("TERM", "COLORTERM") if name in os.environ]
    if program := _variable("TERM_PROGRAM"):
        parts.append(f"{program} {_variable('TERM_PROGRAM_VERSION')}".strip())
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
    elif columns < SMALLEST[0] or rows < SMALLEST[1]:
        advice = f"The app needs {SMALLEST[0]} columns by {SMALLEST[1]} rows: enlarge the window."
    else:
        advice = ""
    return Check(name="terminal", found=found, state="note" if advice else "ok", advice=advice, figures=figures)


def _variable(name: str) -> str:
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
    settings = [f"{name}={_variable(name)}" for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)]
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
    glyphs = "braille"
    with contextlib.suppress(RuntimeError):  # there is no folder with preferences
        glyphs = load_preferences().glyphs
    return Check(
        name="glyphs",
        found=f"{glyphs}; a sample: {GLYPHS}",
        advice="If you see boxes or question marks, use --glyphs blocks or --glyphs ascii.",
    )


def _folder(name: str, path: Path, elsewhere: str) -> Check:
    """Check that files can be written in a folder, or where it would be created. Nothing is left there."""
    parent = path
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    there = "" if parent == path else ", not created yet"
    shown = f"{without_home(str(path))}{there}"
    try:
        with tempfile.TemporaryFile(dir=parent) as file:
            file.write(b"charlstm-tui")
        free = shutil.disk_usage(parent).free
    except OSError as error:
        why = error.strerror or "it cannot be written"
        return Check(name=name, state="wrong", found=f"{shown}: cannot be written ({why})", advice=elsewhere)
    full = free < FEWEST_BYTES
    return Check(
        name=name, found=f"{shown}, writable, {size_in_bytes(free)} free", state="wrong" if full else "ok",
        advice=f"The disk is nearly full: free some space. {elsewhere}" if full else "",
        figures={"free_bytes": free},
    )  # fmt: skip


def _temporary_folder() -> Check:
    try:
        return _folder("temp folder", Path(tempfile.gettempdir()), "Name another one with TMPDIR.")
    except OSError:
        return Check(
            name="temp folder", state="wrong", found="there is no folder for temporary files that can be written",
            advice="Name one with TMPDIR.",
        )  # fmt: skip


def _moliere() -> Check:
    try:
        path = MOLIERE.path
    except _NO_FOLDER:  # reported with the data folder
        return Check(name="Molière", state="note", found="not looked for: there is no data folder")
    if not path.exists():
        return Check(
            name="Molière",
            found="not downloaded: the bundled play is the default text. `charlstm-tui corpus fetch` downloads it.",
        )
    from core.data.corpus import CorpusConfig, load_corpus

    try:
        characters = len(load_corpus(CorpusConfig(source=MOLIERE.name)))
    except UserError as error:
        return Check(
            name="Molière", state="wrong", found=without_home(str(error)),
            advice="`charlstm-tui corpus fetch` downloads it again.",
        )  # fmt: skip
    return Check(name="Molière", found=f"downloaded, {characters:,} characters, {without_home(str(path))}")


def _torchrun() -> Check:
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RESTART_COUNT",
             "TORCHELASTIC_MAX_RESTARTS")  # fmt: skip
    return Check(name="torchrun", found=", ".join(f"{name}={_variable(name)}" for name in names if name in os.environ))
