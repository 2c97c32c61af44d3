"""The user's folders for this program: for data, and for what can be made again."""

import os
from pathlib import Path

import platformdirs

from core.files import user_path

_PROGRAM = "charlstm-tui"


def data_folder() -> Path:
    """Return the folder for texts that were fetched and for preferences: the system's own, or `CHARLSTM_DATA`."""
    return _named_folder() or system_data_folder()


def cache_folder() -> Path:
    """Return the folder for what can be made again: the system's own, or `cache` in what `CHARLSTM_DATA` names."""
    if (named := _named_folder()) is not None:
        return named / "cache"
    return Path(platformdirs.user_cache_dir(_PROGRAM, appauthor=False))


def system_data_folder() -> Path:
    """Return the folder that the operating system has for this program's data, whatever `CHARLSTM_DATA` says."""
    return Path(platformdirs.user_data_dir(_PROGRAM, appauthor=False))


def _named_folder() -> Path | None:
    """Return the folder that `CHARLSTM_DATA` names; None where it names none."""
    named = os.environ.get("CHARLSTM_DATA")
    return user_path(named).absolute() if named else None
