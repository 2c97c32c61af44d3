"""A text of many files on the command line: trained on, resumed, evaluated and shown."""

import json
from pathlib import Path

import pytest

from core.runs.store import RunStore
from tests.cli.test_commands import TINY, call
from tests.conftest import SMALL_TEXT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with five files of text."""
    folder = tmp_path / "troupeau"
    folder.mkdir()
    for number, name in enumerate(["2", "10", "1", "20", "3"]):
        (folder / f"pré {name}.txt").write_text(SMALL_TEXT + f"{number}\n", encoding="utf-8")
    return folder


def trained(folder: Path, *options: object) -> str:
    result = call("train", "--corpus", folder, *TINY, "--name", "flock", "--threads", 1, *options)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def test_a_run_on_a_folder_names_its_files_and_can_be_resumed_after_the_folder_was_moved(
    folder: Path, store: RunStore
) -> None:
    trained(folder)
    corpus = store.get("flock").config().corpus
    assert [file.path for file in corpus.files] == [f"pré {number}.txt" for number in (1, 2, 3, 10, 20)]
    assert "text      troupeau, 5 files, split tail" in call("runs", "show", "flock").stdout
    moved = folder.rename(folder.with_name("ailleurs"))
    gone = call("train", "--resume", "flock", "--epochs", 3)
    assert gone.exit_code == 2
    assert "is no longer at" in gone.stderr
    result = call("train", "--resume", "flock", "--epochs", 3, "--corpus", moved)
    assert result.exit_code == 0, result.stderr
    assert "finished after 3 epochs" in result.stdout
    assert store.get("flock").config().corpus.source == str(moved)


@pytest.mark.parametrize("change", ["changed", "new", "missing"])
def test_a_changed_added_or_removed_file_is_named_on_resuming(folder: Path, change: str) -> None:
    trained(folder)
    file = folder / ("pré 4.txt" if change == "new" else "pré 3.txt")
    file.unlink(missing_ok=True)
    if change != "missing":
        file.write_text("Un loup.\n", encoding="utf-8")
    result = call("train", "--resume", "flock", "--epochs", 3)
    assert result.exit_code == 2
    assert f"is not the text that the run was trained on ({change}: {file.name})" in result.stderr
    evaluated = call("evaluate", "flock", "--loss-only")
    assert evaluated.exit_code == 0
    assert f"has changed since the model was trained on it ({change}: {file.name})." in evaluated.stderr


def test_a_run_of_several_sources_is_resumed_with_the_same_ones(folder: Path, small_text: Path) -> None:
    trained(folder, "--corpus", small_text, "--split", "files")
    assert "text      troupeau and 1 other, 6 files, split files" in call("runs", "show", "flock").stdout
    again = call("train", "--resume", "flock", "--epochs", 3)
    assert again.exit_code == 0, again.stderr
    other_order = call("train", "--resume", "flock", "--epochs", 4, "--corpus", small_text, "--corpus", folder)
    assert other_order.exit_code == 2
    assert "is not the text that the run was trained on" in other_order.stderr
    small_text.unlink()
    gone = call("train", "--resume", "flock", "--epochs", 4)
    assert "Give all its files and folders, each with --corpus." in gone.stderr


def test_an_unreadable_file_is_named_and_skipped_only_if_that_is_asked_for(folder: Path, store: RunStore) -> None:
    (folder / "loup.txt").write_bytes(b"\0\1\2" * 9)
    (folder / "vide.txt").touch()
    refused = call("train", "--corpus", folder, *TINY)
    assert refused.exit_code == 2
    assert "loup.txt is not text: it contains NUL bytes." in refused.stderr
    assert "--skip-unreadable" in refused.stderr
    assert "Traceback" not in refused.stderr
    said = trained(folder, "--skip-unreadable")
    assert "loup.txt cannot be read." in said
    assert "vide.txt is empty." in said
    assert len(store.get("flock").config().corpus.files) == 5
    resumed = call("train", "--resume", "flock", "--epochs", 3)
    assert resumed.exit_code == 0, "what is skipped belongs to the run"
    (folder / "ours.txt").write_bytes(b"\0\1\2" * 9)
    (folder / "loup.txt").write_text("Il est guéri.\n", encoding="utf-8")
    assert "(new: loup.txt)" in call("train", "--resume", "flock", "--epochs", 4).stderr


def test_a_file_that_has_become_unreadable_may_be_skipped_on_resuming_if_it_was_added_later(folder: Path) -> None:
    trained(folder)
    (folder / "loup.txt").write_bytes(b"\0\1\2" * 9)
    assert "loup.txt is not text" in call("train", "--resume", "flock", "--epochs", 3).stderr
    resumed = call("train", "--resume", "flock", "--epochs", 3, "--skip-unreadable")
    assert resumed.exit_code == 0, resumed.stderr
    assert call("evaluate", "flock", "--loss-only").exit_code == 0
    assert call("train", "--resume", "flock", "--epochs", 4).exit_code == 0, "it is remembered"


def test_a_model_is_evaluated_on_several_files(folder: Path, tmp_path: Path) -> None:
    trained(folder, "--split", "files", "--split-seed", 5)
    own = call("evaluate", "flock", "--loss-only").stdout
    assert own.startswith("flock on troupeau, 5 files · files, seed 5 · test · ")
    other = tmp_path / "autre.txt"
    other.write_text(SMALL_TEXT, encoding="utf-8")
    two = call("evaluate", "flock", "--loss-only", "--corpus", folder / "*1*.txt", "--corpus", other).stdout
    assert two.startswith("flock on troupeau/*1*.txt and 1 other, 3 files · files, seed 5 · test · ")
    one = call("evaluate", "flock", "--loss-only", "--corpus", other).stdout
    assert one.startswith("flock on autre · tail · test · "), "a single file has no split by files"
    whole = json.loads(call("evaluate", "flock", "--loss-only", "--json", "--text", folder).stdout)
    assert (whole["part"], whole["files"]) == ("whole", 5)
    assert whole["learnt_characters"] > 0


def test_a_seed_without_the_split_by_files_and_too_few_files_are_refused(folder: Path, small_text: Path) -> None:
    result = call("train", "--corpus", folder, "--split-seed", 3, *TINY)
    assert result.exit_code == 2
    assert "--split-seed draws the files of --split files" in result.stderr
    result = call("train", "--corpus", small_text, "--split", "files", *TINY)
    assert result.exit_code == 2
    assert "needs at least 2 files" in result.stderr


def test_settings_of_a_file_apply_to_many_files(folder: Path, store: RunStore) -> None:
    (folder.parent / "a.toml").write_text('corpus = ["troupeau"]\nsplit = "files"\nsplit_seed = 4\n', encoding="utf-8")
    result = call("train", "--config", folder.parent / "a.toml", *TINY, "--name", "flock")
    assert result.exit_code == 0, result.stderr
    corpus = store.get("flock").config().corpus
    assert (corpus.source, corpus.split_name) == (str(folder), "files, seed 4")


def test_an_experiment_has_a_text_of_many_files(folder: Path) -> None:
    made = call("sweep", "new", "sizes", "--vary", "hidden_size=4,8", "--corpus", folder, "--split", "files", *TINY)
    assert made.exit_code == 0, made.stderr
    assert "text troupeau, 5 files, split files" in call("sweep", "show", "sizes").stdout


def test_the_files_of_a_text_are_shown_with_their_parts_and_what_is_passed_over(folder: Path) -> None:
    (folder / "loup.txt").write_bytes(b"\0\1\2" * 9)
    (folder / "notes.md").touch()
    result = call("corpus", "show", folder, "--split", "files")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["file", "size", "characters", "encoding", "part"]
    assert [line.split()[1] for line in lines[1:6]] == ["1.txt", "2.txt", "3.txt", "10.txt", "20.txt"]
    assert sorted(line.split()[-1] for line in lines[1:6]) == ["test", "train", "train", "train", "validation"]
    assert lines[6].startswith("5 files, ")
    assert "loup.txt cannot be read." in result.stderr
    assert "is not text: it contains NUL bytes" in result.stderr
    assert "notes.md is not a .txt file." in result.stderr
    assert "`train` refuses such a text without --skip-unreadable." in result.stderr


def test_the_files_of_a_text_are_shown_as_json(folder: Path, small_text: Path) -> None:
    (folder / "loup.txt").write_bytes(b"\0\1\2" * 9)
    shown = json.loads(call("corpus", "show", folder, "--split", "files", "--json").stdout)
    assert [file["path"] for file in shown["files"]][3] == "pré 10.txt"
    assert sum(file["characters"] for file in shown["files"]) == shown["characters"] == sum(shown["parts"].values())
    assert shown["passed_over"][0]["reason"] == "unreadable"
    single = json.loads(call("corpus", "show", small_text, "--json").stdout)
    assert [file["path"] for file in single["files"]] == ["moutons.txt"]
    assert call("corpus", "show", "moliere").exit_code == 2
    assert call("corpus", "show", small_text.parent / "nulle-part").exit_code == 2
