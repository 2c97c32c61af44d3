"""Exporting a run's model, or the whole run, to a file."""

from pathlib import Path

from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.file_format import opened
from core.errors import UserError
from core.files import write_atomically
from core.runs.run import Run
from core.text import shortened


def export_weights(source: Path, path: Path, *, half: bool = False) -> None:
    """Write only the weights of a checkpoint: enough to evaluate the model and to generate.

    Raises:
        UserError: the checkpoint is damaged, or the file cannot be written.
    """
    load_checkpoint(source).save(path, half=half)


def export_run(source: Path, path: Path) -> None:
    """Write a copy of a checkpoint from which the run can be resumed.

    Raises:
        UserError: the checkpoint does not exist, is damaged or contains only weights, or the file cannot be written.
    """
    run = Run(source.absolute().parent)
    if not source.exists() and run.best_path.exists():  # as in an imported run
        raise UserError(f"{shortened(run.name)} has a model, but no training state to resume. Use --weights.")
    with opened(source) as file:
        if file.header.progress is None:
            raise UserError(f"{file.shown} contains only a model's weights. Use --weights.")
    try:
        content = source.read_bytes()
    except OSError as error:
        raise UserError(f"{shortened(source)} cannot be read: {error.strerror or error}.") from None
    write_atomically(path, content)
