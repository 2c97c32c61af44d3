"""Runs for TensorBoard, read back with its own reader."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.data.corpus import Corpus
from core.errors import UserError
from core.events import EpochCompleted, Event, RateHalved, RunFinished, SampleDrawn, SavingFailed
from core.interchange.tensorboard import Dashboard, write_dashboard
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.step_rows import rows_of
from core.runs.store import RunStore
from core.runs.summary import epochs_of
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.training.trainer import Trainer
from tests.core.interchange.models import resume_run, train

accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.plugin_event_accumulator", reason="the extra `tensorboard` is not installed"
)


@pytest.fixture
def config(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> RunConfig:
    training = configure(tiny_training, {"epochs": 3, "sample_length": 20})
    return RunConfig(preset="quick", corpus=small_corpus.config, model=tiny_model, training=training)


@pytest.fixture
def run(store: RunStore, config: RunConfig) -> Run:
    return store.create(config, "sheep")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "boards" / "sheep"


@pytest.fixture
def each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the trainer report each step, and each report complete a row."""
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    monkeypatch.setattr("core.runs.step_rows.ROW_SECONDS", 0.0)
    monkeypatch.setattr("core.runs.step_rows.ROW_SHARE", 0.0)


class Board:
    """What TensorBoard's server reads in a folder; numbers and texts are tensors there."""

    def __init__(self, folder: Path) -> None:
        self._read: Any = accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0})
        self._read.Reload()

    def curve(self, tag: str) -> list[tuple[int, float]]:
        return [(point.step, point.tensor_proto.float_val[0]) for point in self._read.Tensors(tag)]

    def texts(self, tag: str) -> list[tuple[int, str]]:
        return [(each.step, each.tensor_proto.string_val[0].decode()) for each in self._read.Tensors(tag)]

    def times(self, tag: str) -> list[float]:
        return [point.wall_time for point in self._read.Tensors(tag)]

    @property
    def tags(self) -> set[str]:
        return {*self._read.Tags()["tensors"]}


def about(curve: list[tuple[int, float | None]]) -> Any:
    """Return a curve to compare with one of single precision."""
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in curve]


def check_that_it_shows(run: Run, board: Board) -> None:
    """Check that the curves are those that were recorded."""
    epochs, rows = epochs_of(run.events()), rows_of(run)
    assert board.curve("loss/steps") == about([(row.total_steps, row.loss) for row in rows])
    assert board.curve("learning_rate") == about([(row.total_steps, row.learning_rate) for row in rows])
    assert board.curve("gradient_norm") == about([(row.total_steps, row.gradient_norm) for row in rows])
    assert board.curve("loss/epoch") == about([(epoch.total_steps, epoch.train_loss) for epoch in epochs])
    assert board.curve("loss/validation") == about([(epoch.total_steps, epoch.val_loss) for epoch in epochs])


@pytest.mark.usefixtures("each_step")
def test_the_curves_are_the_recorded_losses(run: Run, small_corpus: Corpus, config: RunConfig, folder: Path) -> None:
    train(run, small_corpus, config, [Dashboard(folder, config)])
    board = Board(folder)
    check_that_it_shows(run, board)
    assert len(board.curve("loss/steps")) == epochs_of(run.events())[-1].total_steps


def test_samples_and_settings_are_texts(run: Run, small_corpus: Corpus, config: RunConfig, folder: Path) -> None:
    events = train(run, small_corpus, config, [Dashboard(folder, config)])
    board = Board(folder)
    assert len(board.texts("sample")) == 4
    drawn = [(event.total_steps, event.text) for event in events if isinstance(event, SampleDrawn)]
    assert [(step, text.replace("    ", "")) for step, text in board.texts("sample")] == drawn
    ((_, settings),) = board.texts("settings")
    for line in ("| text | moutons |", "| hidden_size | 8 |", "| learning_rate | 0.01 |", "| preset | quick |"):
        assert line in settings.splitlines()
    assert "_hparams_/session_start_info" in board.tags


@pytest.mark.usefixtures("each_step")
def test_a_resumed_run_appends_without_a_step_twice(
    store: RunStore, run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    train(run, small_corpus, config, [Dashboard(folder, config)], stop_at=(2, 7))
    resume_run(store, run, small_corpus, [Dashboard(folder, config)])
    assert len([*folder.iterdir()]) == 2
    check_that_it_shows(run, Board(folder))


@pytest.mark.usefixtures("each_step")
def test_what_a_killed_process_wrote_after_its_last_save_is_replaced(
    store: RunStore, run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    """The run is resumed from a save in its second epoch, after all of the third was on the dashboard."""
    train(run, small_corpus, config, [Dashboard(folder, config)], stop_at=(2, 7))
    saved = run.last_path.read_bytes()
    resume_run(store, run, small_corpus, [Dashboard(folder, config)])
    run.last_path.write_bytes(saved)
    (last,) = sorted(folder.iterdir())[1:]
    last.write_bytes(last.read_bytes()[:-9])  # it was killed while it wrote
    resume_run(store, run, small_corpus, [Dashboard(folder, config)])
    board = Board(folder)
    check_that_it_shows(run, board)
    resumed_after = epochs_of(run.events())[0].total_steps + 7
    assert [step for step, _ in board.texts("settings")] == [0, resumed_after + 1]


@pytest.mark.usefixtures("each_step")
def test_an_epoch_that_is_validated_a_second_time_is_shown_once(
    store: RunStore, run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    train(run, small_corpus, config, [Dashboard(folder, config)], stop_at=(2, 0))
    before_validation = run.last_path.read_bytes()
    resume_run(store, run, small_corpus, [Dashboard(folder, config)])
    run.last_path.write_bytes(before_validation)  # as if it was killed before the next save
    resume_run(store, run, small_corpus, [Dashboard(folder, config)])
    board = Board(folder)
    epochs = epochs_of(run.events())
    assert [step for step, _ in board.curve("loss/epoch")] == [epoch.total_steps for epoch in epochs]
    assert [step for step, _ in board.texts("settings")] == [0, epochs[1].total_steps]


def test_a_run_that_is_resumed_with_its_first_dashboard_has_its_earlier_epochs(
    store: RunStore, run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    train(run, small_corpus, config, [])
    resume_run(store, run, small_corpus, [Dashboard(folder, config)], epochs=5)
    assert len(Board(folder).curve("loss/validation")) == 5


@pytest.mark.usefixtures("each_step")
def test_a_new_run_of_the_same_name_replaces_the_earlier_one(
    store: RunStore, run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    train(run, small_corpus, config, [Dashboard(folder, config)])
    store.delete(run.name)
    again = store.create(config, run.name)
    train(again, small_corpus, config, [Dashboard(folder, config)], stop_at=(2, 7))
    board = Board(folder)
    check_that_it_shows(again, board)
    assert len(board.curve("loss/epoch")) == 1
    assert len(board.texts("settings")) == 1


@pytest.mark.usefixtures("each_step")
def test_steps_that_are_repeated_at_half_the_rate_replace_the_earlier_ones(
    run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    training = configure(config.training, {"learning_rate": 10.0, "gradient_clip": 0.0, "seed": 1})
    events = list(record(run, Trainer(small_corpus, config.model, training), listeners=[Dashboard(folder, config)]))
    assert any(isinstance(event, RateHalved) for event in events)
    steps = [step for step, _ in Board(folder).curve("loss/steps")]
    assert steps == sorted(set(steps))
    assert steps == [row.total_steps for row in rows_of(run)]
    assert isinstance(events[-1], RunFinished)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.interchange.event_file.RETRY_SECONDS", 0.0)


@pytest.mark.usefixtures("quick_retries")
def test_a_disk_error_is_reported_once_and_what_waits_is_written_later(
    run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    folder.parent.mkdir()
    folder.write_bytes(b"a file in place of the folder")
    events = []
    trainer = Trainer(small_corpus, config.model, config.training)
    for event in record(run, trainer, listeners=[Dashboard(folder, config)]):
        events.append(event)
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            folder.unlink()
    (failed,) = [event for event in events if isinstance(event, SavingFailed)]
    assert (failed.path, failed.why) == (str(folder), "File exists")
    assert isinstance(events[-1], RunFinished)
    assert (events[-1].reason, events[-1].unsaved) == ("finished", "")
    check_that_it_shows(run, Board(folder))


@pytest.mark.usefixtures("quick_retries")
def test_a_folder_that_is_removed_is_made_again(
    run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    for event in record(
        run, Trainer(small_corpus, config.model, config.training), listeners=[Dashboard(folder, config)]
    ):
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            shutil.rmtree(folder)
    assert [step for step, _ in Board(folder).curve("loss/epoch")] == [epochs_of(run.events())[-1].total_steps]


def test_a_disk_that_stays_full_does_not_end_the_training(
    run: Run, small_corpus: Corpus, config: RunConfig, folder: Path
) -> None:
    folder.parent.mkdir()
    folder.write_bytes(b"a file in place of the folder")
    events = train(run, small_corpus, config, [Dashboard(folder, config)])
    assert len([event for event in events if isinstance(event, SavingFailed)]) == 1
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "finished"


@pytest.mark.usefixtures("each_step")
def test_an_export_shows_what_the_training_would_have(
    run: Run, small_corpus: Corpus, config: RunConfig, folder: Path, tmp_path: Path
) -> None:
    train(run, small_corpus, config, [Dashboard(folder, config)])
    write_dashboard(run, tmp_path / "later")
    live, later = Board(folder), Board(tmp_path / "later")
    assert later.tags == live.tags
    for tag in ("loss/steps", "loss/epoch", "loss/validation", "learning_rate", "characters_per_second"):
        assert later.curve(tag) == live.curve(tag)
    assert later.texts("sample") == live.texts("sample")
    assert later.texts("settings") == live.texts("settings")


def test_an_export_has_the_times_of_the_training(
    run: Run, small_corpus: Corpus, config: RunConfig, tmp_path: Path
) -> None:
    train(run, small_corpus, config, [])
    write_dashboard(run, tmp_path / "later")
    created = run.config().created
    assert created is not None
    assert Board(tmp_path / "later").times("loss/epoch") == pytest.approx([
        created.timestamp() + epoch.elapsed_seconds for epoch in epochs_of(run.events())
    ])  # fmt: skip


def test_an_export_of_a_resumed_run_has_each_step_and_sample_once(
    store: RunStore, run: Run, small_corpus: Corpus, config: RunConfig, tmp_path: Path
) -> None:
    train(run, small_corpus, config, [], stop_at=(2, 0))
    saved = run.last_path.read_bytes()
    resume_run(store, run, small_corpus, [], epochs=4)
    run.last_path.write_bytes(saved)
    resume_run(store, run, small_corpus, [], epochs=4)
    write_dashboard(run, tmp_path / "later")
    board = Board(tmp_path / "later")
    check_that_it_shows(run, board)
    steps = [step for step, _ in board.texts("sample")]
    assert steps == sorted(set(steps))


def test_an_export_of_an_old_run_places_its_epochs_by_their_number(
    run: Run, small_corpus: Corpus, config: RunConfig, tmp_path: Path
) -> None:
    train(run, small_corpus, config, [])
    run.steps_path.unlink()
    lines = [line.replace(b'"total_steps":', b'"formerly":') for line in run.metrics_path.read_bytes().splitlines()]
    run.metrics_path.write_bytes(b"\n".join(line for line in lines if b"sample_drawn" not in line))
    write_dashboard(run, tmp_path / "later")
    steps = [step for step, _ in Board(tmp_path / "later").curve("loss/epoch")]
    assert steps == [steps[0], 2 * steps[0], 3 * steps[0]]
    assert steps[0] > 0


def test_a_run_without_losses_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The run sheep has no losses"):
        write_dashboard(run, tmp_path / "later")
    assert not (tmp_path / "later").exists()


def test_an_export_that_cannot_be_written_is_not_there_at_all(
    run: Run, small_corpus: Corpus, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(run, small_corpus, config, [])

    def refuse(folder: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = {*tmp_path.iterdir()}
    monkeypatch.setattr("core.interchange.event_file.EventFile._append", refuse)
    with pytest.raises(UserError, match="later cannot be written: No space left on device"):
        write_dashboard(run, tmp_path / "later")
    assert {*tmp_path.iterdir()} == before


def test_without_the_package_a_sentence_names_the_extra(
    config: RunConfig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'charlstm-tui\[tensorboard\]'"):
        Dashboard(folder, config)


def test_odd_characters_and_markdown_in_a_sample_are_shown_as_they_are(config: RunConfig, folder: Path) -> None:
    def take(event: Event) -> Iterator[SavingFailed]:
        return dashboard.take(event)

    dashboard = Dashboard(folder, config)
    text = "# <b>x</b>\n```\n\x1b[31m\ud800 é"
    assert list(take(SampleDrawn(epoch=0, total_steps=1, prompt="", text=text))) == []
    ((_, shown),) = Board(folder).texts("sample")
    assert shown.split("\n") == ["    # <b>x</b>", "    ```", "    \x1b[31m? é"]
