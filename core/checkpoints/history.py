"""The completed epochs of a checkpoint's run, from the run's folder or from the file itself."""

from collections.abc import Sequence
from pathlib import Path

from core.checkpoints.training_state import history_in
from core.errors import UserError
from core.events import EpochCompleted
from core.runs.run import Run
from core.runs.summary import epochs_of


def history_of(path: Path) -> Sequence[EpochCompleted]:
    """Return the completed epochs of a checkpoint's run; empty if they are unknown.

    They are read from the run's folder, which also has the epochs after the file was saved, or else from the file.
    """
    run = Run(path.parent)
    if path.name in (run.best_path.name, run.last_path.name) and run.config_path.is_file():
        try:
            if epochs := epochs_of(run.events()):
                return epochs
        except UserError:  # the file itself may have them
            pass
    try:
        return history_in(path)
    except UserError:
        return ()
