"""`charlstm-tui runs export --format …` and `train --tensorboard`, called in this process."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charlstm_tui.formatting.numbers import size_in_bytes
from core.events import EpochCompleted
from core.runs.store import RunStore
from core.runs.summary import epochs_of
from tests.cli.test_commands import TINY, call
from tests.cli.test_completion import proposed
from tests.waiting import DEADLINE, wait_until

FORMATS = ["pytorch", "onnx", "csv", "tensorboard"]
PACKAGES = {"onnx": "onnx", "tensorboard": "tensorboard"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, where exports are written."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def need(kind: str) -> None:
    if kind in PACKAGES:
        pytest.importorskip(PACKAGES[kind], reason=f"the extra `{kind}` is not installed")


def curve(folder: Path, tag: str) -> list[int]:
    """Return the steps of a curve that TensorBoard reads in a folder."""
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

    read: Any = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    read.Reload()
    return [point.step for point in read.Tensors(tag)]


@pytest.mark.parametrize(
    ("kind", "name", "files"),
    [
        ("pytorch", "sheep-pytorch", ["config.json", "model.py", "model.safetensors", "vocabulary.json"]),
        ("onnx", "sheep.onnx", None),
        ("csv", "sheep-csv", ["epochs.csv", "steps.csv"]),
        ("tensorboard", "sheep-tensorboard", 1),
    ],
)
def test_each_format_prints_its_path_and_size(trained: str, kind: str, name: str, files: list[str] | int) -> None:
    need(kind)
    result = call("runs", "export", trained, "--format", kind)
    assert (result.exit_code, result.stderr) == (0, "")
    path = Path(name)
    written = sorted(path.iterdir()) if path.is_dir() else [path]
    assert files in (None, len(written), [file.name for file in written])
    size = sum(file.stat().st_size for file in written)
    assert result.stdout == f"{name}  {size_in_bytes(size)}\n"
    assert [*Path().iterdir()] == [path], "nothing temporary is left"


@pytest.mark.parametrize("kind", FORMATS)
def test_output_names_the_target_and_an_existing_one_is_kept(trained: str, kind: str) -> None:
    need(kind)
    Path("there").mkdir()
    result = call("runs", "export", trained, "--format", kind, "--output", "there")
    assert result.exit_code == 2
    assert "there already exists. Choose another" in result.stderr
    assert [*Path("there").iterdir()] == []
    assert call("runs", "export", trained, "--format", kind, "--output", "there/one").exit_code == 0
    assert Path("there/one").exists()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_that_cannot_be_written_to_is_named(trained: str, kind: str) -> None:
    need(kind)
    result = call("runs", "export", trained, "--format", kind, "--output", "nowhere/one")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere/one cannot be written: No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody", "--format", "pytorch"], "no run called nobody"),
        (["nobody", "--format", "csv"], "no run called nobody"),
        (["sheep", "--format", "onnx", "--half"], "The format onnx has no half precision"),
        (["sheep", "--format", "csv", "--half"], "The format csv has no half precision"),
        (["sheep", "--format", "tensorboard", "--weights"], "tensorboard has losses and no weights"),
        (["sheep", "--format", "pickle"], "'pickle' is not one of"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(trained: str, arguments: list[str], sentence: str) -> None:
    result = call("runs", "export", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in " ".join(result.stderr.split())
    assert [*Path().iterdir()] == []


@pytest.mark.parametrize("kind", ["pytorch", "onnx"])
def test_a_model_may_be_a_file_or_the_folder_of_a_run(trained: str, store: RunStore, kind: str) -> None:
    need(kind)
    source = store.get(trained).best_path
    shutil.copy(source, "mine.safetensors")
    for named, name in (("mine.safetensors", "mine"), (f"{source.parent}/", "sheep"), (str(source), "best")):
        result = call("runs", "export", named, "--format", kind)
        assert result.exit_code == 0
        assert result.stdout.startswith({"pytorch": f"{name}-pytorch ", "onnx": f"{name}.onnx "}[kind])


@pytest.mark.shipped
@pytest.mark.parametrize("kind", ["pytorch", "onnx"])
def test_the_bundled_model_can_be_exported(kind: str) -> None:
    need(kind)
    result = call("runs", "export", "moliere", "--format", kind)
    assert result.exit_code == 0
    assert result.stdout.split() == [{"pytorch": "moliere-pytorch", "onnx": "moliere.onnx"}[kind], "19.3", "MB"]


@pytest.mark.parametrize("kind", ["csv", "tensorboard"])
def test_losses_need_a_run_which_may_be_named_by_its_folder(trained: str, store: RunStore, kind: str) -> None:
    need(kind)
    run = store.get(trained)
    result = call("runs", "export", run.best_path, "--format", kind)
    assert result.exit_code == 2
    assert "is a model without the record of its training" in result.stderr
    assert call("runs", "export", run.path, "--format", kind).exit_code == 0
    assert Path(f"sheep-{kind}").is_dir()


@pytest.mark.parametrize("kind", ["pytorch", "onnx"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a complete checkpoint"),
        (b"PK\x03\x04", "is a PyTorch file"),
        (b"\x00\xff" * 500, "not a complete checkpoint"),
        ("half", "not a complete checkpoint"),
    ],
)
def test_a_damaged_file_is_refused(
    trained: str, store: RunStore, kind: str, content: bytes | str, sentence: str
) -> None:
    if isinstance(content, str):
        whole = store.get(trained).best_path.read_bytes()
        content = whole[: len(whole) // 2]
    Path("x.safetensors").write_bytes(content)
    result = call("runs", "export", "x.safetensors", "--format", kind)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert [path.name for path in Path().iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize("kind", ["onnx", "tensorboard"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    trained: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == kind]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, kind, None)
    result = call("runs", "export", trained, "--format", kind)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"pip install 'charlstm-tui[{kind}]'" in result.stderr
    assert [*Path().iterdir()] == []


def test_the_tables_of_a_run_recorded_without_steps_say_so(trained: str, store: RunStore) -> None:
    store.get(trained).steps_path.unlink()
    result = call("runs", "export", trained, "--format", "csv")
    assert result.exit_code == 0
    assert "recorded without its losses by step" in result.stderr
    with Path("sheep-csv/epochs.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


def test_what_is_proposed_for_a_run_depends_on_the_format(trained: str) -> None:
    assert proposed("runs", "export", "") == [trained]
    assert proposed("runs", "export", "--format", "csv", "") == [trained]
    assert proposed("runs", "export", "--format", "onnx", "") == [trained, "moliere", "file"]
    assert proposed("runs", "export", "--format", "c") == ["checkpoint", "csv"]


# --- train --tensorboard


def test_training_writes_a_dashboard_and_resuming_appends_to_it(small_text: Path, store: RunStore) -> None:
    need("tensorboard")
    train = ("train", "--corpus", small_text, *TINY, "--name", "sheep", "--tensorboard", "boards")
    assert call(*train).exit_code == 0
    result = call("train", "--resume", "sheep", "--epochs", 3, "--tensorboard", "boards")
    assert result.exit_code == 0
    assert len([*Path("boards/sheep").iterdir()]) == 2
    epochs = epochs_of(store.get("sheep").events())
    assert curve(Path("boards/sheep"), "loss/validation") == [epoch.total_steps for epoch in epochs]
    assert len(epochs) == 3


@pytest.mark.parametrize(
    ("target", "sentence"), [("file", "File exists"), ("file/below", "Not a directory"), ("x" * 300, "name too long")]
)
def test_a_folder_that_cannot_be_made_is_refused_before_the_run_begins(
    small_text: Path, store: RunStore, target: str, sentence: str
) -> None:
    need("tensorboard")
    Path("file").write_text("a file", encoding="utf-8")
    result = call("train", "--corpus", small_text, *TINY, "--tensorboard", target)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert sentence in result.stderr
    assert store.all() == []


def test_without_the_package_no_run_begins(small_text: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = call("train", "--corpus", small_text, *TINY, "--tensorboard", "boards")
    assert result.exit_code == 2
    assert "pip install 'charlstm-tui[tensorboard]'" in result.stderr
    assert store.all() == []
    assert [*Path().iterdir()] == []


def test_a_disk_error_of_the_dashboard_is_reported_once_and_the_run_finishes(
    small_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("tensorboard")

    def refuse(file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.interchange.event_file.EventFile._append", refuse)
    result = call("train", "--corpus", small_text, *TINY, "--name", "sheep", "--tensorboard", "boards")
    assert result.exit_code == 0
    assert " ".join(result.stderr.split()).count("boards/sheep cannot be written: No space left on device") == 1
    assert result.stdout.startswith("sheep: finished after 2 epochs")


@pytest.mark.thorough
@pytest.mark.skipif(os.name != "posix", reason="a process is killed")
def test_a_process_that_was_killed_leaves_a_dashboard_that_resuming_completes(
    small_text: Path, store: RunStore, folder: Path
) -> None:
    need("tensorboard")
    arguments = ["train", "--corpus", str(small_text), *TINY, "--epochs", "100000", "--name", "sheep"]
    process = subprocess.Popen(
        [sys.executable, "-m", "charlstm_tui", *arguments, "--autosave", "0.1", "--tensorboard", "boards"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    try:

        def completed() -> list[EpochCompleted]:
            return epochs_of(store.get("sheep").events()) if store.has("sheep") else []

        wait_until(lambda: len(completed()) > 20)
    finally:
        process.kill()
        process.wait(DEADLINE)
    done = len(completed())
    assert call("train", "--resume", "sheep", "--epochs", done + 5, "--tensorboard", "boards").exit_code == 0
    epochs = completed()
    assert [epoch.epoch for epoch in epochs] == [*range(1, len(epochs) + 1)]
    assert curve(folder / "boards" / "sheep", "loss/epoch") == [epoch.total_steps for epoch in epochs]
    steps = curve(folder / "boards" / "sheep", "loss/steps")
    assert steps == sorted(set(steps))
