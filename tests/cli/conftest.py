"""Fixtures of the command tests: a run, trained once."""

import shutil
from pathlib import Path

import pytest

from core.runs.store import RunStore
from tests.cli.test_commands import TINY, call
from tests.conftest import SMALL_TEXT


@pytest.fixture(scope="session")
def flock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run; tests copy it."""
    folder = tmp_path_factory.mktemp("flock")
    text = folder / "moutons.txt"
    text.write_text(SMALL_TEXT, encoding="utf-8")
    result = call("train", "--corpus", text, *TINY, "--name", "sheep", "--runs", folder / "runs")
    assert result.exit_code == 0
    return folder / "runs"


@pytest.fixture
def trained(flock: Path, store: RunStore) -> str:
    """The name of an existing run."""
    shutil.copytree(flock / "sheep", store.root / "sheep")
    return "sheep"
