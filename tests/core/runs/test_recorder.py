import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError
from core.events import CheckpointSaved, EpochCompleted, Event, RunFinished, SavingFailed, StepsCompleted
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise
from core.settings.config import configure
from core.training.trainer import Trainer
from tests.waiting import DEADLINE, wait_until


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("core.runs.checkpoint_writer", "core.runs.metrics_log", "core.runs.recorder"):
        monkeypatch.setattr(f"{module}.RETRY_SECONDS", 0.05)


def trainer_of(config: RunConfig, corpus: Corpus, **changes: object) -> Trainer:
    return Trainer(corpus, config.model, configure(config.training, changes))


def test_a_long_epoch_is_saved_while_it_runs(
    store: RunStore, small_corpus: Corpus, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.trainer.REPORT_SECONDS", 0.0)
    written: list[Path] = []
    write = core_replace()

    def noting(path: Path, *rest: object) -> None:
        write(path, *rest)
        written.append(path)

    monkeypatch.setattr("core.runs.recorder.replace_with", noting)
    run = store.create(config)
    steps = []
    for event in record(run, trainer_of(config, small_corpus), autosave=0.0):
        if isinstance(event, StepsCompleted) and event.epoch == 1 and event.step <= 9:
            before = len(written)
            wait_until(lambda: len(written) > before)  # noqa: B023 (waited for here)
        if isinstance(event, CheckpointSaved) and event.epoch == 0:
            steps.append(load_snapshot(run.last_path).now.counters.steps)
    assert len(steps) > 2
    assert steps == sorted(steps)


def test_temporary_files_of_a_killed_process_are_deleted(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    (run.path / ".last.safetensors.tmp").write_bytes(b"half of it")
    list(record(run, trainer_of(config, small_corpus)))
    assert sorted(path.name for path in run.path.iterdir()) == [
        ".lock", "best.safetensors", "config.json", "last.safetensors", "metrics.jsonl", "steps.jsonl",
    ]  # fmt: skip


def test_a_run_that_another_process_trains_is_refused(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config)
    code = (
        "import sys, time; from pathlib import Path; from core.runs.run import Run\n"
        "with Run(Path(sys.argv[1])).locked(): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, run.path], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert summarise(run).state == "running"
        with pytest.raises(UserError, match="is being trained by another process"):
            list(record(run, trainer_of(config, small_corpus)))
        with pytest.raises(UserError, match="is being trained by another process"):
            store.delete(run.name)
        with pytest.raises(UserError, match="is being trained by another process"):
            store.rename(run.name, "other")
    finally:
        other.kill()
        other.communicate()
    assert summarise(run).state == "interrupted", "a dead process holds no lock"
    *_, last = record(Run(run.path), trainer_of(config, small_corpus))
    assert isinstance(last, RunFinished)
    assert last.reason == "finished"


def run_with_trouble(
    run: Run, trainer: Trainer, begin: Callable[[], None], end: Callable[[], None], *, autosave: float = 0.05
) -> list[Event]:
    """Record a run of many epochs in which writing fails from the second epoch to a while after the warning."""
    events: list[Event] = []
    control = Control()
    warned = 0
    for event in record(run, trainer, control, autosave=autosave):
        events.append(event)
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            begin()
        if isinstance(event, SavingFailed):
            warned = len(epochs_of(events))
        if isinstance(event, EpochCompleted) and warned and event.epoch == warned + 5:
            end()
            warned = 10**9
            mended = event.epoch
        if isinstance(event, CheckpointSaved) and warned == 10**9 and event.epoch > mended:
            control.stop()
    return events


def take_away(run: Run) -> None:
    """Remove a run's folder in one step, even during a save."""
    shutil.rmtree(run.path.rename(run.path.with_name("taken away")))


@pytest.mark.usefixtures("quick_retries")
def test_a_missing_folder_is_reported_once_and_everything_is_written_when_it_is_back(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    trainer = trainer_of(config, small_corpus, epochs=100_000)
    events = run_with_trouble(run, trainer, lambda: take_away(run), run.path.mkdir)
    (failed,) = [event for event in events if isinstance(event, SavingFailed)]
    assert failed.why == "No such file or directory"
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.reason, last.unsaved) == ("stopped", "")
    assert run.config() is not None
    assert load_snapshot(run.last_path).now.counters.epochs == last.epochs
    assert [epoch.epoch for epoch in load_snapshot(run.last_path).history] == list(range(1, last.epochs + 1))


@pytest.mark.usefixtures("quick_retries")
def test_a_folder_that_stays_missing_is_reported_at_the_end(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    events: list[Event] = []
    for event in record(run, trainer_of(config, small_corpus, epochs=10)):
        events.append(event)
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            take_away(run)
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.reason, last.epochs, last.last_checkpoint) == ("finished", 10, None)
    assert "No such file or directory" in last.unsaved
    for name in ("best.safetensors", "last.safetensors", "metrics.jsonl"):
        assert name in last.unsaved


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Folder on a file system of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name == "nt" or shutil.which("mount") is None:
        pytest.skip("no small file system can be made here")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no small file system can be made here: mounting one needs administrator rights")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> threading.Lock:
    """Lock that is held while a checkpoint is written."""
    lock = threading.Lock()
    write = core_replace()

    def locked(*arguments: object) -> None:
        with lock:
            write(*arguments)

    monkeypatch.setattr("core.runs.recorder.replace_with", locked)
    return lock


def fill(disk: Path, writing: threading.Lock, run: Run) -> bytes:
    """Fill a disk between two saves; return the content of its last checkpoint."""
    wait_until(run.last_path.exists)
    with writing, (disk / "filling").open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(b"x" * 512):
                pass
        return run.last_path.read_bytes()


@pytest.mark.usefixtures("quick_retries")
def test_a_full_disk_is_reported_once_and_the_last_good_file_stays(
    small_disk: Path, small_corpus: Corpus, config: RunConfig, writing: threading.Lock
) -> None:
    run = RunStore(small_disk).create(config)
    kept: list[bytes] = []

    def clear() -> None:
        assert run.last_path.read_bytes() == kept[0], "the last good file"
        assert load_snapshot(run.last_path).now.counters.epochs <= 2
        (small_disk / "filling").unlink()

    trainer = trainer_of(config, small_corpus, epochs=100_000)
    events = run_with_trouble(run, trainer, lambda: kept.append(fill(small_disk, writing, run)), clear)
    (failed,) = [event for event in events if isinstance(event, SavingFailed)]
    assert failed.why == "No space left on device"
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.reason, last.unsaved) == ("stopped", "")
    assert load_snapshot(run.last_path).now.counters.epochs == last.epochs
    assert [epoch.epoch for epoch in epochs_of(run.events())] == list(range(1, last.epochs + 1)), "nothing is missing"
    assert not list(run.path.glob("*.tmp"))


@pytest.mark.usefixtures("quick_retries")
def test_a_disk_that_stays_full_is_reported_at_the_end(
    small_disk: Path, small_corpus: Corpus, config: RunConfig, writing: threading.Lock
) -> None:
    run = RunStore(small_disk).create(config)
    for event in record(run, trainer_of(config, small_corpus, epochs=8)):
        if isinstance(event, EpochCompleted) and event.epoch == 2:
            fill(small_disk, writing, run)
    assert isinstance(event, RunFinished)
    assert "No space left on device" in event.unsaved
    assert event.last_checkpoint is not None
    assert load_checkpoint(Path(event.last_checkpoint)).epoch == 1, "the checkpoint from before the disk was full"


def test_a_store_that_cannot_be_written_to_is_reported_before_training(
    store: RunStore, small_corpus: Corpus, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(config)

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", forbidden)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        list(record(run, trainer_of(config, small_corpus)))


def test_saving_does_not_delay_training(
    store: RunStore, small_corpus: Corpus, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    written: list[object] = []
    write = core_replace()

    def slow(*arguments: object) -> None:
        assert released.wait(DEADLINE)
        written.append(arguments[0])
        write(*arguments)

    monkeypatch.setattr("core.runs.recorder.replace_with", slow)
    run = store.create(config)
    for event in record(run, trainer_of(config, small_corpus, epochs=6)):
        if isinstance(event, EpochCompleted) and event.epoch == 6:
            assert not written, "six epochs were trained while the first was being written"
            released.set()
    assert load_snapshot(run.last_path).now.counters.epochs == 6


def core_replace() -> Callable[..., None]:
    from core.files import replace_with

    return replace_with


def test_the_best_is_written_before_the_last(
    store: RunStore, small_corpus: Corpus, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    write = core_replace()

    def noting(path: Path, *rest: object) -> None:
        order.append(path.name)
        if order == ["best.safetensors"]:
            raise OSError(28, "No space left on device")
        write(path, *rest)

    monkeypatch.setattr("core.runs.recorder.replace_with", noting)
    for event in record(store.create(config), trainer_of(config, small_corpus, epochs=2)):
        if isinstance(event, StepsCompleted) and event.epoch == 2:
            wait_until(lambda: order)  # the first epoch's checkpoints are being written
    assert order[:3] == ["best.safetensors", "best.safetensors", "last.safetensors"], "the last waits for the best"
