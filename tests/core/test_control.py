import threading
import time

import pytest

from core.control import Control


def test_a_stop_ends_a_pause() -> None:
    control = Control()
    control.pause()
    assert control.paused
    waiter = threading.Thread(target=control.wait_while_paused)
    waiter.start()
    assert waiter.is_alive()
    control.stop()
    waiter.join(timeout=5)
    assert not waiter.is_alive()
    assert control.stopped
    assert not control.paused


def test_what_is_stopped_cannot_be_paused() -> None:
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


def test_a_sample_that_is_asked_for_wakes_a_paused_job_once() -> None:
    control = Control()
    control.pause()
    control.ask_for_sample()
    control.wait_while_paused()  # would hang if it did not wake
    assert control.takes_sample()
    assert not control.takes_sample()
    assert control.paused
    waiter = threading.Thread(target=control.wait_while_paused)
    waiter.start()
    waiter.join(timeout=0.1)
    assert waiter.is_alive(), "it rests again"
    control.resume()
    waiter.join(timeout=5)
    assert not waiter.is_alive()


def test_a_wait_ends_with_a_stop() -> None:
    control = Control()
    threading.Timer(0.05, control.stop).start()
    started = time.monotonic()
    control.wait(60)
    assert time.monotonic() - started < 30
