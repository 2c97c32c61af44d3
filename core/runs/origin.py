"""The model that a run can begin with: finding it, and reading its description without loading its weights."""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.errors import UserError
from core.runs import bundled_model
from core.runs.run import Origin, Run
from core.runs.store import RunStore
from core.settings.config import ModelConfig
from core.text import shortened

_METADATA_KEY = "charlstm-tui"
_MAX_HEADER = 16 << 20


class _Description(Struct, frozen=True):
    """The fields of a checkpoint's header that are read here; `core.checkpoints.file_format` has all of them."""

    model: ModelConfig
    corpus: CorpusConfig


def origin_of(store: RunStore, named: str, *, keeps_vocabulary: bool = False) -> tuple[Origin, ModelConfig]:
    """Return the origin of a run that begins with a model, and the model's network. Only the header is read.

    The origin's `sha256` is empty; `hashed` adds it.

    Args:
        store: the folder of the runs.
        named: a run, whose best checkpoint is used, a file, or the bundled model.
        keeps_vocabulary: whether the run keeps characters that its text does not have.

    Raises:
        UserError: there is no such model, or its file is not a checkpoint.
    """
    path = store.checkpoint_path(named).absolute()
    description = _description_in(path)
    origin = Origin(
        kind="model",
        name=_name_of(path),
        path=str(path),
        sha256="",
        corpus=description.corpus,
        keeps_vocabulary=keeps_vocabulary,
    )
    return origin, description.model


def hashed(origin: Origin) -> Origin:
    """Return the origin with the SHA-256 of its file, which may take seconds for a large one.

    Raises:
        UserError: the file cannot be read.
    """
    return msgspec.structs.replace(origin, sha256=sha256_of(Path(origin.path)))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{shortened(path)} cannot be read: {error.strerror or error}.") from None


def _name_of(path: Path) -> str:
    """Return the name of the model: a run's, the bundled model's, or the file's."""
    if path == bundled_model.shipped_path():
        return bundled_model.NAME
    run = Run(path.parent)
    return run.name if path in (run.best_path, run.last_path) and run.config_path.is_file() else path.name


def _description_in(path: Path) -> _Description:
    """Read the header of a checkpoint: a safetensors file, which begins with the header's length and JSON."""
    wrong = UserError(f"{shortened(path)} is not a checkpoint of charlstm-tui. Choose a run or a .safetensors file.")
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if length <= _MAX_HEADER else b""
    except OSError as error:
        raise UserError(f"{shortened(path)} cannot be read: {error.strerror or error}.") from None
    try:
        metadata = msgspec.json.decode(header)["__metadata__"][_METADATA_KEY]
        return msgspec.json.decode(metadata, type=_Description)
    except (ValueError, TypeError, KeyError, RecursionError):  # msgspec's errors are ValueErrors
        raise wrong from None
