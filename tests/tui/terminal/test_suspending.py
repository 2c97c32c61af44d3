"""Ctrl-Z suspends the app and `fg` continues it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.state.keys import keys_of
from charlstm_tui.terminal.posix_driver import REPEATED_SECONDS
from charlstm_tui.terminal.suspending import suspension
from core.events import EpochCompleted, from_json
from core.runs.store import RunStore

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.tui.terminal.test_real_terminal import environment, start_training

MODES = ("1000", "1003", "1006", "1049", "2004", "1004")
"""Terminal modes that the app sets: mouse reports, alternate screen, bracketed paste and focus reports."""
HELD_SECONDS = 3.0
"""Seconds for which a test holds a run: many times as long as a step."""


class Shell(Terminal):
    """A terminal with a shell that has job control."""

    def __init__(self, *command: str) -> None:
        super().__init__(*(command[0], list(command[1:])), environment(PS1="shell> ", ENV=""))
        self.until_shown("shell>")
        self.at_shell = self.attributes

    def open_app(self) -> None:
        """Start the app."""
        self.send(f"{sys.executable} -m charlstm_tui\n")
        self.until_shown("s Start")
        self.until_shown("to beat" if self.screen.columns >= 100 else "nats/char")  # the forecast is complete

    @property
    def attributes(self) -> list[object]:
        """Return the settings of the terminal line."""
        return list(termios.tcgetattr(self.process.child_fd))

    @property
    def app(self) -> psutil.Process:
        """The app's process."""
        (child,) = psutil.Process(self.process.pid).children()
        return child

    def until_stopped(self) -> None:
        """Wait until the shell reports that the app is stopped."""
        app = self.app
        self.until(lambda screen: "shell>" in screen and app.status() == psutil.STATUS_STOPPED)

    def type(self, line: str) -> None:
        """Type a line in the shell."""
        self.send(f"{line}\n")

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is shown."""
        return self.everything.rfind("\x1b[?25h") > self.everything.rfind("\x1b[?25l")

    def on(self, mode: str) -> bool:
        """Return whether the app has set a mode of the terminal and not reset it."""
        return self.everything.rfind(f"\x1b[?{mode}h") > self.everything.rfind(f"\x1b[?{mode}l")


@contextmanager
def shell_of(*command: str) -> Iterator[Shell]:
    remember_small_settings()
    shell = Shell(*command)
    yield shell
    for process in psutil.Process(shell.process.pid).children(recursive=True):
        process.kill()
    shell.close()


@pytest.fixture
def shell(own_runs: Path) -> Iterator[Shell]:
    with shell_of("/bin/sh", "-i") as shell:
        shell.open_app()
        yield shell


@pytest.fixture
def bash(own_runs: Path) -> Iterator[Shell]:
    found = shutil.which("bash")
    if found is None:
        pytest.skip("no bash")
    with shell_of(found, "--norc", "--noprofile", "-i") as shell:
        yield shell


def test_a_suspended_app_restores_the_terminal_and_is_redrawn_when_it_continues(shell: Shell) -> None:
    before, raw = shell.text, shell.attributes
    shell.send("\x1a")
    shell.until_stopped()
    assert "1 Train" not in shell.text
    shell.until(lambda screen: shell.attributes == shell.at_shell)  # the shell sets its modes after the prompt
    assert not any(map(shell.on, MODES))
    shell.type("fg")
    shell.until(lambda screen: screen == before)
    assert shell.attributes == raw
    assert all(map(shell.on, MODES))
    shell.send("q")
    shell.until_shown("shell>")
    shell.until(lambda screen: shell.attributes == shell.at_shell)  # the shell sets its modes after the prompt


def test_a_signal_suspends_as_the_key_does(shell: Shell) -> None:
    before = shell.text
    for number in (signal.SIGTSTP, signal.SIGSTOP):  # SIGSTOP cannot be caught: the shell restores the terminal
        shell.app.send_signal(number)
        shell.until_stopped() if number == signal.SIGTSTP else shell.until(
            lambda screen: shell.app.status() == psutil.STATUS_STOPPED
        )
        shell.type("fg")
        shell.until(lambda screen: screen == before)
    shell.send("q")
    shell.until_shown("shell>")
    shell.until(lambda screen: shell.attributes == shell.at_shell)  # the shell sets its modes after the prompt


def test_a_window_resized_while_the_app_is_suspended_is_filled(shell: Shell) -> None:
    shell.send("\x1a")
    shell.until_stopped()
    shell.resize(120, 40)
    shell.type("fg")
    shell.until(lambda screen: "s Start" in screen.split("\n")[39] and "forecast ─" in screen)
    shell.resize(80, 24)
    shell.until(lambda screen: "s Start" in screen.split("\n")[23])


def test_in_the_background_it_stays_suspended(shell: Shell) -> None:
    before = shell.text
    shell.send("\x1a")
    shell.until_stopped()
    shell.type("bg")
    shell.type("echo $((6 * 7))")
    shell.until(lambda screen: "\n42" in screen and shell.app.status() == psutil.STATUS_STOPPED)
    assert "1 Train" not in shell.text
    shell.type("fg")
    shell.until(lambda screen: screen == before)


def test_it_can_be_suspended_from_a_dialog_and_from_a_box(shell: Shell) -> None:
    for keys, shown in (("\x1bOP", "Before a run"), ("\x10", "Search"), ("\x1bOS", "prompt ▸")):
        shell.send(keys)
        shell.until_shown(shown)
        shell.send("\x1a")
        shell.until_stopped()
        shell.type("fg")
        shell.until_shown(shown)
        shell.send("\x1b")
        shell.until(lambda screen, shown=shown: shown not in screen or shown == "prompt ▸")  # type: ignore[misc]


def test_a_run_is_held_while_the_app_is_suspended_and_its_clock_too(
    bash: Shell, small_text: Path, own_runs: Path
) -> None:
    bash.open_app()
    start_training(bash, small_text)
    bash.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    for _ in range(2):
        time.sleep(2 * REPEATED_SECONDS)  # so that the second is no repetition of the first
        bash.send("\x1a")
        bash.until_stopped()
        bash.until_shown("The run is held. `fg` continues it.")
        time.sleep(HELD_SECONDS)
        before = seconds_trained(own_runs)[-1]
        bash.type("fg")
        bash.until_shown("The run was held for")
        assert longest_epoch_after(before, bash, own_runs) < HELD_SECONDS
    bash.send("\x03")
    bash.until(lambda screen: screen.split("\n")[0] == "" or "shell>" in screen.rstrip().split("\n")[-1])


def longest_epoch_after(begin: float, shell: Shell, runs: Path) -> float:
    """Wait for the next epochs, and return the longest time between the ends of two."""
    shell.until(lambda screen: sum(seconds > begin for seconds in seconds_trained(runs)) > 3)
    ends = [seconds for seconds in seconds_trained(runs) if seconds >= begin]
    return max(end - before for before, end in pairwise(ends))


def seconds_trained(runs: Path) -> list[float]:
    """Return the seconds of training at the end of each epoch of the only run."""
    (run,) = RunStore(runs).all()
    lines = run.metrics_path.read_text(encoding="utf-8").splitlines(keepends=True)
    events = (from_json(line) for line in lines if line.endswith("\n"))
    return [event.elapsed_seconds for event in events if isinstance(event, EpochCompleted)]


def test_a_key_that_is_pressed_twice_suspends_once(bash: Shell) -> None:
    bash.open_app()
    before = bash.text
    bash.send("\x1a\x1a")
    bash.until_stopped()
    bash.type("fg")
    bash.until(lambda screen: screen == before)
    bash.send("\x1bOR")
    bash.until_shown("e Evaluate")
    bash.send("\x1a")  # and once more, later
    bash.until_stopped()
    bash.type("fg")
    bash.until_shown("e Evaluate")
    bash.send("q")
    bash.until(lambda screen: not psutil.Process(bash.process.pid).children())


def test_train_in_a_shell_can_be_suspended_and_shows_the_cursor_meanwhile(
    bash: Shell, small_text: Path, own_runs: Path
) -> None:
    options = "--epochs 100000 --hidden-size 16 --streams 4 --window 20 --threads 1"
    bash.type(f"{sys.executable} -m charlstm_tui train --corpus {small_text} {options}")
    bash.until_shown("char/s")
    assert not bash.shows_cursor
    bash.send("\x1a")
    bash.until_stopped()
    bash.until(lambda screen: bash.shows_cursor)
    time.sleep(HELD_SECONDS)
    before = seconds_trained(own_runs)[-1]
    bash.type("fg")
    assert longest_epoch_after(before, bash, own_runs) < HELD_SECONDS
    bash.until(lambda screen: not bash.shows_cursor)
    bash.send("\x03")
    bash.until_shown("stopped after")
    bash.until(lambda screen: bash.shows_cursor)


def epoch_shown(screen: str) -> int:
    found = re.search(r"epoch +([\d,]+)", screen)
    return int(found[1].replace(",", "")) if found else 0


def test_without_a_shell_the_app_says_that_it_cannot_be_suspended_and_continues(own_runs: Path) -> None:
    remember_small_settings()
    terminal = Terminal(sys.executable, ["-m", "charlstm_tui"], environment())  # the terminal's own program
    try:
        terminal.until_shown("s Start")
        terminal.send("\x1a")
        terminal.until_shown("cannot be suspended here")
        terminal.send("q")
        assert terminal.exit_code() == 0
    finally:
        terminal.close()


async def test_the_app_says_where_it_cannot_be_suspended(app: CharLSTMApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+z")
        (said,) = app._notifications
        assert "cannot be suspended in a browser" in said.message


async def test_the_help_and_the_palette_name_the_key(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        named = {key.shown: key.does for key in keys_of(app.screen, app)}
        assert named["^z"].startswith("Suspend")
        assert any(command.title.startswith("Suspend") for command in app.get_system_commands(app.screen))


@contextmanager
def tstp(handler: object) -> Iterator[None]:
    before = signal.signal(signal.SIGTSTP, handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    with tstp(signal.SIG_IGN), suspension(lambda: None, lambda: None):
        assert signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN
    with tstp(signal.SIG_DFL):
        with suspension(lambda: None, lambda: None):
            assert callable(signal.getsignal(signal.SIGTSTP))
        assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL


PROGRAM = """
import time
from charlstm_tui.terminal.suspending import suspension
from core import stopped_time
with suspension(lambda: print("before", flush=True), lambda: print("after", flush=True)):
    began, real = stopped_time.running_time(), time.perf_counter()
    print("ready", flush=True)
    input()
    print(time.perf_counter() - real - (stopped_time.running_time() - began))
"""


def test_a_process_that_is_stopped_twice_counts_neither_time() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
    )
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == "ready\n"
        stopped = 0.0
        for _ in range(2):
            program.send_signal(signal.SIGTSTP)
            assert os.WIFSTOPPED(os.waitpid(program.pid, os.WUNTRACED)[1])
            assert program.stdout.readline() == "before\n"
            began = time.perf_counter()
            time.sleep(0.3)
            stopped += time.perf_counter() - began
            program.send_signal(signal.SIGCONT)
            assert program.stdout.readline() == "after\n"
        not_counted = float(program.communicate("\n")[0])
        assert not_counted >= stopped
    finally:
        program.kill()
        program.wait()
