import threading

import pytest

from core.control import Control
from tests.waiting import DEADLINE


def test_a_stop_ends_a_pause() -> None:
    control = Control()
    control.pause()
    assert control.paused
    waiter = threading.Thread(target=control.wait_while_paused)
    waiter.start()
    assert waiter.is_alive()
    control.stop()
    waiter.join(DEADLINE)
    assert not waiter.is_alive()
    assert control.stopped
    assert not control.paused


def test_a_stopped_run_cannot_be_paused() -> None:
    control = Control()
    control.stop()
    control.pause()
    assert not control.paused


def test_a_stop_that_comes_while_a_pause_begins_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    clear = control._awake.clear

    def stopped_first() -> None:
        control.stop()
        clear()

    monkeypatch.setattr(control._awake, "clear", stopped_first)
    control.pause()
    assert not control.paused


def test_a_requested_sample_wakes_a_paused_job_once() -> None:
    control = Control()
    control.pause()
    control.ask_for_sample()
    control.wait_while_paused()  # would hang if it did not wake
    assert control.takes_sample()
    assert not control.takes_sample()
    assert control.paused
    waiter = threading.Thread(target=control.wait_while_paused)
    waiter.start()
    assert not control._awake.is_set(), "it waits again"
    control.resume()
    waiter.join(DEADLINE)
    assert not waiter.is_alive()


def test_a_wait_ends_with_a_stop() -> None:
    control = Control()
    waiter = threading.Thread(target=control.wait, args=(10 * DEADLINE,), daemon=True)
    waiter.start()
    control.stop()
    waiter.join(DEADLINE)
    assert not waiter.is_alive()
