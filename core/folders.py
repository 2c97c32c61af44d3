"""The folders for downloaded texts, and for caches such as encoded texts. Runs have a folder of their own."""

import os
from pathlib import Path

import platformdirs

from core.files import user_path

_PROGRAM = "charlstm-tui"


def data_folder() -> Path:
    """Return the folder that `CHARLSTM_DATA` names, or else the user's data folder for this program."""
    if named := os.environ.get("CHARLSTM_DATA"):
        return user_path(named).absolute()
    return Path(platformdirs.user_data_dir(_PROGRAM, appauthor=False))


def cache_folder() -> Path:
    """Return the folder for files that can be computed again.

    It is `cache` in the folder that `CHARLSTM_DATA` names, or the user's cache folder for this program if that is not
    set.
    """
    if os.environ.get("CHARLSTM_DATA"):
        return data_folder() / "cache"
    return Path(platformdirs.user_cache_dir(_PROGRAM, appauthor=False))
