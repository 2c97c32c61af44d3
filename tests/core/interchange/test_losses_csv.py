"""Losses as tables."""

import csv
from pathlib import Path

import msgspec
import pytest

from core.data.corpus import Corpus
from core.errors import UserError
from core.interchange.losses_csv import EPOCH_COLUMNS, STEP_COLUMNS, write_losses
from core.runs.run import Run, RunConfig
from core.runs.step_rows import rows_of
from core.runs.store import RunStore
from core.runs.summary import epochs_of
from core.settings.config import ModelConfig, TrainingConfig, configure
from tests.core.interchange.models import resume_run, train


@pytest.fixture
def config(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> RunConfig:
    return RunConfig(preset="quick", corpus=small_corpus.config, model=tiny_model, training=tiny_training)


@pytest.fixture
def run(store: RunStore, small_corpus: Corpus, config: RunConfig) -> Run:
    run = store.create(config, "sheep")
    train(run, small_corpus, config, [])
    return run


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_the_tables_have_the_recorded_losses(run: Run, tmp_path: Path) -> None:
    assert write_losses(run, tmp_path / "csv") == len(rows_of(run)) > 0
    epochs = table(tmp_path / "csv" / "epochs.csv")
    assert tuple(epochs[0]) == EPOCH_COLUMNS
    assert [
        (int(row["epoch"]), float(row["train_loss_nats"]), float(row["validation_loss_nats"])) for row in epochs
    ] == [(epoch.epoch, epoch.train_loss, epoch.val_loss) for epoch in epochs_of(run.events())]
    steps = table(tmp_path / "csv" / "steps.csv")
    assert tuple(steps[0]) == STEP_COLUMNS
    assert [(int(row["last_step"]), float(row["loss_nats"]), float(row["learning_rate"])) for row in steps] == [
        (row.total_steps, row.loss, row.learning_rate) for row in rows_of(run)
    ]


def test_rows_end_as_rfc_4180_says(run: Run, tmp_path: Path) -> None:
    write_losses(run, tmp_path / "csv")
    for path in (tmp_path / "csv").iterdir():
        content = path.read_bytes()
        assert content.endswith(b"\r\n")
        assert content.count(b"\n") == content.count(b"\r\n")


def test_a_loss_that_does_not_exist_is_empty(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path
) -> None:
    config = msgspec.structs.replace(config, training=configure(config.training, {"validation": 0.0}))
    run = store.create(config)
    train(run, small_corpus, config, [])
    write_losses(run, tmp_path / "csv")
    assert {row["validation_loss_nats"] for row in table(tmp_path / "csv" / "epochs.csv")} == {""}


def test_a_resumed_run_has_each_step_once(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    run = store.create(config, "sheep")
    train(run, small_corpus, config, [], stop_at=(2, 7))
    resume_run(store, run, small_corpus, [])
    write_losses(run, tmp_path / "csv")
    steps = table(tmp_path / "csv" / "steps.csv")
    numbers = [number for row in steps for number in range(int(row["first_step"]), int(row["last_step"]) + 1)]
    assert numbers == [*range(1, epochs_of(run.events())[-1].total_steps + 1)]
    assert [row["epoch"] for row in table(tmp_path / "csv" / "epochs.csv")] == ["1", "2"]


def test_a_run_recorded_without_steps_has_its_epochs(run: Run, tmp_path: Path) -> None:
    run.steps_path.unlink()
    assert write_losses(run, tmp_path / "csv") == 0
    assert len(table(tmp_path / "csv" / "epochs.csv")) == 2
    assert (tmp_path / "csv" / "steps.csv").read_text("utf-8").strip() == ",".join(STEP_COLUMNS)


def test_a_run_without_losses_is_refused(store: RunStore, config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The run sheep has no losses"):
        write_losses(store.create(config, "sheep"), tmp_path / "csv")
    assert not (tmp_path / "csv").exists()
