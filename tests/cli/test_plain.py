"""Plain output: `train --plain`, and every command with a bar in a dumb terminal."""

import os
import re
import sys
from pathlib import Path

import pytest

from charlstm_tui.commands import stdio
from tests.cli.test_commands import TINY, call
from tests.tui.real_terminal import Terminal

CURSOR = re.compile(r"\x1b|\r(?!\n)|\x08")
DRAWN = re.compile("[─-╿▀-▟⠀-⣿]")
"""Characters that draw lines, blocks or braille."""


def run_in_terminal(term: str, *arguments: object) -> tuple[int, str]:
    """Return the exit code of a command in a real terminal, and all that it sent there."""
    environment = os.environ | {"TERM": term}
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui", *map(str, arguments)], environment, columns=100)
    try:
        code = terminal.exit_code()
        while not terminal.over:
            terminal.read(0.1)
    finally:
        terminal.close()
    return code, terminal.everything


@pytest.mark.parametrize(
    ("term", "options"), [("xterm-256color", ["--plain"]), pytest.param("dumb", [], marks=pytest.mark.thorough)]
)
def test_a_plain_run_prints_one_line_an_epoch_and_nothing_that_moves(
    term: str, options: list[str], small_text: Path
) -> None:
    settings = ["--window", "10", "--hidden-size", "8", "--streams", "4", "--epochs", "3"]
    code, shown = run_in_terminal(term, "train", "--corpus", small_text, *settings, "--name", "sheep", *options)
    assert code == 0
    assert not CURSOR.search(shown)
    assert not DRAWN.search(shown)
    lines = shown.splitlines()
    assert lines[0].startswith("sheep: ")
    assert "; on cpu in " in lines[0]
    assert [line[:9] for line in lines[1:4]] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert lines[-1].startswith("sheep: finished after 3 epochs")
    assert len(lines) <= 6, "the verdict may take a line of its own, and so may a change of threads"


@pytest.mark.thorough
def test_a_run_in_a_terminal_without_plain_has_bars_and_samples(small_text: Path) -> None:
    _, shown = run_in_terminal("xterm-256color", "train", "--corpus", small_text, *TINY)
    assert CURSOR.search(shown)
    assert DRAWN.search(shown)


def test_into_a_file_the_lines_are_as_before_with_samples(small_text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    usual = call("train", "--corpus", small_text, *TINY).stderr.splitlines()
    plain = call("train", "--corpus", small_text, *TINY, "--plain").stderr.splitlines()
    assert [line for line in usual if line.startswith("    ")], "samples"
    assert [line for line in plain if line.startswith("    ")] == []
    assert [line[:9] for line in usual if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]


def test_plain_can_be_given_to_a_resumed_run(trained: str) -> None:
    assert call("train", "--resume", trained, "--epochs", 3, "--plain").exit_code == 0


EVERYDAY = ["runs list"]
OTHERS = [
    "memory moliere --corpus l-homme-aux-contrats --limit 20000", "generate sheep --length 9 --count 3", "corpus list",
    "evaluate sheep", "evaluate sheep --compare sheep", "sweep run layers",
]  # fmt: skip


@pytest.mark.parametrize("arguments", [*EVERYDAY, *(pytest.param(one, marks=pytest.mark.thorough) for one in OTHERS)])
def test_no_command_moves_the_cursor_of_a_dumb_terminal(arguments: str, trained: str, small_text: Path) -> None:
    if arguments.startswith("sweep"):
        settings = ["--preset", "quick", "--hidden-size", "8", "--epochs", "1", "--streams", "2", "--window", "10"]
        call("sweep", "new", "layers", "--corpus", small_text, "--vary", "num_layers=1,2", *settings)
    code, shown = run_in_terminal("dumb", *arguments.split())
    assert code == 0
    assert not CURSOR.search(shown)
    assert not DRAWN.search(shown)


@pytest.mark.parametrize(("term", "is_tty", "drawn"), [
    ("xterm", True, True), ("", True, True), ("dumb", True, False), ("unknown", True, False), ("xterm", False, False),
])  # fmt: skip
def test_bars_are_drawn_on_a_terminal_that_is_not_dumb(
    term: str, is_tty: bool, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(stdio, "is_terminal", lambda _: is_tty)
    assert stdio.draws_bars() == drawn
    assert stdio.bar("fetching").disable != drawn
