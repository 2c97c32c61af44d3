"""`class`: the reports of a class in one table."""

import csv
import io
import json
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
    assert "no reports" in result.stderr or "no folder" in result.stderr
