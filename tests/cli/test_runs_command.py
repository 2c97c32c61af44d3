"""`charlstm-tui runs`, and resuming runs, called in this process."""

import json
from pathlib import Path

import pytest

from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.runs.store import RunStore
from tests.cli.test_commands import TINY, call


def test_a_list_shows_the_columns_of_each_run(trained: str, store: RunStore) -> None:
    header, line = call("runs", "list").stdout.splitlines()
    assert header.split() == ["name", "when", "text", "preset", "epochs", "best", "val.", "size", "state"]
    size = sum(path.stat().st_size for path in store.get(trained).path.iterdir())
    assert f"{size / 1000:.1f} kB" in line
    assert line.split()[0] == trained
    assert line.endswith("finished")


def test_a_resumed_run_keeps_its_settings(trained: str, store: RunStore) -> None:
    result = call("train", "--resume", trained)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "sheep is finished after 2 epochs. To train it further, give a larger --epochs" in result.stderr
    result = call("train", "--resume", trained, "--epochs", 3, "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert (events[0]["event"], events[0]["epochs_done"]) == ("run_started", 2)
    assert [event["epoch"] for event in events if event["event"] == "epoch_completed"] == [3]
    assert (events[-1]["reason"], events[-1]["epochs"]) == ("finished", 3)
    assert load_snapshot(store.get(trained).last_path).now.counters.epochs == 3
    text = call("train", "--resume", str(store.get(trained).last_path), "--epochs", 4).stderr
    assert "sheep: continues after 3 epochs and" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "quick", "--hidden-size", "3"], "remove --hidden-size, --preset"),
        (["--learning-rate", "0.1"], "remove --learning-rate"),
        (["--epochs", "2"], "is finished after 2 epochs"),
        (["--epochs", "0"], "epochs must be a whole number from 1"),
        (["--epochs", "9", "--corpus", "nowhere.txt"], "If it was moved, give its new path"),
        (["--epochs", "9", "--corpus", "l-homme-aux-contrats"], "is not the text that the run was trained on"),
        (["--epochs", "9", "--name", "x"], "keeps its name"),
        (["--epochs", "9", "--device", "mps"], "There is no mps device"),
    ],
)
def test_options_that_a_resumed_run_cannot_take_are_named(trained: str, arguments: list[str], sentence: str) -> None:
    result = call("train", "--resume", trained, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert json.loads(call("runs", "list", "--json").stdout)["epochs"] == 2


def test_rename(trained: str, store: RunStore) -> None:
    assert call("runs", "rename", trained, "flock").stdout.strip().endswith("flock")
    assert [run.name for run in store.all()] == ["flock"]
    assert call("train", "--resume", "flock", "--epochs", 3).exit_code == 0
    for wrong, sentence in (("flock", "a run called flock already"), ("a/b", "cannot be called"), (".x", "cannot be")):
        result = call("runs", "rename", "flock", wrong)
        assert result.exit_code == 2
        assert sentence in result.stderr
    assert call("runs", "rename", trained, "other").exit_code == 2


def test_delete_asks(trained: str, store: RunStore) -> None:
    result = call("runs", "delete", trained)
    assert result.exit_code == 2, "standard input is no terminal"
    assert "Use --yes" in result.stderr
    assert call("runs", "delete", trained, "nobody", "--yes").exit_code == 2
    assert [run.name for run in store.all()] == [trained], "nothing is deleted when one of them does not exist"
    assert call("runs", "delete", trained, trained, "--yes").stdout == "deleted sheep\n"
    assert list(store.root.iterdir()) == []


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0), ("\n", 1)])
def test_delete_follows_the_answer(
    trained: str, store: RunStore, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    from click.testing import CliRunner

    from charlstm_tui.cli import commands

    monkeypatch.setattr("charlstm_tui.commands.runs.is_terminal", lambda stream: True)
    result = CliRunner().invoke(commands, ["runs", "delete", trained], input=answer)
    assert result.exit_code == 0
    assert "Delete sheep (" in result.stderr
    assert len(store.all()) == left


def test_export(trained: str, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loss = json.loads(call("evaluate", trained, "--json").stdout)["loss"]
    sizes = []
    for options in ([], ["--weights", "--output", "weights.safetensors"], ["--weights", "--half", "--output", "h.st"]):
        result = call("runs", "export", trained, *options)
        assert result.exit_code == 0
        path = Path(result.stdout.split()[0])
        sizes.append(path.stat().st_size)
        assert json.loads(call("evaluate", path, "--json").stdout)["loss"] == pytest.approx(loss, abs=0.1)
        assert len(call("generate", path, "--length", 10).stdout) >= 11
    assert sizes[0] > 2 * sizes[1] > 2 * sizes[2]
    assert load_checkpoint(Path("weights.safetensors")).epoch == load_checkpoint(store.get(trained).best_path).epoch
    again = call("runs", "export", trained)
    assert again.exit_code == 2
    assert "sheep.safetensors already exists" in again.stderr
    assert call("train", "--resume", "sheep.safetensors", "--epochs", 3, "--name", "copy").exit_code == 0
    assert "contains only a model's weights" in call("train", "--resume", "weights.safetensors", "--epochs", 3).stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sheep", "--half"], "--half needs --weights"),
        (["nobody"], "no run called nobody"),
        (["sheep", "--output", "nowhere/x.safetensors"], "cannot be written"),
    ],
)
def test_export_refuses_what_cannot_be_exported(trained: str, arguments: list[str], sentence: str) -> None:
    result = call("runs", "export", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_wide_names_stay_aligned(small_text: Path, tmp_path: Path) -> None:
    text = tmp_path / "莫里哀.txt"
    text.write_bytes(small_text.read_bytes())
    call("train", "--corpus", text, *TINY)
    call("train", "--corpus", small_text, *TINY)
    from rich.cells import cell_len

    header, *lines = call("runs", "list").stdout.splitlines()
    places = [cell_len(line[: line.index("finished")]) for line in lines]
    assert places == [cell_len(header[: header.index("state")])] * 2
