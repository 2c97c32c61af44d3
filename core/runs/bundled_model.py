"""The bundled model: it generates and can be evaluated before the user has trained one."""

from pathlib import Path

import core

NAME = "moliere"
"""Name that stands for the model wherever a run or a file is named; no new run may have it."""
_FILE = f"{NAME}.safetensors"


def shipped_path() -> Path | None:
    """Return the model's file: in the installed package, or in `checkpoints/` of a source checkout; None if missing."""
    package = Path(core.__file__).parent
    for path in (package / "models" / _FILE, package.parent / "checkpoints" / _FILE):
        if path.is_file():
            return path
    return None
