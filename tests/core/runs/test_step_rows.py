"""Losses by step, as rows."""

import itertools

import pytest

from core.data.corpus import Corpus
from core.errors import UserError
from core.events import Event, RateHalved, RunFinished, RunStarted, StepsCompleted
from core.runs.recorder import record
from core.runs.run import RunConfig
from core.runs.step_rows import StepRow, StepRows, rows_of
from core.runs.store import RunStore
from core.runs.summary import epochs_of
from core.settings.config import configure
from core.training.trainer import Trainer

FINISHED = RunFinished(reason="finished", epochs=0, elapsed_seconds=0.0)


def started(total_steps: int = 0, elapsed: float = 0.0) -> RunStarted:
    return RunStarted(
        parameters=1, vocabulary=2, train_characters=3, validation_characters=0, test_characters=0, epochs=9,
        steps_per_epoch=100, total_steps=total_steps, elapsed_seconds=elapsed,
    )  # fmt: skip


def reported(
    total: int, loss: float, elapsed: float, *, step: int | None = None, speed: float = 10.0
) -> StepsCompleted:
    return StepsCompleted(
        epoch=1, step=step or total, steps=100, loss=loss, recent_loss=loss, total_steps=total, chars_per_second=speed,
        elapsed_seconds=elapsed,
    )  # fmt: skip


def rows_from(*events: Event) -> list[StepRow]:
    rows = StepRows()
    return [row for event in events if (row := rows.take(event)) is not None]


def test_a_row_has_the_mean_loss_and_the_speed_of_all_its_steps() -> None:
    events = (reported(10, 1.0, 0.1), reported(40, 3.0, 0.2, speed=30.0), reported(50, 2.0, 0.6))
    (row,) = rows_from(started(), *events)
    assert (row.first_step, row.total_steps, row.elapsed_seconds) == (1, 50, 0.6)
    assert row.loss == pytest.approx((10 * 1.0 + 30 * 3.0 + 10 * 2.0) / 50)
    assert row.chars_per_second == pytest.approx(50 / (10 / 10 + 30 / 30 + 10 / 10))


def test_the_end_of_a_run_completes_a_row() -> None:
    first, last = rows_from(started(), reported(10, 1.0, 0.6), reported(12, 1.0, 0.7), FINISHED)
    assert (first.first_step, first.total_steps, last.first_step, last.total_steps) == (1, 10, 11, 12)
    assert rows_from(started(), FINISHED) == []


def test_a_resumed_run_begins_its_row_after_the_steps_that_it_had() -> None:
    (row,) = rows_from(started(total_steps=30, elapsed=7.0), reported(36, 2.0, 7.6))
    assert (row.first_step, row.total_steps, row.loss) == (31, 36, 2.0)


def test_steps_that_are_repeated_at_half_the_rate_begin_a_row_again() -> None:
    halved = RateHalved(epoch=1, step=20, rate_factor=0.5, time=1)
    again = reported(5, 2.0, 1.3, step=5)
    rows = rows_from(started(), reported(10, 1.0, 0.6), reported(20, 9.0, 0.7), halved, again)
    assert [(row.first_step, row.total_steps, row.loss) for row in rows] == [(1, 10, 1.0), (1, 5, 2.0)]


def test_a_loss_that_is_not_finite_is_none() -> None:
    (row,) = rows_from(started(), reported(10, float("nan"), 0.6))
    assert row.loss is None


def test_a_day_has_a_few_thousand_rows() -> None:
    rows = StepRows()
    rows.take(started())
    reports = (reported(step, 1.0, step * 0.25) for step in itertools.count(1))
    day = itertools.takewhile(lambda report: report.elapsed_seconds <= 86_400, reports)
    assert 2_000 < sum(rows.take(report) is not None for report in day) < 8_000


@pytest.fixture
def each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the trainer report each step, and each report complete a row."""
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("core.runs.step_rows.ROW_SECONDS", 0.0)
    monkeypatch.setattr("core.runs.step_rows.ROW_SHARE", 0.0)


def test_a_recorded_run_has_each_step_once_and_its_epochs_have_the_mean_loss_of_their_rows(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    list(record(run, Trainer(small_corpus, config.model, configure(config.training, {"epochs": 3}))))
    rows, epochs = rows_of(run), epochs_of(run.events())
    assert rows[0].first_step == 1
    assert all(row.first_step == before.total_steps + 1 for before, row in itertools.pairwise(rows))
    assert rows[-1].total_steps == epochs[-1].total_steps
    for epoch in epochs:
        mine = [(row.total_steps - row.first_step + 1, row.loss or 0.0) for row in rows if row.epoch == epoch.epoch]
        assert sum(steps * loss for steps, loss in mine) / sum(steps for steps, _ in mine) == pytest.approx(
            epoch.train_loss
        )


@pytest.mark.usefixtures("each_step")
def test_rows_of_repeated_steps_replace_the_earlier_ones_and_damaged_lines_are_skipped(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    list(record(run, Trainer(small_corpus, config.model, config.training)))
    lines = run.steps_path.read_bytes().splitlines(keepends=True)
    run.steps_path.write_bytes(b"".join([*lines[:20], b"\xff{\n", *lines[:5], b'{"epoch": 1}\n', *lines[5:8]]))
    assert [row.total_steps for row in rows_of(run)] == [*range(1, 9)]


def test_a_run_without_the_file_has_no_rows_and_one_that_cannot_be_read_is_named(
    store: RunStore, config: RunConfig
) -> None:
    run = store.create(config)
    assert rows_of(run) == []
    run.steps_path.mkdir()
    with pytest.raises(UserError, match=r"steps\.jsonl cannot be read: Is a directory"):
        rows_of(run)
