"""Ctrl-Z suspends the app and `fg` continues it."""

import re
import signal
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.state.keys import keys_of

pytest.importorskip("pexpect", reason="no pseudo-terminals on this system")
from tests.tui.real_terminal import Terminal
from tests.tui.settings import remember_small_settings
from tests.tui.terminal.test_real_terminal import environment, start_training

MODES = ("1000", "1003", "1006", "1049", "2004", "1004")
"""Terminal modes that the app sets: mouse reports, alternate screen, bracketed paste and focus reports."""


class Shell(Terminal):
    """A terminal with a shell that has job control, in which the app is started."""

    def __init__(self) -> None:
        super().__init__("/bin/sh", ["-i"], environment(PS1="shell> ", ENV=""))
        self.until_shown("shell>")
        self.at_shell = self.attributes
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

    def on(self, mode: str) -> bool:
        """Return whether the app has set a mode of the terminal and not reset it."""
        return self.everything.rfind(f"\x1b[?{mode}h") > self.everything.rfind(f"\x1b[?{mode}l")


@pytest.fixture
def shell(own_runs: Path) -> Iterator[Shell]:
    remember_small_settings()
    shell = Shell()
    yield shell
    for process in psutil.Process(shell.process.pid).children(recursive=True):
        process.kill()
    shell.close()


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


def test_a_run_pauses_while_the_app_is_suspended_and_then_continues(shell: Shell, small_text: Path) -> None:
    start_training(shell, small_text)
    shell.until(lambda screen: re.search(r"step +[1-9]\d* /", screen) is not None)
    shell.send("\x1a")
    shell.until_stopped()
    shell.type("fg")
    before = epoch_shown(shell.until(lambda screen: epoch_shown(screen) > 0))
    shell.until(lambda screen: epoch_shown(screen) > before)
    shell.send("\x03")
    shell.until_shown("shell>")


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
