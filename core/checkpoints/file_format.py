"""The checkpoint format: a safetensors file, which contains tensors and a JSON header but no code.

The metadata key "charlstm-tui" of the header contains one `Header` as JSON. A file from which a run can be resumed has
additional tensors, whose names begin with "resume." (`training_state.py`).

Files are not trusted. Tensor shapes are compared with the configuration before memory is allocated, and the whole file
is compared with its SHA-256 before any of it is used.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.checkpoints.counters import Progress
from core.data.corpus import CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError, is_out_of_memory
from core.events import SavedKind
from core.model.char_lstm import CharLSTM
from core.runs.run import Origin, Run
from core.settings.config import ModelConfig, TrainingConfig
from core.text import shortened

FORMAT_VERSION = 2
MAX_HEADER = 16 << 20
"""Maximum size of a header in bytes; the largest possible vocabulary takes a few million."""
RESUME = "resume."
"""Prefix of the names of tensors that are needed only to resume training."""
_METADATA_KEY = "charlstm-tui"
_UNSIGNED = "0" * 64
_CHUNK = 1 << 20
_FLOATS = {"F32", "F16"}
_DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.uint8: "U8",
}  # fmt: skip
_CODE = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""First bytes of PyTorch's own files, which are pickles or zip archives of pickles."""

Kind = Literal[SavedKind, "weights"]
"""Kind of a checkpoint file; "weights" is a model exported from a run."""


class DamagedCheckpointError(UserError):
    """The content of a file is not what was saved. Such a file may be overwritten."""


class Header(Struct, frozen=True, kw_only=True):
    """Description of the weights in a file."""

    sha256: str = _UNSIGNED
    """SHA-256 of the whole file with zeros in place of this value. It is the first field, so that it comes first in the
    file and is found there."""
    format_version: int = FORMAT_VERSION
    kind: Kind
    preset: str = ""
    model: ModelConfig
    vocabulary: str
    corpus: CorpusConfig
    training: TrainingConfig
    epoch: int
    train_loss: float | None
    val_loss: float | None
    progress: Progress | None = None
    origin: Origin | None = None


def signed(header: Header, tensors: Mapping[str, Tensor]) -> tuple[bytes | memoryview, ...]:
    """Return the content of a safetensors file, in pieces. The tensors' pieces are views of their memory, not copies.

    The library's own `save` makes two copies of all tensors: 300 MB at each save of the preset `best`.
    """
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    names = sorted(
        on_cpu, key=lambda name: (-on_cpu[name].element_size(), name)
    )  # by element size, so that each tensor is aligned
    described: dict[str, object] = {"__metadata__": {_METADATA_KEY: msgspec.json.encode(header).decode()}}
    end = 0
    for name in names:
        tensor = on_cpu[name]
        begin, end = end, end + tensor.nbytes
        described[name] = {
            "dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end],
        }  # fmt: skip
    text = msgspec.json.encode(described)
    text += b" " * (-len(text) % 8)
    beginning = len(text).to_bytes(8, "little") + text
    pieces = [on_cpu[name].reshape(-1).view(torch.uint8).numpy().data for name in names]
    hashed = hashlib.sha256(beginning)
    for piece in pieces:
        hashed.update(piece)
    place = beginning.index(_UNSIGNED.encode())
    rest = beginning[place + len(_UNSIGNED) :]
    return beginning[:place], hashed.hexdigest().encode(), rest, *pieces


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...
    def get_dtype(self) -> str: ...


class _Tensors(Protocol):
    """The methods used of an open safetensors file, whose own class has no type hints."""

    def keys(self) -> list[str]: ...
    def get_slice(self, name: str) -> _Slice: ...
    def get_tensor(self, name: str) -> Tensor: ...


class CheckpointFile:
    """An open checkpoint file whose tensors can be read."""

    def __init__(self, file: _Tensors, header: Header, shown: str) -> None:
        self._file = file
        self.header = header
        self.shown = shown
        """Path of the file, shortened for messages."""
        self.expected = _shapes(header)
        """Shape of each of the model's weights, by name."""
        self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        self.types = {name: file.get_slice(name).get_dtype() for name in self.shapes}

    def tensor(self, name: str) -> Tensor:
        """Return a copy of a tensor.

        Raises:
            UserError: the file can no longer be read, or there is not enough memory.
        """
        with _reading(self.shown):
            return self._file.get_tensor(name).clone()

    def check(self) -> None:
        """Check that the file has exactly the weights that its header describes.

        Raises:
            DamagedCheckpointError: it does not.
        """
        weights = {name: shape for name, shape in self.shapes.items() if not name.startswith(RESUME)}
        floats = all(self.types[name] in _FLOATS for name in weights)
        resumable = self.header.progress is not None
        if weights != self.expected or not floats or (len(weights) < len(self.shapes)) != resumable:
            raise DamagedCheckpointError(
                f"{self.shown} is damaged: it does not contain the weights that its header describes."
            )


@contextmanager
def opened(path: Path) -> Iterator[CheckpointFile]:
    """Open a checkpoint file after checking all of its bytes.

    Raises:
        DamagedCheckpointError: the content is not what was saved.
        UserError: the file does not exist, cannot be read, is not a checkpoint of this program, or does not belong to
            the run in whose folder it is.
    """
    shown = shortened(path)
    with ExitStack() as stack:
        with _reading(shown):
            if not path.is_file():
                raise UserError(f"There is no checkpoint {shown}. `charlstm-tui runs list` shows the runs.")
            file = _opened(stack, path, shown)
        header = file.header
        run = Run(path.absolute().parent)
        if not run.may_hold(path.name, header.kind, header.corpus, header.model, header.training):
            raise UserError(
                f"{shown} is intact, but is not the file that its run saved there. Put the right file back."
            )
        yield file  # outside `_reading`: an error of the caller is not an error of the file


def _opened(stack: ExitStack, path: Path, shown: str) -> CheckpointFile:
    """Open a file, to be closed by `stack`, and check it."""
    for _ in range(5):  # a running training may replace the file during the check
        before = path.stat()
        beginning = _beginning(path, shown)
        file = stack.enter_context(safe_open(path, framework="pt"))
        header = _read_header(file.metadata() or {}, shown)
        checked = CheckpointFile(file, header, shown)
        checked.check()
        digest = _digest(path, beginning, header.sha256)
        if (before.st_ino, before.st_mtime_ns) != (path.stat().st_ino, path.stat().st_mtime_ns):
            continue
        if digest != header.sha256:
            raise DamagedCheckpointError(f"{shown} is damaged: its content is not what was saved. Choose another file.")
        return checked
    raise UserError(f"{shown} is being rewritten. Try again.")


@contextmanager
def _reading(shown: str) -> Iterator[None]:
    """Convert the errors of reading a file to `UserError`; other errors are not changed.

    Raises:
        UserError: memory ran out, the system refused, or the file is not a complete safetensors file.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
    except (SafetensorError, OverflowError) as error:
        raise DamagedCheckpointError(
            f"{shown} is not a complete checkpoint ({shortened(error)}). Choose another file."
        ) from None
    except (MemoryError, RuntimeError) as error:  # PyTorch raises a RuntimeError where it cannot allocate memory
        if not is_out_of_memory(error):
            raise
        raise UserError(f"There is not enough memory to read {shown}. Close other programs and try again.") from None


def _beginning(path: Path, shown: str) -> bytes:
    """Return the beginning of the file: 8 bytes for the length of the header, and the header."""
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(_CODE):
            raise UserError(
                f"{shown} is a PyTorch file, which could run code when it is opened, so it was not opened. "
                "Choose a .safetensors file made by charlstm-tui, or try `charlstm-tui import`."
            )
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(os.fstat(file.fileno()).st_size, MAX_HEADER):
            raise DamagedCheckpointError(f"{shown} is not a complete checkpoint. Choose another file.")
        return start + file.read(length)


def _read_header(metadata: dict[str, str], shown: str) -> Header:
    if _METADATA_KEY not in metadata:
        raise UserError(
            f"{shown} is a safetensors file, but not a checkpoint of charlstm-tui. Choose another file, or try "
            "`charlstm-tui import`."
        )
    try:
        version = msgspec.json.decode(metadata[_METADATA_KEY], type=_Versioned).format_version
        if version > FORMAT_VERSION:
            raise UserError(f"{shown} has format {version}, newer than this program's {FORMAT_VERSION}. Update it.")
        if version < FORMAT_VERSION:
            raise UserError(f"{shown} has format {version}, older than {FORMAT_VERSION}. Train the model again.")
        header = msgspec.json.decode(metadata[_METADATA_KEY], type=Header)
        right = bool(header.vocabulary) and Vocabulary(header.vocabulary).characters == header.vocabulary
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise DamagedCheckpointError(
            f"The header of {shown} is damaged ({shortened(error)}). Choose another file."
        ) from None
    if not right:
        raise DamagedCheckpointError(f"The vocabulary of {shown} is damaged. Choose another file.")
    return header


class _Versioned(Struct):
    format_version: int


def _shapes(header: Header) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        model = CharLSTM(header.model, len(header.vocabulary))
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _digest(path: Path, beginning: bytes, sha256: str) -> str:
    """Return the SHA-256 of a file with zeros in place of the value that it contains."""
    with path.open("rb") as file:
        hashed = hashlib.sha256(beginning.replace(sha256.encode(), _UNSIGNED.encode(), 1))
        file.seek(len(beginning))
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()
