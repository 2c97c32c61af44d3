"""What ends the program from outside: ctrl-C in a shell, a polite kill, a terminal that is gone."""

import contextlib
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HANGUP = getattr(signal, "SIGHUP", 1)
ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

AGAIN_SECONDS = 0.05
"""After which a signal that came amid an import comes again."""

terminals = {0, 1, 2}
"""The descriptors that may lead to the terminal."""


class Ended(BaseException):
    """The program was told to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = exit_code(number)


def exit_code(number: int) -> int:
    """Return the exit code that a shell expects of a program that a signal ended."""
    return 128 + number


def heeded() -> list[signal.Signals]:
    """Return the signals that are to end the program: not those that it was started to ignore, as by nohup."""
    return [number for number in ENDINGS if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def handled(handle: Callable[[int], None]) -> Iterator[None]:
    """Have a function called for each such signal. Only in the main thread."""

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
    """Send a signal to the main thread, which may be asleep."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _imports(frame: FrameType | None) -> bool:
    """Tell whether a module is being imported: one that is broken off may be lost, and the exception with it."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def end(number: int) -> None:
    """End what is going on, wherever it is."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Ended(number)


def forget_terminal() -> None:
    """Send to nowhere what would go to a terminal that is gone: each write there would fail."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in tuple(terminals):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):  # isatty() says no to a terminal that is gone
                os.dup2(nowhere, descriptor)
    os.close(nowhere)
