"""Files, runs, experiments and caches under the rules of Windows, which `tests.windows` simulates."""

import os
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core import files
from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.control import Control
from core.data import encoded_cache, encoded_text
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.errors import UserError
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.experiments.opening import open_experiment
from core.experiments.trial_events import TrialEnded
from core.experiments.varied import parse_varied
from core.experiments.worker import work
from core.files import write_atomically
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.training.trainer import Trainer
from tests.conftest import TINY_MODEL, TINY_TRAINING
from tests.windows import is_held, use_windows_rules

if sys.platform == "win32":
    pytest.skip("Windows is simulated", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    use_windows_rules(monkeypatch)


@pytest.fixture
def trained(store: RunStore, small_corpus: Corpus) -> Run:
    config = RunConfig(preset="quick", corpus=small_corpus.config, model=TINY_MODEL, training=TINY_TRAINING)
    run = store.create(config)
    list(record(run, Trainer(small_corpus, TINY_MODEL, TINY_TRAINING)))
    return run


@pytest.mark.usefixtures("windows")
def test_the_simulation_refuses_what_windows_refuses(tmp_path: Path) -> None:
    path, other, folder = tmp_path / "a", tmp_path / "b", tmp_path / "folder"
    folder.mkdir()
    for each in (path, other, folder / "c"):
        each.write_bytes(b"content")
    with path.open("rb"):
        for refused in (path.unlink, lambda: other.replace(path), lambda: path.rename(tmp_path / "d")):
            with pytest.raises(PermissionError):
                refused()
    mapped = np.memmap(path, dtype=np.uint8, mode="r")
    with pytest.raises(PermissionError):
        other.replace(path)
    del mapped
    with (folder / "c").open("rb"), pytest.raises(PermissionError):
        folder.rename(tmp_path / "e")
    with pytest.raises(FileExistsError):
        other.rename(path)
    with pytest.raises(PermissionError):
        vars(files)["os"].open(folder, os.O_RDONLY)
    other.replace(path)
    folder.rename(tmp_path / "e")
    path.unlink()


@pytest.mark.usefixtures("windows")
def test_a_file_that_another_program_reads_for_a_moment_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"old")
    reading = path.open("rb")
    threading.Timer(0.3, reading.close).start()
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.usefixtures("windows")
def test_a_file_that_stays_open_elsewhere_is_an_error_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BUSY_SECONDS", 0.1)
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"old")
    with path.open("rb"), pytest.raises(UserError, match=r"cannot be written: Access is denied\."):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_elsewhere_a_refusal_is_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    with pytest.raises(UserError, match="Permission denied"):
        write_atomically(tmp_path / "x", b"new")


@pytest.mark.usefixtures("windows")
def test_a_run_is_trained_renamed_and_deleted(store: RunStore, trained: Run) -> None:
    assert not is_held(trained.path)
    renamed = store.rename(trained.name, "mine")
    assert [run.name for run in store.all()] == ["mine"]
    assert not renamed.is_held
    store.delete("mine")
    assert store.all() == []
    assert [*store.root.iterdir()] == []


@pytest.mark.usefixtures("windows")
def test_a_model_or_a_run_that_was_loaded_can_be_saved_again(trained: Run) -> None:
    loaded = load_checkpoint(trained.best_path), load_snapshot(trained.last_path)
    assert all(loaded)
    for path in (trained.best_path, trained.last_path):
        assert not is_held(path)
        write_atomically(path, path.read_bytes())


@pytest.mark.usefixtures("windows")
def test_a_run_that_is_trained_or_read_is_not_renamed_or_deleted(store: RunStore, trained: Run) -> None:
    with Run(trained.path).locked():
        with pytest.raises(UserError, match="being trained by another process"):
            store.rename(trained.name, "mine")
        with pytest.raises(UserError, match="being trained by another process"):
            store.delete(trained.name)
    with trained.best_path.open("rb"):
        with pytest.raises(UserError, match=r"cannot be renamed: Access is denied\."):
            store.rename(trained.name, "mine")
        with pytest.raises(UserError, match=r"cannot be deleted: Access is denied\."):
            store.delete(trained.name)
    assert [run.name for run in store.all()] == [trained.name]


@pytest.mark.usefixtures("windows")
def test_a_folder_that_a_shell_completed_with_a_backslash_is_a_run(store: RunStore, trained: Run) -> None:
    assert store.checkpoint_path(f"{trained.name}\\") == trained.best_path
    assert store.checkpoint_path(f"{trained.name}/") == trained.best_path


def test_where_case_does_not_matter_a_run_can_be_given_other_case(
    store: RunStore, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(path: Path, other: Path) -> bool:
        return str(path).casefold() == str(other).casefold()

    def exists(path: Path) -> bool:
        return any(same(path, each) for each in path.parent.iterdir())

    monkeypatch.setattr(Path, "exists", exists)
    monkeypatch.setattr(Path, "samefile", same)
    assert store.rename(trained.name, trained.name.upper()).name == "QUICK-1"
    with pytest.raises(UserError, match="a run called QUICK-1 already"):
        store.rename("QUICK-1", "QUICK-1")


@pytest.mark.usefixtures("windows")
def test_the_trials_of_an_experiment_need_no_links(store: RunStore, small_corpus: Corpus) -> None:
    experiment = Experiment(
        name="sizes", preset="quick", corpus=small_corpus.config, model=TINY_MODEL,
        training=msgspec.structs.replace(TINY_TRAINING, epochs=1), varied=(parse_varied("hidden_size=4,6"),),
    )  # fmt: skip
    experiments = ExperimentStore(store)
    experiments.create(experiment)
    book = open_experiment(experiments, "sizes").book
    ended = [event for event in work(book, store, small_corpus, Control(), 1) if isinstance(event, TrialEnded)]
    assert [event.state for event in ended] == ["finished", "finished"]
    experiments.remove("sizes")
    assert experiments.all() == []


@pytest.mark.usefixtures("windows")
def test_a_large_text_that_is_in_use_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_text, "LARGE", 1000)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits for a file that stays mapped"))
    path = tmp_path / "text.txt"
    path.write_text("Où sont les moutons?\n" * 200, "utf-8")
    first = load_corpus(CorpusConfig(source=str(path)))
    (codes,) = encoded_cache._folder().glob("*.codes")
    assert is_held(codes)
    os.utime(path, ns=(1, 1))  # so that its hash has to be computed again
    second = load_corpus(CorpusConfig(source=str(path)))
    assert np.array_equal(first.text.codes, second.text.codes)
    assert not [*codes.parent.glob("*.tmp")]


@pytest.mark.usefixtures("windows")
def test_a_damaged_text_in_the_cache_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_text, "LARGE", 1000)
    path = tmp_path / "text.txt"
    path.write_text("Où sont les moutons?\n" * 200, "utf-8")
    os.utime(path, ns=(1, 1))
    before = np.array(load_corpus(CorpusConfig(source=str(path))).text.codes)
    (codes,) = encoded_cache._folder().glob("*.codes")
    codes.write_bytes(bytes(len(before)))
    assert np.array_equal(load_corpus(CorpusConfig(source=str(path))).text.codes, before)


@pytest.mark.usefixtures("windows")
def test_an_unused_text_that_is_still_mapped_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_text, "LARGE", 1000)
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    for path in (old, new):
        path.write_text(f"{path.stem}: les moutons\n" * 200, "utf-8")
    first = load_corpus(CorpusConfig(source=str(old)))
    for path in encoded_cache._folder().iterdir():
        os.utime(path, ns=(1, 1))
    assert len(load_corpus(CorpusConfig(source=str(new)))) == len(first)
    assert first.part("train").text.alphabet
