"""The page on the engine as a library: its programs run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings.presets import preset_named

PAGE = Path(__file__).with_name("library.md")
PROGRAM = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    environment = {**os.environ, "CHARLSTM_RUNS": str(folder / "runs"), "CHARLSTM_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    assert "first:" in done.stderr, "the progress bar has the name of the run"
    assert (folder / "second.safetensors").is_file()
    return done.stdout


def test_the_programs_of_the_page_run(output: str) -> None:
    lines = output.splitlines()
    epochs = [line.split() for line in lines[:4]]
    assert [epoch for epoch, _, _ in epochs] == ["1", "2", "3", "4"]
    assert float(epochs[3][1]) < float(epochs[0][1])
    assert 1 < float(lines[4]) < 3.5
    assert lines[5] == "ISAURE."
    assert f"(10, {preset_named('quick').model.hidden_size})" in output
    assert "is the most likely next character" in lines[-1]


def test_the_ten_lines_are_no_more() -> None:
    first = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert first is not None
    assert len([line for line in first[1].splitlines() if line.strip()]) <= 10
