"""Lesson 3 in a real terminal: from the recipe to the test loss and a generated text, and its report."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from charlstm_tui.lessons.progress import load_progress
from charlstm_tui.state.preferences import Preferences, save_preferences
from core.data.corpus import CorpusConfig
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.settings.presets import PRESETS

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.terminal.test_real_terminal import environment

F2, F7 = "\x1bOQ", "\x1b[18~"
LEFT = "\x1b[D"


@pytest.fixture
def terminal(own_runs: Path, small_text: Path) -> Iterator[Terminal]:
    notebook = PRESETS["notebook"]
    config = RunConfig(
        preset=notebook.name,
        corpus=CorpusConfig(source=str(small_text), limit=100_000),
        model=notebook.model,
        training=msgspec.structs.replace(notebook.training, threads=1),
    )
    save_preferences(Preferences(run=config))
    arguments = ["-m", "charlstm_tui", "--lesson", "3", "--language", "en"]
    terminal = Terminal(sys.executable, arguments, environment(), columns=120, rows=40)
    yield terminal
    terminal.close()


def explanation(screen: str) -> str:
    """Return the first line of the explanation of an answer; empty if there is none."""
    found = re.search(r"▌ ([✓✗] (?!done).*)", screen)
    return found[1] if found else ""


def answer(terminal: Terminal, place: str) -> None:
    """Go to the panel at this step, try the answers from the first one until one is right, and go to the next step."""
    terminal.until(lambda screen: place in screen and "✓ done" in screen)
    terminal.send(F7)
    terminal.until_shown("n Skip")
    terminal.send("\r")
    said = explanation(terminal.until(lambda screen: bool(explanation(screen))))
    while said.startswith("✗"):
        terminal.send("\x1b[B")
        terminal.send("\r")
        said = explanation(terminal.until(lambda screen, said=said: explanation(screen) not in ("", said)))  # type: ignore[misc]
    terminal.send("\r")
    terminal.until(lambda screen: place not in screen and "n Skip" not in screen)


@pytest.mark.thorough
def test_lesson_three_is_followed_to_its_end(terminal: Terminal, store: RunStore) -> None:
    terminal.until_shown("The first training · ")
    answer(terminal, "1/6")
    terminal.send("s")
    answer(terminal, "2/6")
    answer(terminal, "3/6")
    for _ in range(25):
        terminal.send(LEFT)
    answer(terminal, "4/6")
    terminal.send("e")
    answer(terminal, "5/6")
    terminal.send(F2)
    terminal.until_shown("F2 Train")
    terminal.send("g")
    terminal.until_shown("prompt ▸")
    terminal.send("\r")
    answer_last = lambda screen: "6/6" in screen and "✓ done" in screen  # noqa: E731
    terminal.until(answer_last)
    terminal.send(F7)
    terminal.until_shown("n Skip")
    terminal.send("n")
    terminal.until_shown("lessons")
    (run,) = store.all()
    result = load_progress().lessons["first-training"]
    assert result.runs == (run.name,)
    assert all(step.done for step in result.steps.values())
    assert [one.model for one in result.evaluations] == [run.name]
    terminal.send("\x1b")
    terminal.until_shown("F4 Generate")
    terminal.send("\x11")  # Ctrl-Q
    assert terminal.exit_code() == 0
