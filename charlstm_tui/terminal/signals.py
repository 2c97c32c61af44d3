"""The signals that end the program: SIGINT (ctrl-C), SIGTERM, and SIGHUP (the terminal was closed).

Windows has no SIGHUP. It has SIGBREAK: ctrl-Break, and how a program stops the processes that it has started. When the
window of its console is closed, Windows ends the program at once.
"""

import contextlib
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HANGUP = getattr(signal, "SIGHUP", 1)
ENDINGS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)

AGAIN_SECONDS = 0.05
"""Seconds after which a signal that came during an import is sent again."""

terminals = {0, 1, 2}
"""The descriptors that may point to the terminal."""


class Ended(BaseException):
    """A signal other than SIGINT has ended the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = exit_code(number)


def exit_code(number: int) -> int:
    """Return the exit code by which shells report a program that a signal ended."""
    return 128 + number


def heeded() -> list[signal.Signals]:
    """Return the signals that end the program, without those that its parent has set to be ignored, as nohup does."""
    return [number for number in ENDINGS if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def handled(handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` with the number of each signal that ends the program. Use it in the main thread only."""

    def handler(number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            forget_terminal()
        if _imports(frame):
            again = threading.Timer(AGAIN_SECONDS, _again, (number,))
            again.daemon = True
            again.start()
        else:
            handle(number)

    before = {number: signal.signal(number, handler) for number in heeded()}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)


def _again(number: int) -> None:
    """Send a signal to the main thread, which wakes it if it sleeps."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _imports(frame: FrameType | None) -> bool:
    """Return whether a module is being imported: an exception there may leave it broken, or may be lost."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def end(number: int) -> None:
    """Raise the exception that ends the program.

    Raises:
        KeyboardInterrupt: after SIGINT.
        Ended: after another signal.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Ended(number)


def forget_terminal() -> None:
    """Redirect the descriptors of a closed terminal to the null device: each write to it would fail."""
    null_device = os.open(os.devnull, os.O_RDWR)
    for descriptor in tuple(terminals):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):  # isatty() returns False for a closed terminal
                os.dup2(null_device, descriptor)
    os.close(null_device)
