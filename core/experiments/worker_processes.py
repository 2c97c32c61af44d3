"""The worker processes of an experiment on this machine: starting, listening, stopping, replacing killed ones."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from core.control import Control
from core.experiments.trial_events import TrialEvent, WorkerFailed, from_json

MAX_REPLACED = 5
"""How many killed workers in a row are replaced without an event in between."""
STOPPING_SECONDS = 60.0
"""Maximum number of seconds that workers may take to save their runs after a stop."""
_POLL = 0.1
_STOPS = ("SIGINT", "SIGTERM", "SIGBREAK")
"""Signals that stop a worker in order; SIGBREAK is Windows'."""


class WorkerProcesses:
    """Some worker processes, and what they report."""

    def __init__(self, command: Sequence[str], workers: int) -> None:
        """Set it up.

        Args:
            command: starts a worker, which prints its events on standard output.
            workers: number of workers.
        """
        self._command = list(command)
        self._workers = workers
        self._events: queue.SimpleQueue[TrialEvent] = queue.SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._readers: list[threading.Thread] = []
        self._said: list[IO[bytes]] = []  # what each prints on standard error
        self._replaced = 0

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are alive."""
        return [process.pid for process in self._processes if process.poll() is None]

    def run(self, control: Control, until: Callable[[], bool] = lambda: False) -> Iterator[TrialEvent | None]:
        """Start the workers and yield their events, and None from time to time, until no worker is left.

        Args:
            control: stops all workers in order.
            until: whether the time is over, which stops them too.
        """
        try:
            for _ in range(self._workers):
                self._start()
            stopped_at: float | None = None
            while self._processes or not self._events.empty():
                if stopped_at is None and (control.stopped or until()):
                    stopped_at = time.monotonic()
                    self._stop()
                if stopped_at is not None and time.monotonic() - stopped_at > STOPPING_SECONDS:
                    for process in self._processes:
                        process.kill()
                self._collect(replace=stopped_at is None)
                event: TrialEvent | None = None
                with contextlib.suppress(queue.Empty):
                    event = self._events.get(timeout=_POLL)
                    self._replaced = 0
                yield event
        finally:
            self.kill()

    def kill(self) -> None:
        """End all workers at once; their trials can be resumed from the last save."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        for file in self._said:
            file.close()
        self._processes.clear()
        self._readers.clear()
        self._said.clear()

    def _start(self) -> None:
        said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the worker has ended)
        # Ctrl-C in the terminal reaches this process alone, which then tells the workers: they have a session of their
        # own or, on Windows, a process group.
        process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
            start_new_session=True, creationflags=_own_group(),
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},  # whatever the terminal's encoding is
        )  # fmt: skip
        reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        reader.start()
        self._processes.append(process)
        self._readers.append(reader)
        self._said.append(said)

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        """Read a worker's events to the end. Called in a thread of its own."""
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):  # the last line of a killed worker may be incomplete
                self._events.put(from_json(line))

    def _stop(self) -> None:
        """Tell the workers to save their runs and to end."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(_stop_signal())

    def _collect(self, *, replace: bool) -> None:
        """Remove the workers that have ended; replace those that were killed."""
        for process, reader, file in [*zip(self._processes, self._readers, self._said, strict=True)]:
            if process.poll() is None or reader.is_alive():
                continue
            self._processes.remove(process)
            self._readers.remove(reader)
            self._said.remove(file)
            file.seek(0)
            said = file.read().decode("utf-8", "replace").strip()
            file.close()
            if process.returncode == 0 or _was_stopped(process.returncode):
                continue
            killed = _was_killed(process.returncode, said)
            if killed and replace and self._replaced < MAX_REPLACED:
                self._replaced += 1
                self._start()
            elif not killed or replace:
                why = said.splitlines()[-1] if said else f"A worker ended with code {process.returncode}."
                self._events.put(WorkerFailed(why=why))


def _own_group() -> int:
    """Return the flags that start a process in a group of its own on Windows; 0 on other systems."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def _stop_signal() -> int:
    """Return the signal that stops a worker in order. On Windows, SIGTERM would kill it."""
    if sys.platform == "win32":
        return signal.CTRL_BREAK_EVENT
    return signal.SIGTERM


def _was_stopped(exit_code: int) -> bool:
    """Return whether a worker has ended in order after a signal."""
    return exit_code in [128 + getattr(signal, name) for name in _STOPS if hasattr(signal, name)]


def _was_killed(exit_code: int, said: str) -> bool:
    """Return whether a worker was killed.

    Its exit code is then negative; on Windows it is whatever the other process chose, usually 1. But a worker that ends
    because of an error has said so on standard error.
    """
    return not said if sys.platform == "win32" else exit_code < 0
