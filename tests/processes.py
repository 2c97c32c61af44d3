"""What tests that start the program as a process of its own share."""

import contextlib
import os
import signal

from core.runs.run import Run
from tests.waiting import wait_until


def heed_signals() -> None:
    """Undo what shells and nohup do to what they start, and so to tests run by them: signals that are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def let_no_save_end(run: Run) -> None:
    """Have whoever writes the run's last checkpoint next wait without end, as for a disk that has gone away.

    It is written to a pipe that nobody reads.
    """

    def in_place() -> bool:
        with contextlib.suppress(FileExistsError):  # it is being written at this moment
            os.mkfifo(run.path / ".last.safetensors.tmp")
            return True
        return False

    wait_until(in_place)
