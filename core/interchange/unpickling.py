"""A program of its own that reads a PyTorch file, which is a pickle, and writes its state dict as safetensors.

`core.interchange.torch_file` starts it as `python -P unpickling.py FILE TARGET SECONDS`. It imports nothing of this
project. PyTorch's restricted unpickler (`weights_only=True`) makes tensors, numbers, texts, lists and dicts, and calls
no code of the file. But a file can still ask for any amount of memory or time, so both are limited here: by `setrlimit`
on Linux and other Unix systems. macOS ignores the limit of memory and Windows has none; there, the parent process looks
at the memory from time to time, and ends this process if it is too much or takes too long.
"""

import contextlib
import json
import os
import pickle
import sys
import threading
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

SPARE_MEMORY = 512 << 20
"""Memory in bytes that any file may take, in addition to `MEMORY_FACTOR` times its size."""
MEMORY_FACTOR = 4
CONTAINERS = ("state_dict", "model_state_dict", "model")
"""Keys under which a training loop saves the state dict, next to counters and the optimizer's state."""
_ARCHIVE = b"PK\x03\x04"
_KINDS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class UnreadableError(Exception):
    """The file is refused: `problem` is a key of the parent's sentences, `detail` a name from the file."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(problem, detail)
        self.problem = problem
        self.detail = detail


def allowed_memory(size: int) -> int:
    """Return how many bytes of memory reading a file of `size` bytes may take."""
    return SPARE_MEMORY + MEMORY_FACTOR * size


def state_dict_in(path: Path) -> dict[str, Tensor]:
    """Return the tensors of the state dict in a PyTorch file.

    Raises:
        UnreadableError: it is no such file, needs code, or its state dict has other things than plain tensors.
    """
    _check_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnreadableError("code", _named_in(str(error))) from None
    for key in CONTAINERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not any(isinstance(value, Tensor) for value in content.values()):
        raise UnreadableError("no state dict")
    allowed = MEMORY_FACTOR * path.stat().st_size
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise UnreadableError("entry", str(name))
        if value.layout != torch.strided or value.dtype not in _KINDS or value.device.type != "cpu":
            raise UnreadableError("kind", name)
        allowed -= value.numel() * value.element_size()  # a view can name more numbers than the file has
    if allowed < 0:
        raise UnreadableError("damaged")
    return {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in content.items()}


def _check_archive(path: Path) -> None:
    """Check a zip archive before PyTorch reads it: `torch.save` compresses nothing, so nothing may inflate.

    Raises:
        UnreadableError: it is a damaged archive, or another kind of one.
    """
    with path.open("rb") as file:
        if file.read(len(_ARCHIVE)) != _ARCHIVE:  # the format before PyTorch 1.6
            return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError):
        raise UnreadableError("damaged") from None
    names = {entry.filename.rpartition("/")[2] for entry in entries}
    if "data.pkl" not in names:
        raise UnreadableError("not PyTorch")
    if "constants.pkl" in names:  # TorchScript
        raise UnreadableError("code", "TorchScript")
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise UnreadableError("packed")


def _named_in(message: str) -> str:
    """Return the name of the function or class that the file needs, from PyTorch's message; empty if there is none."""
    after = message.partition("GLOBAL ")[2]
    return after.split()[0] if after else ""


def limit(size: int, seconds: int) -> None:
    """Limit this process to the memory, file size and CPU time that a file of `size` bytes may take."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError):  # a system without /proc
        # The libraries of PyTorch take several gigabytes of addresses with a GPU, and one without.
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + allowed_memory(size)
        _set_limit(resource.RLIMIT_AS, most)
    _set_limit(resource.RLIMIT_FSIZE, allowed_memory(size))
    _set_limit(resource.RLIMIT_CPU, seconds)
    _set_limit(resource.RLIMIT_CORE, 0)


def _set_limit(what: int, most: int) -> None:
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # the parent's limits remain
            resource.setrlimit(what, (most, most))


def rewrite(source: Path, target: Path) -> tuple[str, str]:
    """Write the state dict of a file to `target`; return the problem, empty if there is none, and its detail."""
    try:
        save_file(state_dict_in(source), target)
    except UnreadableError as error:
        return error.problem, error.detail[:200]
    except MemoryError:
        return "memory", ""
    except RuntimeError as error:  # PyTorch raises it where it cannot allocate memory
        return "memory" if "alloc" in str(error) else "damaged", ""
    except OSError as error:
        return "system", error.strerror or str(error)
    except Exception:  # whatever a damaged file leads to
        return "damaged", ""
    return "", ""


def main(source: Path, target: Path, seconds: int) -> None:
    """Write the state dict of a file to `target`, within limits; print the problem as one line of JSON."""
    _end_without_parent()  # a parent that was interrupted while it started this process never writes
    threading.Thread(target=_end_without_parent, daemon=True).start()
    torch.set_num_threads(1)  # each thread takes addresses for its stack
    limit(source.stat().st_size, seconds)
    problem, detail = rewrite(source, target)
    sys.stdout.write(json.dumps({"problem": problem, "detail": detail}) + "\n")


def _end_without_parent() -> None:
    """Wait for a byte on standard input. End this process if the parent closes it instead, or ends itself."""
    if not os.read(sys.stdin.fileno(), 1):  # not `sys.stdin.read`: its lock would abort the end of the interpreter
        os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
