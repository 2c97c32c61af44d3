"""The completed epochs of the run that a checkpoint file is of, from the run's folder or from the file."""

from collections.abc import Sequence
from pathlib import Path

from core.checkpoints.training_state import history_in
from core.errors import UserError
from core.events import EpochCompleted
from core.runs.run import Run
from core.runs.summary import epochs_of


def history_of(path: Path) -> Sequence[EpochCompleted]:
    """Return the epochs of a checkpoint's run, from its folder or else from the file; empty where neither has any.

    The folder also knows the epochs after the one that the file was saved at.
    """
    run = Run(path.parent)
    if path.name in (run.best_path.name, run.last_path.name) and run.config_path.is_file():
        try:
            if epochs := epochs_of(run.events()):
                return epochs
        except UserError:  # the file itself may still know
            pass
    try:
        return history_in(path)
    except UserError:
        return ()
