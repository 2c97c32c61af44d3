"""The line of `--version`, made without importing PyTorch, which takes seconds.

The device is guessed from files; `charlstm-tui doctor` asks PyTorch.
"""

import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
from pathlib import Path

from core.cores import available_cores
from core.text import count_of

PROGRAM = "charlstm-tui"


def version_of(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def version_line() -> str:
    """Return the versions of the program, its main packages and Python, and the device that training would use."""
    packages = ", ".join(f"{name} {version_of(name) or 'missing'}" for name in ("torch", "textual"))
    return f"{PROGRAM} {version_of(PROGRAM)}, {packages}, Python {platform.python_version()}, device: {likely_device()}"


def likely_device() -> str:
    """Return the device that training would use, as far as files tell: cuda, mps, or cpu with its cores.

    A GPU counts if PyTorch was built for it and the system has its device file. "bf16" is added for a CPU that has
    instructions for it, as far as the system tells.
    """
    if _is_built_for("cuda") and _has_file("nvidia[0-9]*", "dxg") and os.environ.get("CUDA_VISIBLE_DEVICES") != "":
        return "cuda"
    if _is_built_for("hip") and _has_file("kfd"):
        return "cuda (ROCm)"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    cores = count_of(available_cores(), "core")
    return f"cpu ({cores}, bf16)" if _has_bf16() else f"cpu ({cores})"


def _is_built_for(gpu: str) -> bool:
    """Return whether the installed PyTorch has the library for a kind of GPU, cuda or hip."""
    spec = importlib.util.find_spec("torch")  # finds the package, and does not import it
    folders = spec.submodule_search_locations if spec is not None else None
    return any(any(Path(folder, "lib").glob(f"*torch_{gpu}.*")) for folder in folders or ())


def _has_file(*patterns: str) -> bool:
    """Return whether there is a device file with such a name. Windows has none: a driver's library counts there."""
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvcuda.dll").is_file()
    return any(any(Path("/dev").glob(pattern)) for pattern in patterns)


def _has_bf16() -> bool:
    """Return whether the CPU has instructions for bfloat16, by what Linux tells of it; elsewhere False."""
    try:
        return re.search(r"^(flags|Features)\b.*\b(avx512_bf16|amx_bf16|bf16)\b", _cpu_info(), re.MULTILINE) is not None
    except OSError:
        return False


def _cpu_info() -> str:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
