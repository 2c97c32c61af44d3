"""The folders for downloaded texts, and for caches such as encoded texts. Runs have a folder of their own."""

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from core.errors import UserError
from core.files import user_path

_PROGRAM = "charlstm-tui"


def data_folder() -> Path:
    """Return the folder that `CHARLSTM_DATA` names; if that is not set, the user's data folder for this program."""
    return _named_folder() or system_data_folder()


def cache_folder() -> Path:
    """Return the folder for files that can be computed again.

    It is `cache` in the folder that `CHARLSTM_DATA` names, or the user's cache folder for this program if that is not
    set.
    """
    if (named := _named_folder()) is not None:
        return named / "cache"
    return _of_system(platformdirs.user_cache_dir)


def config_folder() -> Path:
    """Return the folder for files that the user writes, such as keys of their own.

    It is the folder that `CHARLSTM_DATA` names, or the user's configuration folder for this program if that is not set.
    """
    return _named_folder() or _of_system(platformdirs.user_config_dir)


def system_data_folder() -> Path:
    """Return the folder that the operating system has for this program's data, regardless of `CHARLSTM_DATA`."""
    return _of_system(platformdirs.user_data_dir)


def _of_system(folder_of: Callable[..., str]) -> Path:
    """Return one of this program's folders, as the operating system names them.

    Raises:
        UserError: the user has no home folder.
    """
    try:
        return Path(folder_of(_PROGRAM, appauthor=False))
    except RuntimeError:
        raise UserError("There is no home folder. Set HOME, or CHARLSTM_DATA and CHARLSTM_RUNS.") from None


def _named_folder() -> Path | None:
    """Return the folder that `CHARLSTM_DATA` names; None if it is not set."""
    named = os.environ.get("CHARLSTM_DATA")
    return user_path(named).absolute() if named else None
