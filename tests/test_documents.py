"""The documents name only what exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "checkpoints/README.md", "tests/benchmarks/README.md"]
MADE_LATER = ("checkpoints/runs/",)
"""Folders that a checkout has only after a run."""


def anchors_of(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as a Markdown viewer makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_link_leads_somewhere(name: str) -> None:
    document = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    for link in links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_file_and_folder_of_the_code_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:core|charlstm_tui|tests|checkpoints)/[\w./-]*)`", text)
    assert [path for path in paths if path not in MADE_LATER and not (ROOT / path).exists()] == []


def test_each_benchmark_is_in_the_table() -> None:
    page = (ROOT / "tests/benchmarks/README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    commands = [
        path.stem
        for path in (ROOT / "tests/benchmarks").glob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    ]
    assert sorted(listed) == sorted(commands)


def test_the_two_commands_stand_in_the_readme() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^python3 .*$", page, re.MULTILINE) == [
        "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/charlstm-tui",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
    ]
    assert len(page.splitlines()) <= 200
