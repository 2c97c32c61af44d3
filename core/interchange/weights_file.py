"""Files of weights from other programs: named tensors, whose shapes are known before memory is allocated for them.

Safetensors files are read here; PyTorch files are first converted by another process (`core.interchange.torch_file`).
"""

import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.errors import UserError, is_out_of_memory
from core.files import is_file
from core.interchange.torch_file import convert
from core.text import shortened

MAX_FILE = 4 << 30
"""Largest size in bytes of a file that is read."""
_MAX_HEADER = 16 << 20  # in bytes, of a safetensors file
_OURS = "charlstm-tui"
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""First bytes of PyTorch's files: an archive of pickles or, before PyTorch 1.6, a pickle."""
_KINDS = ("F64", "F32", "F16", "BF16")


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...
    def get_dtype(self) -> str: ...


class _Tensors(Protocol):
    """The methods used of an open safetensors file, whose own class has no type hints."""

    def keys(self) -> list[str]: ...
    def metadata(self) -> dict[str, str] | None: ...
    def get_slice(self, name: str) -> _Slice: ...
    def get_tensor(self, name: str) -> Tensor: ...


@dataclass(frozen=True)
class OpenWeights:
    """An open file of weights."""

    file: _Tensors
    shown: str
    """Path of the file that the user named, shortened for messages."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shape of each tensor, by its name in the file."""

    def tensor(self, name: str) -> Tensor:
        """Return a copy of a tensor, in single precision.

        Raises:
            UserError: the file can no longer be read, or there is not enough memory.
        """
        with _reading(self.shown):
            return self.file.get_tensor(name).float().clone()


def is_pickle(path: Path) -> bool:
    """Return whether a file begins like a PyTorch file.

    Raises:
        UserError: it does not exist, cannot be read, is empty, or is too large.
    """
    shown = shortened(path)
    with _reading(shown):
        if not is_file(path):
            what = "a folder" if path.is_dir() else "not a file" if path.exists() else "not there"
            raise UserError(f"{shown} is {what}. Name a .safetensors or .pt file with the weights of a model.")
        size = path.stat().st_size
        if size > MAX_FILE:
            raise UserError(
                f"{shown} is too large: {size >> 20:,} MiB. At most {MAX_FILE >> 20:,} MiB can be imported."
            )
        with path.open("rb") as file:
            start = file.read(4)
    if not start:
        raise UserError(f"{shown} is empty. Save the model again, and import that file.")
    return start.startswith(_PICKLES)


@contextmanager
def opened_safetensors(path: Path, named: Path) -> Iterator[OpenWeights]:
    """Open a safetensors file.

    Args:
        path: the file to read.
        named: the file that the user named, for messages.

    Raises:
        UserError: it is no complete safetensors file, is one of this program's, or has tensors of other kinds.
    """
    shown = shortened(named)
    with ExitStack() as stack:
        with _reading(shown):
            _check_beginning(path, shown)
            file: _Tensors = stack.enter_context(safe_open(path, framework="pt"))
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        if _OURS in (file.metadata() or {}):
            raise UserError(
                f"{shown} is a model of this program already. `charlstm-tui evaluate` and `charlstm-tui generate` "
                "take it as it is."
            )
        for name, part in parts.items():
            if part.get_dtype() not in _KINDS:
                raise UserError(
                    f"{shown} has a tensor of the type {part.get_dtype()} ({shortened(name, 80)}). Only weights of "
                    "the types F64, F32, F16 and BF16 can be imported."
                )
        # Outside `_reading`: an error of the caller is not an error of the file.
        yield OpenWeights(file, shown, {name: tuple(part.get_shape()) for name, part in parts.items()})


def converted(path: Path, folder: Path) -> Generator[None, None, Path]:
    """Convert a PyTorch file to a safetensors file in `folder`, and return its path. Yields several times a second.

    Raises:
        UserError: as for `core.interchange.torch_file.convert`.
    """
    target = folder / "weights.safetensors"
    yield from convert(path, target)
    return target


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that exists as long as the `with` block lasts.

    Raises:
        UserError: the system's folder for temporary files cannot be written to.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="charlstm-tui-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(f"A temporary folder cannot be made: {error.strerror or error}. Free some space.") from None
    with folder as name:
        yield Path(name)


def _check_beginning(path: Path, shown: str) -> None:
    """Raise a `UserError` unless a file begins with the length of a header, and a header of that length."""
    with path.open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if not start[8:] == b"{":
        raise UserError(f"{shown} is neither a safetensors nor a PyTorch file. Choose a .safetensors or .pt file.")
    if length > min(path.stat().st_size - 8, _MAX_HEADER):
        raise UserError(f"{shown} is not a complete safetensors file. Save the model again, and import that file.")


@contextmanager
def _reading(shown: str) -> Iterator[None]:
    """Convert the errors of reading a file to `UserError`; other errors are not changed."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
    except (SafetensorError, OverflowError) as error:
        raise UserError(
            f"{shown} is not a complete safetensors file ({shortened(error)}). Save the model again, and import that "
            "file."
        ) from None
    except (MemoryError, RuntimeError) as error:  # PyTorch raises a RuntimeError where it cannot allocate memory
        if not is_out_of_memory(error):
            raise
        raise UserError(f"There is not enough memory to read {shown}. Close other programs and try again.") from None
