"""Signals that arrive during an import."""

import importlib
import signal
import sys
import time
from pathlib import Path

import pytest

from charlstm_tui.terminal.signals import Ended, end, handled
from tests.waiting import DEADLINE


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Ended)])
def test_a_signal_during_an_import_waits_until_the_module_is_loaded(
    number: int, raised: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"imported_amid_{number}"
    code = "import signal, time\nhalf = True\nsignal.raise_signal({})\ntime.sleep(0.2)\nwhole = True\n"
    (tmp_path / f"{name}.py").write_text(code.format(int(number)), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(raised):
            import_and_wait(name)
    finally:
        signal.signal(signal.SIGINT, before)
    assert sys.modules[name].whole


def import_and_wait(name: str) -> None:
    with handled(end):
        importlib.import_module(name)
        time.sleep(DEADLINE)
