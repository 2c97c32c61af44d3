"""The checks of `charlstm-tui doctor` that need no PyTorch: versions, system, terminal, encoding, folders, texts.

Nothing of the user's is shown: no text, no host or user name, no value that may hold a password. The home folder is ~.
"""

import contextlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from charlstm_tui.commands.doctor_result import Check, without_home
from charlstm_tui.commands.doctor_terminal import terminal_checks, variable
from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.formatting.versions import PROGRAM, version_of
from core.cores import available_cores
from core.data.known_texts import MOLIERE
from core.errors import UserError
from core.folders import cache_folder, data_folder
from core.runs.store import RunStore
from core.text import count_of, in_one_line, joined

MIN_FREE_BYTES = 200_000_000
"""Free space below which a disk counts as full: a run of the preset `best` writes as much."""
MIN_FREE_MEMORY = 500_000_000
"""Free memory in bytes below which a run may fail."""
_EXTRAS = ("web", "postgresql", "onnx", "tensorboard")


def light_checks(store: RunStore) -> Iterator[Check]:
    """Yield the checks that need no PyTorch."""
    yield _program()
    yield _python()
    yield from _packages()
    yield _system()
    yield _memory()
    yield from terminal_checks()
    yield _folder("runs folder", store.root, "Name another one with --runs or CHARLSTM_RUNS.")
    for name, find in (("data folder", data_folder), ("cache folder", cache_folder)):
        try:
            yield _folder(name, find(), "Name another one with CHARLSTM_DATA.")
        except UserError as error:
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
        name="system", found=in_one_line(f"{system}, {count_of(available_cores(), 'core')} of {os.cpu_count()}{load}"),
        figures={"cores": available_cores()},
    )  # fmt: skip


def _memory() -> Check:
    memory = psutil.virtual_memory()
    is_short = memory.available < MIN_FREE_MEMORY
    return Check(
        name="memory", found=f"{size_in_bytes(memory.available)} free of {size_in_bytes(memory.total)}",
        state="note" if is_short else "ok", advice="Close other programs before a run." if is_short else "",
        figures={"free_bytes": memory.available, "bytes": memory.total},
    )  # fmt: skip


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
    full = free < MIN_FREE_BYTES
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
    except UserError:  # reported with the data folder
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
    return Check(name="torchrun", found=", ".join(f"{name}={variable(name)}" for name in names if name in os.environ))
