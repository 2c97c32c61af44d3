"""`class`: the reports of a class in one table."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from tests.cli.test_commands import call


@pytest.fixture
def folder(trained: str, tmp_path: Path) -> Path:
    """Reports of three students: two on the test part, in folders as a platform for courses hands them out."""
    folder = tmp_path / "class"
    for student in ("ali", "zoe"):
        (folder / student).mkdir(parents=True)
        assert call("evaluate", trained, "--save", folder / student / "report.json").exit_code == 0
    assert call("evaluate", trained, "--part", "train", "--save", folder / "eve.json").exit_code == 0
    report = json.loads((folder / "zoe" / "report.json").read_text(encoding="utf-8"))
    (folder / "zoe" / "report.json").write_text(json.dumps(report | {"loss": report["loss"] - 0.5}), encoding="utf-8")
    return folder


def test_comparable_losses_are_ranked_and_others_stand_in_a_table_of_their_own(folder: Path) -> None:
    result = call("class", folder)
    assert result.exit_code == 0
    first, second = result.stdout.strip().split("\n\n")
    lines = first.splitlines()
    assert lines[0] == "moutons · tail · test"
    assert [line.split()[0] for line in lines[2:4]] == ["zoe/report", "ali/report"]
    assert lines[4].startswith("2 results: mean ")
    assert "best" in lines[4]
    assert "(zoe/report)" in lines[4]
    assert "moutons · tail · train" in second
    assert "eve" in second
    assert "cannot be compared" in result.stderr


def test_json_and_csv_have_the_same_results(folder: Path) -> None:
    tables = json.loads(call("class", folder, "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(call("class", folder, "--csv").stdout)))
    assert [table["best"] for table in tables] == ["zoe/report", "eve"]
    losses = {result["student"]: result["loss"] for table in tables for result in table["results"]}
    assert {row["student"]: float(row["loss"]) for row in rows} == losses
    assert len(losses) == 3


def test_files_that_are_no_reports_are_named_and_skipped(folder: Path) -> None:
    (folder / "broken.json").write_text("{", encoding="utf-8")
    (folder / "binary.md").write_bytes(b"\xff\x00")
    (folder / "notes.md").write_text("# My notes", encoding="utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    for number in range(9):
        (folder / f"more-{number}.json").write_text("[]", encoding="utf-8")
    result = call("class", folder)
    assert result.exit_code == 0
    skipped = [line for line in result.stderr.splitlines() if line.startswith("Skipped")]
    assert len(skipped) == 6
    assert "binary.md: it is no report" in result.stderr
    assert skipped[-1] == "Skipped: 7 more files."
    assert "photo" not in result.stderr


@pytest.mark.parametrize("what", ["missing", "empty", "file"])
def test_a_folder_without_reports_is_an_error(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.write_text("text", encoding="utf-8")
    result = call("class", path)
    assert (result.exit_code, result.stdout) == (2, "")
    expected = {"missing": "There is no folder", "empty": "no reports", "file": "is not a folder"}
    assert expected[what] in result.stderr


def test_names_in_reports_cannot_act_on_the_terminal(folder: Path) -> None:
    content = json.loads((folder / "eve.json").read_text(encoding="utf-8"))
    hostile = json.dumps(content | {"model": "m\x1b]0;x\x07", "corpus": "c\nd\x1b[2J"})
    (folder / "good\nme\x1b]0;x\x07.json").write_text(hostile, encoding="utf-8")
    (folder / os.fsdecode(b"sur\xff.json")).write_text(hostile, encoding="utf-8")
    for option in ([], ["--csv"], ["--json"]):
        result = call("class", folder, *option)
        assert result.exit_code == 0
        assert "\x1b" not in result.output
    assert len(json.loads(call("class", folder, "--json").stdout)) == 2  # the text's fingerprint counts, not its name


def test_a_file_or_nothing_in_place_of_the_folder_is_named(folder: Path) -> None:
    assert "eve.json is not a folder" in call("class", folder / "eve.json").stderr
    assert "No folder was named" in call("class", "").stderr
