"""Paths as people type them, and files whose name holds, whatever happens, the old content or the new one, whole."""

import contextlib
import os
import tempfile
from pathlib import Path

from core.errors import UserError
from core.text import shortened


def user_path(typed: str) -> Path:
    """Return the path that a person typed, where a leading ~ is a home folder.

    Raises:
        UserError: there is no such user, or the path is not text and so cannot be noted in a file.
    """
    shown = shortened(typed)
    try:
        path = Path(typed).expanduser()
        str(path).encode()
    except RuntimeError:
        raise UserError(f"{shown} begins with the name of a user who is not there. Give the whole path.") from None
    except UnicodeEncodeError:
        raise UserError(f"{shown} has a name that is not UTF-8. Rename it.") from None
    return path


def here() -> Path:
    """Return the folder that the program works in, or the user's own where that one is gone."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def is_file(path: Path) -> bool:
    """Tell whether there is such a file.

    Raises:
        UserError: the folder that it would be in may not be read.
    """
    try:
        return path.is_file()
    except PermissionError as error:
        raise UserError(f"{shortened(path)} cannot be read: {error.strerror}.") from None
    except (OSError, ValueError):  # a name too long for a file, or with a NUL in it
        return False


def new_file(typed: str) -> Path:
    """Return the path of a file to be made.

    Raises:
        UserError: nothing was typed, it is there already, its folder is not, or no file can be called so.
    """
    if not typed.strip():
        raise UserError("No file was named.")
    path = here() / user_path(typed)
    try:
        there, folder_there = path.exists(), path.parent.is_dir()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{shortened(path)} cannot be written: {why}.") from None
    if there:
        raise UserError(f"{shortened(path)} is there already. Save under another name.")
    if not folder_there:
        raise UserError(f"There is no folder {shortened(path.parent)}.")
    return path


def write_atomically(path: Path, *content: bytes | memoryview) -> None:
    """Put the pieces of `content` under `path`: written beside it, flushed to the disk, then renamed over it.

    Raises:
        UserError: the folder cannot be written to, or is full. What was under the name is still there.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(descriptor)
        Path(name).unlink()  # made anew with the rights of any file: mkstemp's hide it from others
        replace_with(path, Path(name), *content)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from None


def replace_with(path: Path, temporary: Path, *content: bytes | memoryview) -> None:
    """Put the pieces of `content` under `path` by way of `temporary`, a name beside it that nobody else uses.

    Raises:
        OSError: it cannot be written. What was under the name is still there.
    """
    try:
        with temporary.open("wb") as file:
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle for a folder to flush
        return
    with contextlib.suppress(OSError):  # the file is there; some file systems cannot flush a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
