"""Unexpected input from a real terminal, and the exit of the app after an unexpected error."""

import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.checkpoints.training_state import load_snapshot
from core.runs.store import RunStore
from core.runs.summary import summarise
from tests.conftest import one_of_each_kind

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.tui.terminal.test_real_terminal import environment, start_training

F2, F3, F4 = "\x1bOQ", "\x1bOR", "\x1bOS"
X10 = b"\x1b[MC\xa5*"
"""A mouse report in the X10 form, past column 95."""
PIECES = {"whole": [X10], "after its escape": [X10[:1], X10[1:]], "amid it": [X10[:4], X10[4:]],
          "by bytes": [bytes([byte]) for byte in X10]}  # fmt: skip
CASES = 40
"""Number of cases of random bytes in a test, and in a thorough test."""


@pytest.fixture
def open_terminal(own_runs: Path, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Run Python in a terminal, in a folder of its own."""
    remember_small_settings()
    opened: list[Terminal] = []

    def open_one(*arguments: str) -> Terminal:
        opened.append(Terminal(sys.executable, list(arguments), environment(), columns=160, cwd=str(tmp_path)))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture
def terminal(open_terminal: Callable[..., Terminal]) -> Terminal:
    terminal = open_terminal("-m", "charlstm_tui")
    terminal.until_shown("s Start")
    return terminal


def leave_for_good(terminal: Terminal) -> int:
    """Quit from any screen, and discard a run; return the exit code."""
    terminal.send("\x11")
    terminal.until(lambda screen: not terminal.process.isalive() or "leave during a run?" in screen)
    if terminal.process.isalive():
        terminal.send("d")
    return terminal.exit_code()


@pytest.mark.parametrize("pieces", one_of_each_kind(["by bytes"], PIECES))
def test_an_x10_mouse_report_is_understood_and_sgr_is_requested_again(terminal: Terminal, pieces: str) -> None:
    asked = terminal.everything.count("\x1b[?1006h")
    for piece in PIECES[pieces]:
        terminal.send(piece)
        terminal.read(0.02)
    terminal.until(lambda screen: terminal.everything.count("\x1b[?1006h") > asked)
    tab = terminal.screen.display[0].index("F4 Generate")
    terminal.send(b"\x1b[M" + bytes([32, 33 + tab, 33]))  # pressed
    terminal.send(b"\x1b[M" + bytes([35, 33 + tab, 33]))  # and released
    terminal.until_shown("prompt ▸")
    assert leave_for_good(terminal) == 0


def type_latin_1(terminal: Terminal) -> None:
    terminal.send("d\xe9j\xe0 ".encode("latin-1"))
    terminal.send(X10)
    terminal.send(b"\xe9")  # may start a UTF-8 character: it is decoded as Latin-1 when nothing follows
    terminal.read(0.2)


def test_latin_1_typed_in_dialogs_and_on_screens_does_not_end_the_app(terminal: Terminal) -> None:
    for keys, shown in (("\x10", "Search"), ("\x1bOP", "A network learns here")):
        terminal.send(keys)
        terminal.until_shown(shown)
        type_latin_1(terminal)
        assert terminal.process.isalive(), shown
        terminal.send("\x1b")
        terminal.until(lambda screen, shown=shown: shown not in screen)  # type: ignore[misc]
    terminal.send("\t")
    type_latin_1(terminal)
    terminal.send(F3)
    terminal.until_shown("e Evaluate")
    type_latin_1(terminal)
    terminal.send(F4)
    terminal.until_shown("prompt ▸")
    type_latin_1(terminal)
    terminal.until_shown("prompt ▸ déjà é")
    assert leave_for_good(terminal) == 0
    assert "Traceback" not in terminal.everything


@pytest.mark.parametrize(
    ("seed", "cases"), [(43, CASES), *(pytest.param(seed, 400, marks=pytest.mark.thorough) for seed in (43, 44))]
)
def test_no_bytes_from_a_terminal_end_the_app(terminal: Terminal, seed: int, cases: int) -> None:
    chance = random.Random(seed)
    # Without keys that quit, suspend or download, and without Enter, which starts and saves things.
    left_out = set(b"\x03\x11\x1a\r\nfqQ")
    begun = [b"\x1b", b"\x1b[", b"\x1b[M", b"\x1b[<", b"\x1b[99999999u", b"\x1b[200~", b"\x1b[201~", b"\xc3", b"\xff"]
    for case in range(cases):
        drawn = bytes(byte for byte in chance.randbytes(chance.randint(1, 12)) if byte not in left_out)
        data = chance.choice(begun) + drawn if case % 2 else drawn
        split = chance.randint(0, len(data))
        terminal.send(data[:split])
        terminal.read(chance.choice([0, 0, 0.01]))
        terminal.send(data[split:])
        assert terminal.process.isalive(), f"case {case}: {data!r}"
    terminal.send(b"\x1b[201~")
    terminal.read(0.3)
    assert leave_for_good(terminal) == 0
    assert "Traceback" not in terminal.everything


FAILING = """
from charlstm_tui.app import CharLSTMApp
def fail(self):
    raise ZeroDivisionError("an unexpected error")
CharLSTMApp.action_explain = fail
{more}
from charlstm_tui.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "more",
    [
        "",
        "CharLSTMApp.action_explain = lambda self: self.panic('an unexpected error')",
        "def late(self):\n    self.exit(return_code=0)\n    fail(self)\nCharLSTMApp.action_explain = late",
    ],
)
def test_an_unexpected_error_exits_with_1(open_terminal: Callable[..., Terminal], more: str) -> None:
    terminal = open_terminal("-c", FAILING.format(more=more))
    terminal.until_shown("s Start")
    terminal.send("\x1bOP")
    assert terminal.exit_code() == 1
    assert "an unexpected error" in terminal.everything


def test_an_unexpected_error_saves_the_run_and_restores_the_terminal(
    open_terminal: Callable[..., Terminal], small_text: Path, store: RunStore
) -> None:
    terminal = open_terminal("-c", FAILING.format(more=""))
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    terminal.send("\x1bOP")
    assert terminal.exit_code() == 1
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_snapshot(run.last_path)
    assert f"`charlstm-tui train --resume {run.name}` resumes it." in terminal.text.replace("\n", " ")
    for mode in ("1000", "1003", "1006", "1049", "2004", "1004"):
        assert terminal.everything.rfind(f"\x1b[?{mode}l") > terminal.everything.rfind(f"\x1b[?{mode}h")
