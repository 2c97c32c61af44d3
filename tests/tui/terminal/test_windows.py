"""The app's driver and signals where the system lacks what Linux has."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import NoReturn

import pytest
from textual.drivers.web_driver import WebDriver

from charlstm_tui.terminal.app_signals import LoopSignals
from charlstm_tui.terminal.driver import driver_class
from tests.conftest import REPOSITORY
from tests.waiting import DEADLINE

if sys.platform == "win32":
    pytest.skip("Windows is simulated", allow_module_level=True)


def test_the_console_of_windows_has_textuals_own_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    assert driver_class(lambda: None) is not None
    monkeypatch.setattr(sys, "platform", "win32")
    assert driver_class(lambda: None) is None
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    driver = driver_class(lambda: None)
    assert driver is not None
    assert issubclass(driver, WebDriver)


async def test_signals_reach_an_event_loop_that_cannot_handle_them_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    def refuse(*arguments: object) -> NoReturn:
        raise NotImplementedError  # as Windows' event loops do

    monkeypatch.setattr(loop, "add_signal_handler", refuse)
    monkeypatch.setattr(loop, "remove_signal_handler", refuse)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    came: asyncio.Queue[int] = asyncio.Queue()
    watching = LoopSignals(came.put_nowait)
    watching.watch()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(came.get(), DEADLINE) == signal.SIGTERM
    finally:
        watching.unwatch()
    assert {number: signal.getsignal(number) for number in before} == before


def test_ctrl_break_ends_the_program_as_a_signal() -> None:
    code = (
        "import signal; signal.SIGBREAK = signal.SIGUSR1\n"
        "from charlstm_tui.terminal.signals import Ended, end, handled\n"
        "with handled(end):\n"
        "    try: signal.raise_signal(signal.SIGBREAK)\n"
        "    except Ended as ended: print(ended.exit_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 128 + signal.SIGUSR1
