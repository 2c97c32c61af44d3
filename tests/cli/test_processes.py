"""What only a process of its own can show: signals, exit codes, what is imported."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.checkpoint import load_checkpoint

COMMAND = [sys.executable, "-m", "charlstm_tui"]


def test_ctrl_c_saves_and_leaves_with_130(small_text: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "train", "--corpus", small_text, "--epochs", "100000", "--window", "10", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "epoch_completed":
            break
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    rest, errors = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    last = json.loads(rest.splitlines()[-1])
    assert (last["event"], last["reason"]) == ("run_finished", "stopped")
    assert load_checkpoint(Path(last["last_checkpoint"])).epoch == last["epochs"] >= 1
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("charlstm_tui.cli", ["torch", "numpy", "textual"]),
        ("charlstm_tui.app", ["torch", "numpy", "safetensors"]),
        ("core.runs", ["torch", "textual", "rich", "click"]),
        ("core.training, core.sampling, core.evaluation", ["textual", "rich", "click"]),
    ],
)
def test_what_is_slow_is_not_imported_before_it_is_needed(module: str, absent: list[str]) -> None:
    code = f"import {module}, sys; print([name for name in {absent!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_without_a_terminal_the_app_says_so_and_names_the_commands() -> None:
    found = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stdout == ""
    for command in ("train", "evaluate", "generate", "runs"):
        assert command in found.stderr


def test_a_locale_without_a_character_shows_a_question_mark_and_does_not_fail(small_text: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    tiny = ["--epochs", "1", "--hidden-size", "4", "--streams", "1", "--window", "10", "--name", "s"]
    subprocess.run([*COMMAND, "train", "--corpus", small_text, *tiny], check=True, capture_output=True, env=environment)
    found = subprocess.run(
        [*COMMAND, "generate", "s", "--prompt", "chèvres ☃ ", "--length", "5"],
        check=False, capture_output=True, env=environment,
    )  # fmt: skip
    assert found.returncode == 0
    assert found.stdout.startswith("chèvres ? ".encode("latin-1"))
