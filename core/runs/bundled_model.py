"""The model that comes with the program: used to generate and to evaluate before anything was trained."""

from pathlib import Path

import core

NAME = "moliere"
"""What it is called wherever a run's name or a file may stand; no new run may have it."""
_FILE = f"{NAME}.safetensors"


def shipped_path() -> Path | None:
    """Return the model's file: beside the engine where it is installed, in `checkpoints/` in a checkout; else None."""
    package = Path(core.__file__).parent
    for path in (package / "models" / _FILE, package.parent / "checkpoints" / _FILE):
        if path.is_file():
            return path
    return None
