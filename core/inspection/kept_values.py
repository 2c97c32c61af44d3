"""Values of single cells over a long text, kept in files of the cache that are mapped into memory.

    CACHE/activations/<what>-<cell>.values    256 bytes: the `Entry` as JSON, padded with spaces
                                              2 bytes for each character: the cell's value in half precision
                                              the state of the network after the last character, if more are to follow

<what> is the SHA-256 of `ValuesOf`: the model, the text's file, the part, the layer and the quantity. A value in
half precision (float16, eleven significant bits) differs from the computed one by at most 0.05 %.

A file is replaced as a whole whenever a piece of the text was read. So there is never a part of a piece in it, and a
reading that was stopped is resumed from the state.
"""

import contextlib
import hashlib
import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.data.encoded_cache import KEPT_SECONDS
from core.data.splits import Part
from core.errors import UserError
from core.files import write_atomically
from core.folders import cache_folder

MAX_BYTES = 500_000_000
"""Maximum size of all files together; the ones that were unused for the longest time are deleted first."""
HALF = np.dtype("<f2")
_HEADER = 256  # bytes
_FORMAT = 1
"""Version of the format. Increase it when the same model gives other values than before."""

Halves = NDArray[np.float16]


class ValuesOf(Struct, frozen=True, kw_only=True):
    """What the values of a cell are of."""

    model: str
    """SHA-256 of the model."""
    text: str
    """SHA-256 of the text's file."""
    reading: str
    """How the bytes of the file were decoded: `core.data.encoded_cache.reading_name`."""
    limit: int | None
    """Number of characters of the text that the model was trained and tested on; None for all."""
    split: str
    validation: float
    """Share of the validation part."""
    part: Part
    characters: int
    """Number of characters that are read, from the beginning of the part."""
    layer: int
    symbol: str
    """Symbol of the quantity."""


class Entry(Struct, frozen=True, kw_only=True):
    """Metadata of a file."""

    format: int = _FORMAT
    characters: int
    """Number of values: all, or as many as were read before it was stopped."""
    state: int
    """Bytes of the state."""
    crc32: int
    """CRC-32 of the values followed by the state."""


class Kept(NamedTuple):
    """The values of a cell that were found in the cache."""

    values: Halves
    """Values at the first characters, mapped into memory."""
    state: bytes
    """State of the network after these characters; empty if they are all."""


def find(of: ValuesOf, cell: int) -> Kept | None:
    """Return the kept values of a cell; None if there are none, or if the file is damaged."""
    path = _path(of, cell)
    try:
        with path.open("rb") as file:
            entry = msgspec.json.decode(file.read(_HEADER), type=Entry)
        after = _HEADER + HALF.itemsize * entry.characters  # where the state begins
        if (
            entry.format != _FORMAT
            or not 0 < entry.characters <= of.characters
            or (entry.characters < of.characters) != (entry.state > 0)
            or path.stat().st_size != after + entry.state
        ):
            return None
        content = np.memmap(path, dtype=np.uint8, mode="r", offset=_HEADER)
        if zlib.crc32(content.data) != entry.crc32:
            return None
        with contextlib.suppress(OSError):  # the cache may be read-only
            os.utime(path)
    except (OSError, ValueError):  # not kept, deleted or damaged
        return None
    values, state = content[: after - _HEADER].view(HALF), content[after - _HEADER :].tobytes()
    # With a state, more will follow and the file will be replaced, which Windows refuses while it is mapped.
    return Kept(values.copy() if state else values, state)


def keep(of: ValuesOf, cell: int, values: Halves, state: bytes) -> None:
    """Write the values of a cell at the first characters, and the state after them if more are to follow.

    Raises:
        UserError: the cache cannot be written to, or the disk is full. The old file is unchanged.
    """
    content = np.ascontiguousarray(values, dtype=HALF).data.cast("B")
    entry = Entry(characters=len(values), state=len(state), crc32=zlib.crc32(state, zlib.crc32(content)))
    write_atomically(_path(of, cell), msgspec.json.encode(entry).ljust(_HEADER), content, state)


def make_room() -> None:
    """Create the folder, and delete files that were unused for long or are too much for `MAX_BYTES`.

    Raises:
        UserError: the folder cannot be created.
    """
    folder = _folder()
    now = time.time()
    found = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another process has deleted it
                status = path.stat()
                found.append((now - status.st_mtime, status.st_size, path))
    except OSError as error:
        raise UserError(f"The cache of activations, {folder}, cannot be used: {error.strerror or error}.") from None
    total = 0
    for age, size, path in sorted(found):
        total += size
        abandoned = path.suffix == ".tmp" and age > 24 * 3600
        if abandoned or (path.suffix == ".values" and (age > KEPT_SECONDS or total > MAX_BYTES)):
            with contextlib.suppress(OSError):
                path.unlink()


def _folder() -> Path:
    return cache_folder() / "activations"


def _path(of: ValuesOf, cell: int) -> Path:
    return _folder() / f"{hashlib.sha256(msgspec.json.encode(of)).hexdigest()}-{cell}.values"
