"""The model that a run began with, read again to restart the run or to compare it with what became of it."""

from pathlib import Path

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.errors import UserError
from core.runs import bundled_model
from core.runs.origin import sha256_of
from core.runs.run import Origin
from core.text import in_one_line


def load_origin(origin: Origin) -> Checkpoint:
    """Read the model that a run began with.

    Raises:
        UserError: the file is missing, or has changed since.
    """
    shipped = bundled_model.shipped_path()
    path = shipped if origin.name == bundled_model.NAME and shipped is not None else Path(origin.path)
    name = in_one_line(origin.name)
    if not path.is_file():
        raise UserError(f"The model {name} that this run began with is no longer at {in_one_line(str(path))}.")
    if sha256_of(path) != origin.sha256:
        raise UserError(f"The model {name} has changed since this run began with it.")
    return load_checkpoint(path)
