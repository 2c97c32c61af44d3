"""Losses by step, for tables and dashboards: one row for all steps of half a second, or of longer in a long run.

A trainer reports up to ten times a second, which would be 200 MB in a day. These rows are at most 2 MB.
"""

import math

import msgspec
from msgspec import Struct

from core.events import EpochCompleted, Event, RateHalved, RunFinished, RunStarted, StepsCompleted
from core.runs.json_lines import read_json_lines
from core.runs.run import Run

ROW_SECONDS = 0.5
"""Minimum duration of a row's steps, unless the epoch ends before."""
ROW_SHARE = 0.001
"""Minimum duration of a row's steps, as a share of the duration of the run so far."""


class StepRow(Struct, frozen=True, kw_only=True):
    """Consecutive steps of one epoch. Steps are counted from 1 over the whole run."""

    epoch: int
    first_step: int
    total_steps: int
    """Number of the last of these steps."""
    loss: float | None
    """Mean loss over the windows of these steps, in nats per character; None if it is not finite."""
    learning_rate: float | None
    """Learning rate of the last step."""
    gradient_norm: float | None
    """Gradient norm of the last step, before clipping."""
    chars_per_second: float
    elapsed_seconds: float
    """Duration of the run, without pauses."""


class StepRows:
    """Combines the reports of a run on its steps to rows."""

    def __init__(self) -> None:
        self._row_at = 0.0  # duration of the run at the end of the last row
        self._begin(0)

    def take(self, event: Event) -> StepRow | None:
        """Take any event of the run; return a row if one is complete now."""
        match event:
            case RunStarted():
                self._row_at = event.elapsed_seconds
                self._begin(event.total_steps)
            case StepsCompleted():
                return self._add(event)
            case RateHalved():  # the run has returned to the start of the epoch
                self._begin(None)
            case EpochCompleted() | RunFinished():
                return self._complete()
        return None

    def _begin(self, steps: int | None) -> None:
        """Begin a row after that many steps of the run; None if the next report tells where its epoch began."""
        self._before = self._last = steps
        self._loss = self._time = 0.0  # sums over the steps of this row; the time in units of characters per step
        self._report: StepsCompleted | None = None

    def _add(self, report: StepsCompleted) -> StepRow | None:
        if self._last is None:
            self._before = self._last = report.total_steps - report.step
        taken = report.total_steps - self._last
        self._last, self._report = report.total_steps, report
        self._loss += report.recent_loss * taken
        self._time += taken / max(report.chars_per_second, 1e-9)
        is_due = report.elapsed_seconds - self._row_at >= max(ROW_SECONDS, ROW_SHARE * report.elapsed_seconds)
        return self._complete() if is_due else None

    def _complete(self) -> StepRow | None:
        """Return the row of the steps since the last one; None if there are none."""
        report, before, last = self._report, self._before, self._last
        if report is None or before is None or last is None or last <= before:
            return None
        row = StepRow(
            epoch=report.epoch,
            first_step=before + 1,
            total_steps=last,
            loss=_finite(self._loss / (last - before)),
            learning_rate=report.learning_rate,
            gradient_norm=_finite(report.gradient_norm),
            chars_per_second=(last - before) / self._time,
            elapsed_seconds=report.elapsed_seconds,
        )
        self._row_at = report.elapsed_seconds
        self._begin(last)
        return row


def rows_of(run: Run) -> list[StepRow]:
    """Read the rows of a run, in the order of their steps; empty if the run was recorded before there were rows.

    Of steps that were repeated after the run was resumed, or at half the learning rate, only the later ones are
    returned. Damaged lines are skipped.

    Raises:
        UserError: the file exists but cannot be read.
    """
    rows: list[StepRow] = []
    for row in read_json_lines(run.steps_path, msgspec.json.Decoder(StepRow).decode):
        while rows and rows[-1].total_steps >= row.first_step:
            rows.pop()
        rows.append(row)
    return rows


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
