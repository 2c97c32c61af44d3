"""Reading a PyTorch file without trusting it: another process reads it, and this one only sees safetensors.

A PyTorch file is a pickle, which this process never opens. `core.interchange.unpickling` is the program of the other
one: it has limits on memory and time, and no access to anything here.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import psutil

from core.errors import UserError
from core.interchange import unpickling
from core.text import shortened

SECONDS = 60.0
"""Seconds that reading any file may take, in addition to one second for each `BYTES_PER_SECOND`."""
BYTES_PER_SECOND = 20 << 20
_POLL = 0.05
_LOADED = 2 << 30  # more than PyTorch itself takes of a machine's memory, with the libraries of a GPU
_MAX_ANSWER = 10_000
_SAVE = 'torch.save(model.state_dict(), "model.pt")'
_PROBLEMS = {
    "code": "{file} contains more than weights{detail}: opening it could run any program, so it was not opened. Save "
    "the weights alone in the notebook, and import that file: " + _SAVE + ".",
    "no state dict": "{file} contains no weights. Save them in the notebook, and import that file: " + _SAVE + ".",
    "entry": "{file} has something in its state dict that is no tensor with a name{detail}. Save the weights alone in "
    "the notebook, and import that file: " + _SAVE + ".",
    "kind": "{file} has a tensor that is not an array of floating-point numbers{detail}. Only the weights of an "
    "embedding, nn.LSTM, nn.GRU or nn.RNN, and a linear layer can be imported.",
    "not PyTorch": "{file} is an archive, but not a file of PyTorch. Choose a .pt or .safetensors file.",
    "packed": "{file} is a compressed archive, which torch.save does not make, so it was not opened. Save the model "
    "again in the notebook: " + _SAVE + ".",
    "memory": "{file} needs far more memory than a file of its size should, so reading it was stopped. Save the model "
    "again in the notebook: " + _SAVE + ".",
    "time": "{file} takes far longer to read than a file of its size should, so reading it was stopped. Save the model "
    "again in the notebook: " + _SAVE + ".",
    "damaged": "{file} is not a complete PyTorch file. Save the model again in the notebook: " + _SAVE + ".",
    "system": "{file} cannot be read{detail}. Check the file, and the space on the disk.",
}
"""Sentences for what the other process says."""


def convert(path: Path, target: Path, *, seconds: float | None = None) -> Generator[None, None, None]:
    """Write the state dict of a PyTorch file to `target`, a new safetensors file. Yields several times a second.

    To cancel, stop iterating and close the generator: the other process is then killed.

    Args:
        path: the PyTorch file.
        target: the file to write.
        seconds: how long it may take; by default `SECONDS` and more for a large file.

    Raises:
        UserError: the file is none of PyTorch's, is damaged, needs code to be opened, or needs too much memory or time.
    """
    shown = shortened(path)
    size = path.stat().st_size
    seconds = seconds or SECONDS + size / BYTES_PER_SECOND
    # Not -I: it would not find a PyTorch that is installed for one user or named by PYTHONPATH. With -P, no file next
    # to the program, or in the working folder, is imported in place of a library's.
    program = [sys.executable, "-P", unpickling.__file__, str(path.absolute()), str(target), str(int(seconds) + 1)]
    try:
        process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        )  # fmt: skip
    except OSError as error:
        raise UserError(f"{shown} cannot be read: no other process can be started ({error.strerror}).") from None
    try:
        _begin(process)
        yield from _until_it_ends(process, shown, seconds, _LOADED + unpickling.allowed_memory(size))
        problem, detail = _answer(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    if problem:
        raise _error(problem, shown, detail)


def _begin(process: "subprocess.Popen[bytes]") -> None:
    """Let the other process begin. It ends when this one does: the pipe is then closed."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has ended already
        process.stdin.write(b".")
        process.stdin.flush()


def _until_it_ends(
    process: "subprocess.Popen[bytes]", shown: str, seconds: float, memory: int
) -> Generator[None, None, None]:
    """Wait for a process.

    Raises:
        UserError: it takes longer than `seconds`, or more than `memory` bytes.
    """
    began = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL)
            return
        if time.monotonic() - began > seconds:
            raise _error("time", shown)
        with contextlib.suppress(psutil.Error):  # it has just ended
            if psutil.Process(process.pid).memory_info().rss > memory:
                raise _error("memory", shown)
        yield


def _answer(process: "subprocess.Popen[bytes]") -> tuple[str, str]:
    """Return what a process that has ended said: the problem, empty if there is none, and its detail."""
    assert process.stdout is not None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        said = json.loads(process.stdout.read(_MAX_ANSWER))
        problem, detail = str(said["problem"]), str(said["detail"])
        if problem in _PROBLEMS or (not problem and process.returncode == 0):
            return problem, detail
    if sys.platform != "win32":
        import signal

        if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):  # the second: the system enforces the limit so
            return "time", ""
    return "damaged", ""


def _error(problem: str, shown: str, detail: str = "") -> UserError:
    return UserError(_PROBLEMS[problem].format(file=shown, detail=f" ({shortened(detail, 80)})" if detail else ""))
