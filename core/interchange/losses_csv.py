"""The losses of a run as tables: one row for each epoch, and one for some steps.

Tables are CSV as in RFC 4180: commas, a row of names, CR LF at the end of each row, UTF-8. Losses are in nats per
character, times in seconds without pauses. A number that does not exist is empty.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.errors import UserError
from core.events import EpochCompleted
from core.interchange.new_folder import new_folder
from core.runs.run import Run
from core.runs.step_rows import StepRow, rows_of
from core.runs.summary import epochs_of
from core.text import shortened

EPOCHS, STEPS = "epochs.csv", "steps.csv"
EPOCH_COLUMNS = (
    "epoch", "total_steps", "train_loss_nats", "validation_loss_nats", "best", "epoch_seconds", "elapsed_seconds",
    "characters_per_second",
)  # fmt: skip
STEP_COLUMNS = (
    "epoch", "first_step", "last_step", "loss_nats", "learning_rate", "gradient_norm", "elapsed_seconds",
    "characters_per_second",
)  # fmt: skip

Value = int | float | None


def write_losses(run: Run, path: Path) -> int:
    """Write the tables `epochs.csv` and `steps.csv` into the new folder `path`. Return the number of rows for steps.

    That number is 0 for a run that an earlier version of the program recorded.

    Raises:
        UserError: the run has no losses or cannot be read, or the folder exists already or cannot be written.
    """
    epochs, rows = epochs_of(run.events()), rows_of(run)
    if not epochs and not rows:
        raise UserError(f"The run {shortened(run.name)} has no losses: none of its steps was recorded.")
    with new_folder(path) as folder:
        (folder / EPOCHS).write_bytes(_table(EPOCH_COLUMNS, map(_epoch_row, epochs)))
        (folder / STEPS).write_bytes(_table(STEP_COLUMNS, map(_step_row, rows)))
    return len(rows)


def _epoch_row(epoch: EpochCompleted) -> Sequence[Value]:
    return (
        epoch.epoch, epoch.total_steps or None, epoch.train_loss, epoch.val_loss, int(epoch.best), epoch.seconds,
        epoch.elapsed_seconds, epoch.chars_per_second,
    )  # fmt: skip


def _step_row(row: StepRow) -> Sequence[Value]:
    return (
        row.epoch, row.first_step, row.total_steps, row.loss, row.learning_rate, row.gradient_norm,
        row.elapsed_seconds, row.chars_per_second,
    )  # fmt: skip


def _table(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    table = io.StringIO(newline="")
    writer = csv.writer(table)  # it ends rows with CR LF, and writes None as an empty field
    writer.writerow(columns)
    writer.writerows(rows)
    return table.getvalue().encode()
