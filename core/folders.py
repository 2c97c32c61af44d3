"""Where things are kept that are not a run: texts that were fetched, and texts that were encoded."""

import os
from pathlib import Path

import platformdirs

from core.files import user_path

_PROGRAM = "charlstm-tui"


def data_folder() -> Path:
    """Return the user's data folder for this program, or what `CHARLSTM_DATA` names."""
    if named := os.environ.get("CHARLSTM_DATA"):
        return user_path(named).absolute()
    return Path(platformdirs.user_data_dir(_PROGRAM, appauthor=False))


def cache_folder() -> Path:
    """Return the folder for what can be made again: the system's own, or `cache` in what `CHARLSTM_DATA` names."""
    if os.environ.get("CHARLSTM_DATA"):
        return data_folder() / "cache"
    return Path(platformdirs.user_cache_dir(_PROGRAM, appauthor=False))
