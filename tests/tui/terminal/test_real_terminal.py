"""The app in a real terminal, used by its keys."""

import os
import random
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from charlstm_tui.terminal.redirect_output import printed_path
from core.checkpoints.checkpoint import load_checkpoint
from core.checkpoints.training_state import load_snapshot
from core.runs.run import Run
from core.runs.store import RunStore
from core.runs.summary import epochs_of, summarise

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.processes import let_no_save_end
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.waiting import wait_until

ESCAPE = "\x1b"
THOROUGH = pytest.mark.thorough
F2, F3, F4 = "\x1bOQ", "\x1bOR", "\x1bOS"


@pytest.fixture(autouse=True)
def small_settings(own_runs: Path) -> None:

    remember_small_settings()


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a terminal emulator, without that of the tests' own terminal."""
    said = ("NO_COLOR", "TEXTUAL", "COLORTERM", "LANG", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING")
    kept = {key: value for key, value in os.environ.items() if key not in said}
    return kept | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | changes


@pytest.fixture
def open_app() -> Iterator[Callable[..., Terminal]]:
    """Return a function that opens the app in a terminal with these environment variables."""
    opened: list[Terminal] = []

    def open_one(*arguments: str, **changes: str) -> Terminal:
        opened.append(Terminal(sys.executable, ["-m", "charlstm_tui", *arguments], environment(**changes)))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.fixture
def terminal(open_app: Callable[..., Terminal]) -> Terminal:
    return open_app()


def start_training(terminal: Terminal, text: Path) -> None:
    terminal.until_shown("s Start")
    terminal.send("\t")
    terminal.until(lambda screen: "s Start" not in screen)  # the input has the focus and takes letters
    terminal.send(str(text))
    terminal.until_shown(text.name)
    terminal.send("\x1b")
    terminal.until_shown("s Start")
    terminal.send("s")


def leave(terminal: Terminal, answer: str) -> int:
    """Quit during a run and answer the question about it; return the exit code."""
    terminal.send("\x11")  # ctrl-Q, which also works in an input
    terminal.until_shown("leave during a run?")
    terminal.send(answer)
    return terminal.exit_code()


def test_train_stop_generate_inspect_and_quit(terminal: Terminal, tmp_path: Path, store: RunStore) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Où est l'argent? Il est là, dit-il; ah! le voilà.\n" * 400, encoding="utf-8")
    start_training(terminal, text)
    terminal.until(lambda screen: "loading PyTorch" in screen or "training" in screen)
    screen = terminal.until(lambda screen: re.search(r"\d\.\d{4} → \d\.\d{4}", screen) is not None)
    first, second = (float(loss) for loss in re.findall(r"(\d\.\d{4}) → (\d\.\d{4})", screen)[0])
    assert second < first
    assert re.search(r"[▁▂▃▄▅▆▇█]", screen), "the sparkline is there"
    terminal.send("x")
    terminal.until_shown("Stop, save")
    terminal.send("s")
    terminal.until_shown("stopped, saved")
    terminal.until_shown("verdict")
    (run,) = store.all()
    assert load_checkpoint(run.checkpoint_path).epoch >= 1

    terminal.send("3")
    terminal.until_shown("prompt ▸")
    terminal.until_shown("small-1")
    terminal.send("Où est là")
    terminal.until_shown("prompt ▸ Où est là")
    terminal.send("\r")

    def written(screen: str) -> int:
        return int((re.search(r"([\d,]+) characters", screen) or ["", "0"])[1].replace(",", ""))

    before = written(terminal.until(lambda screen: written(screen) > 10))
    after = written(terminal.until(lambda screen: written(screen) > before + 30))
    assert after > before
    assert "│ Où est" in terminal.text, "the pane shows the prompt and what follows"
    terminal.send(ESCAPE)
    terminal.until_shown("c Continue")
    stopped = written(terminal.text)
    terminal.send("c")
    terminal.until(lambda screen: written(screen) > stopped + 20)
    terminal.send(ESCAPE)
    terminal.until_shown("c Continue")
    count = written(terminal.text)
    terminal.send("s")
    terminal.until_shown("save the text")
    saved = tmp_path / "écrit.txt"
    terminal.send(f"{saved}\r")
    terminal.until_shown("Saved:")
    content = saved.read_text(encoding="utf-8")
    assert content.startswith("Où est là")
    assert len(content) == len("Où est là") + count + len("\n")

    terminal.send("4")
    terminal.until_shown("text ▸")
    terminal.send("Où est là\r")
    terminal.until_shown("after O · 1 of 9")
    terminal.send("\x1b[C" * 20)  # as a key that is held down
    terminal.until_shown("after à · 9 of 9")
    terminal.send("q")
    assert terminal.exit_code() == 0


@pytest.mark.thorough
def test_quitting_during_a_run_saves_it(terminal: Terminal, tmp_path: Path, store: RunStore) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Où est l'argent? Il est là, dit-il; ah! le voilà.\n" * 4000, encoding="utf-8")
    start_training(terminal, text)
    terminal.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    assert leave(terminal, "s") == 0
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_checkpoint(run.last_path)


def test_the_app_can_be_quit_while_pytorch_is_loading(terminal: Terminal, small_text: Path) -> None:
    start_training(terminal, small_text)
    terminal.until_shown("x Stop")
    terminal.send("q")
    assert terminal.exit_code() == 0


def _has_footer_in_row(row: int, screen: str) -> bool:
    return "s Start" in screen.split("\n")[row - 1]


def test_the_app_can_be_quit_as_soon_as_it_is_shown(terminal: Terminal) -> None:
    terminal.until_shown("Evaluate")  # in the top line, before the form is laid out
    terminal.send("\x11")
    assert terminal.exit_code() == 0
    assert "Traceback" not in terminal.everything


def test_a_smaller_and_a_larger_window_are_filled(terminal: Terminal) -> None:
    terminal.until_shown("Start training")
    for columns, rows in ((120, 40), (60, 15), (80, 24)):
        terminal.resize(columns, rows)
        terminal.until(partial(_has_footer_in_row, rows))
    terminal.send("\x11")  # ctrl-Q, which also works in an input
    assert terminal.exit_code() == 0


@pytest.mark.thorough
@pytest.mark.parametrize(("key", "number", "code"), [("\x03", 0, 130), ("", "SIGTERM", 143)])
def test_ctrl_c_and_signals_save_the_run_and_end_the_app(
    terminal: Terminal, small_text: Path, store: RunStore, key: str, number: str, code: int
) -> None:
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    if key:
        terminal.send(key)
    else:
        os.kill(terminal.process.pid, getattr(signal, number))
    assert terminal.exit_code() == code
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_snapshot(run.last_path)


def test_a_second_ctrl_c_does_not_wait_for_a_save_that_hangs(
    terminal: Terminal, small_text: Path, store: RunStore
) -> None:
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"epoch +[2-9]", screen) is not None)
    (run,) = store.all()
    terminal.until(lambda screen: run.last_path.exists())
    let_no_save_end(run)
    terminal.send("\x03")
    terminal.until_shown("stopping")
    terminal.send("\x03")
    assert terminal.exit_code() == 130
    load_snapshot(run.last_path)


@pytest.mark.parametrize("ignoring", [False, pytest.param(True, marks=THOROUGH)])
def test_a_closed_terminal_leaves_no_process_and_a_saved_run(small_text: Path, store: RunStore, ignoring: bool) -> None:
    ignore = "trap '' HUP; " if ignoring else ""  # as nohup does
    command = f"{ignore}exec {sys.executable} -m charlstm_tui"
    terminal = Terminal("/bin/sh", ["-c", command], environment())
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    os.close(terminal.process.child_fd)
    ended: list[int] = []

    def is_over() -> bool:
        pid, status = os.waitpid(terminal.process.pid, os.WNOHANG)
        ended.extend([os.waitstatus_to_exitcode(status)] if pid else [])
        return bool(pid)

    wait_until(is_over)
    if not ignoring:
        assert ended == [129]
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_snapshot(run.last_path)


def test_a_run_stopped_in_one_session_is_resumed_in_another(
    open_app: Callable[..., Terminal], small_text: Path, store: RunStore
) -> None:
    terminal = open_app()
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"epoch +[2-9]", screen) is not None)
    assert leave(terminal, "s") == 0
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_checkpoint(run.last_path)
    done = summarise(run).epochs
    again = open_app()
    again.until_shown("Start training")
    again.send("r")
    again.until(lambda screen: re.search(rf"stopped +{done} epoch", screen) is not None)
    again.send("\r")
    again.until_shown("● training")
    again.until_shown(f"{epochs_of(run.events())[0].train_loss:.4f} → ")
    again.until(lambda screen: summarise(run).epochs > done)
    assert leave(again, "s") == 0
    assert [epoch.epoch for epoch in epochs_of(run.events())] == list(range(1, summarise(run).epochs + 1))


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        pytest.param(["--glyphs", "ascii"], {}, marks=THOROUGH),
        ([], {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
)
def test_only_ascii_reaches_a_terminal_with_an_ascii_encoding(
    open_app: Callable[..., Terminal], small_text: Path, arguments: list[str], changes: dict[str, str]
) -> None:
    terminal = open_app(*arguments, **changes)
    start_training(terminal, small_text)
    screen = terminal.until(lambda screen: re.search(r"epoch +[3-9]", screen) is not None)
    assert screen.isascii()
    assert "validation" in screen
    assert "?" not in screen.split("Sample  ")[0], "no drawn character becomes a question mark"


def test_sixteen_colours_are_the_terminal_s_own(open_app: Callable[..., Terminal]) -> None:
    terminal = open_app(TERM="xterm-16color")
    terminal.until_shown("Start training")
    assert re.search(r"\x1b\[(\d+;)*3[1-7][;m]", terminal.everything), "it has colours"
    assert not re.search(r"\x1b\[(\d+;)*[34]8;[25];", terminal.everything), "and none beyond the terminal's sixteen"
    terminal.send("q")
    assert terminal.exit_code() == 0


def test_no_color_draws_in_greys_and_ascii_glyphs_are_ascii(open_app: Callable[..., Terminal]) -> None:
    terminal = open_app("--glyphs", "ascii", NO_COLOR="1", COLORTERM="truecolor")
    assert terminal.until_shown("Start training").isascii()
    painted = re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", terminal.everything)
    assert painted
    assert all(red == green == blue for red, green, blue in painted), "greys only"
    terminal.send("q")
    assert terminal.exit_code() == 0


def test_a_dumb_terminal_gets_an_error_message_with_the_commands(open_app: Callable[..., Terminal]) -> None:
    terminal = open_app(TERM="dumb")
    assert terminal.exit_code() == 2
    assert "this one calls itself dumb (TERM=dumb)" in terminal.everything


def test_a_data_folder_that_cannot_be_is_refused_in_a_sentence(open_app: Callable[..., Terminal]) -> None:
    terminal = open_app(CHARLSTM_DATA="~nobody-of-that-name/x")
    assert terminal.exit_code() == 2
    assert "~nobody-of-that-name/x begins with the name of a user who is not there." in terminal.everything
    assert "Traceback" not in terminal.everything


def test_a_window_can_be_resized_during_training_and_generation(
    open_app: Callable[..., Terminal], trained: Run, small_text: Path
) -> None:
    terminal = open_app()
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    chance = random.Random(0)

    def shake() -> None:
        for _ in range(15):
            terminal.resize(chance.randint(1, 200), chance.randint(1, 60))
            terminal.read(chance.uniform(0, 0.03))
        terminal.resize(40, 12)
        terminal.until_shown("needs more room")
        terminal.resize(100, 30)

    shake()
    before = terminal.until(lambda screen: re.search(r"epoch +\d", screen) is not None)
    terminal.until(lambda screen: _epoch(screen) > _epoch(before))
    terminal.send(F4)
    terminal.until_shown("prompt ▸")
    terminal.send("\r")
    terminal.until(lambda screen: re.search(r"\d+ characters", screen) is not None)
    shake()
    terminal.until(lambda screen: re.search(r"\d+ characters", screen) is not None)
    terminal.until(lambda screen: "F2 Train  F3 Evaluate  F4 Generate" in screen.splitlines()[0])
    assert leave(terminal, "d") == 0
    assert "Traceback" not in terminal.everything


def _epoch(screen: str) -> int:
    found = re.search(r"epoch +([\d,]+)", screen)
    return int(found[1].replace(",", "")) if found else 0


def test_output_of_c_code_does_not_reach_the_screen_and_ctrl_c_saves_the_run(
    open_app: Callable[..., Terminal], small_text: Path, store: RunStore
) -> None:
    """With ONEDNN_VERBOSE, oneDNN prints each operation to standard output from C code."""
    terminal = open_app(ONEDNN_VERBOSE="1")
    start_training(terminal, small_text)
    terminal.until(lambda screen: re.search(r"\d\.\d{4}", screen) is not None)
    terminal.until_shown("● training")
    assert "onednn" not in terminal.everything
    terminal.send("\x03")
    assert terminal.exit_code() == 130
    assert "onednn" not in terminal.everything
    (run,) = store.all()
    assert summarise(run).state == "stopped"
    load_snapshot(run.last_path)
    assert "onednn_verbose" in printed_path().read_text(encoding="utf-8", errors="replace")


def test_evaluate_ask_about_a_character_and_save(terminal: Terminal, trained: Run, tmp_path: Path) -> None:
    terminal.until_shown("s Start")
    terminal.send(F3)
    terminal.until_shown("sheep · moutons")
    terminal.send("e")
    screen = terminal.until(lambda screen: "by part" in screen)
    assert re.search(r"uniform +\d\.\d{4} +█", screen)
    assert re.search(r"this model +\d\.\d{4}", screen)
    terminal.send("t")
    terminal.until_shown("expected")
    asked = re.search(r"‘.’ had [\d.]+", terminal.text)
    assert asked is not None
    terminal.send("\x1b[B\x1b[C")
    terminal.until(lambda screen: re.search(r"‘.’ had [\d.]+", screen) is not None)
    terminal.until(lambda screen: asked[0] not in screen)
    terminal.until(lambda screen: "e Evaluate" in screen)
    terminal.send("s")
    terminal.until_shown("save the report")
    saved = tmp_path / "mesuré.md"
    terminal.send(f"{saved}\r")
    terminal.until_shown("Saved:")
    assert "## Copying, sample" in saved.read_text(encoding="utf-8")
    terminal.send("q")
    assert terminal.exit_code() == 0
