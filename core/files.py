"""Paths that users type, and atomic writing: a file has either its old or its new content, never a part of it."""

import contextlib
import os
import secrets
import sys
import time
from pathlib import Path

from core.errors import UserError
from core.text import shortened

BUSY_SECONDS = 2.0
"""How long to try again, on Windows, to replace a file that another program has open."""
_RETRY_SECONDS = 0.05


def user_path(typed: str) -> Path:
    """Return the path that was typed, with a leading ~ replaced by the home folder.

    Raises:
        UserError: there is no such user, the path has a NUL in it, or it cannot be encoded as UTF-8, so that it could
            not be saved in a file.
    """
    shown = shortened(typed)
    if "\0" in typed:
        raise UserError(f"{shown} is not the name of a file: there is a NUL character in it.")
    try:
        path = Path(typed).expanduser()
        str(path).encode()
    except RuntimeError:
        raise UserError(f"{shown} begins with the name of a user who is not there. Give the whole path.") from None
    except UnicodeEncodeError:
        raise UserError(f"{shown} has a name that is not UTF-8. Rename it.") from None
    return path


def here() -> Path:
    """Return the working folder, or the user's home folder if the working folder was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def is_file(path: Path) -> bool:
    """Return whether the path is a file.

    Raises:
        UserError: its folder may not be read.
    """
    try:
        return path.is_file()
    except PermissionError as error:
        raise UserError(f"{shortened(path)} cannot be read: {error.strerror}.") from None
    except OSError:  # a name too long for a file
        return False


def new_file(typed: str) -> Path:
    """Return the path of a file to be created.

    Raises:
        UserError: nothing was typed, the file exists already, its folder does not exist, or the name is not possible.
    """
    if not typed.strip():
        raise UserError("No file was named.")
    path = here() / user_path(typed)
    try:
        exists, folder_exists = path.exists(), path.parent.is_dir()
    except OSError as error:
        raise UserError(f"{shortened(path)} cannot be written: {error.strerror or error}.") from None
    if exists:
        raise UserError(f"{shortened(path)} exists already. Save under another name.")
    if not folder_exists:
        raise UserError(f"There is no folder {shortened(path.parent)}.")
    return path


def write_atomically(path: Path, *content: bytes | memoryview) -> None:
    """Write `content` to `path` atomically: to a temporary file in the same folder, which is flushed and then renamed.

    Raises:
        UserError: the folder cannot be written to, or the disk is full. The old file is unchanged.
    """
    try:
        replace_with(path, unused_name(path.parent, f".{path.name}."), *content)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from None


def unused_name(folder: Path, prefix: str = "") -> Path:
    """Return the path of a temporary file to be created in a folder. It begins with `prefix` and ends with ".tmp".

    Python's `tempfile` is not used: on Windows it tries for ever in a folder that cannot be written to
    (https://github.com/python/cpython/issues/66305), and its files are for the owner only.
    """
    return folder / f"{prefix}{secrets.token_hex(4)}.tmp"


def replace_with(path: Path, temporary: Path, *content: bytes | memoryview) -> None:
    """Write `content` to `path` atomically, by way of `temporary`: an unused name in the same folder.

    Raises:
        OSError: the file cannot be written. The old file is unchanged.
    """
    try:
        with temporary.open("wb") as file:
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        move_over(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def move_over(temporary: Path, path: Path) -> None:
    """Give a file the name `path`, in place of the old file of that name.

    Windows refuses it while any program has the old file open, also one that only reads it, such as a virus scanner.
    There it is tried again for `BUSY_SECONDS`.

    Raises:
        OSError: the file cannot be moved. Both files are unchanged.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() >= until:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":  # it has no way to flush a folder
        return
    with contextlib.suppress(OSError):  # the file is in place; some file systems cannot flush a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
