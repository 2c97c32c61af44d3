"""Ctrl-Z for commands in a shell: the time until `fg` is not counted as training time. The app's driver has its own."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from core import stopped_time

STOPPING_SECONDS = 0.05
"""Seconds to wait for the process to stop: another thread may have received the signal."""


@contextmanager
def suspension(before: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
    """On ctrl-Z, call `before`, stop the process, and call `after` once it was continued.

    It changes nothing on Windows, in other threads than the main one, and where the signal is ignored, because no shell
    could continue the process.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(number: int, frame: FrameType | None) -> None:
        before()
        stopped_time.begin()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        time.sleep(STOPPING_SECONDS)
        stopped_time.end()
        signal.signal(signal.SIGTSTP, handler)
        after()

    found = signal.getsignal(signal.SIGTSTP)
    if found is signal.SIG_DFL:
        signal.signal(signal.SIGTSTP, handler)
    try:
        yield
    finally:
        if found is signal.SIG_DFL:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
