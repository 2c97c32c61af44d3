"""Cache of large encoded texts, in files that are mapped into memory.

    CACHE/texts/<sha256>-<reading>.codes   the codes: one byte each up to 255 distinct characters, otherwise two or four
                <sha256>-<reading>.json    the `Entry`, written last: an entry is valid only once this file exists
    CACHE/texts/<place>.seen               size, times and hash of a source file, so that it is not read again

The hash is the SHA-256 of the source file's bytes; <place> is that of its path. The reading says how the bytes were
decoded (the requested encoding, if any, and the handling of invalid bytes): another decoding gives another text.
"""

import contextlib
import hashlib
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.errors import UserError
from core.files import move_over, unused_name, write_atomically
from core.folders import cache_folder

KEPT_SECONDS = 30 * 24 * 3600
"""Seconds after its last use when an entry is deleted, the next time another one is added."""
_FORMAT = 2
"""Version of the format. Increase it when the same bytes are decoded to different characters than before."""
_CHUNK = 1 << 20

Width = type[np.uint8] | type[np.uint16] | type[np.uint32]
WIDTHS: tuple[Width, ...] = (np.uint8, np.uint16, np.uint32)

Codes = NDArray[np.uint8 | np.uint16 | np.uint32]


class CacheError(UserError):
    """The cache cannot be written: a fault of the disk, not of the text that is read."""


class Entry(Struct, frozen=True, kw_only=True):
    """Metadata of an encoded text."""

    alphabet: str
    characters: int
    width: int
    """Bytes per code."""
    encoding: str
    """Usual name of the encoding that the text was decoded with."""
    crc32: int
    """CRC-32 of the codes followed by the alphabet. A damaged entry is written again."""


class _Seen(Struct, frozen=True, kw_only=True):
    size: int
    times_ns: tuple[int, int]
    """Times of the last change of the content (mtime) and of the metadata (ctime)."""
    sha256: str


def reading_name(encoding: str | None, errors: str) -> str:
    """Return the part of a cache file's name that says how the text was decoded."""
    return f"{encoding or 'found'}-{errors}-{_FORMAT}"


def find(path: Path, status: os.stat_result, reading: str) -> tuple[str, Codes, Entry] | None:
    """Return the hash, codes and entry of an unchanged file; None if it is not cached or the entry is damaged."""
    try:
        seen = msgspec.json.decode(_seen_path(path).read_bytes(), type=_Seen)
        if (seen.size, seen.times_ns) != (status.st_size, _times(status)):
            return None
        codes_path, entry_path = _paths(seen.sha256, reading)
        entry = msgspec.json.decode(entry_path.read_bytes(), type=Entry)
        if not _is_intact(codes_path, entry):
            return None
        codes = _map(codes_path, entry)
        with contextlib.suppress(OSError):  # a cache that cannot be written to can still be read
            os.utime(entry_path)
    except (OSError, ValueError, StopIteration):  # not cached, deleted or damaged
        return None
    return seen.sha256, codes, entry


class Keeper:
    """Collects codes in a file of the cache. The file appears complete or not at all."""

    def __init__(self, width: Width, reading: str) -> None:
        self._width, self._reading = width, reading
        self._characters = 0
        self._crc32 = 0

    def __enter__(self) -> "Keeper":
        folder = _folder()
        with _explaining(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _forget_unused(folder)
            self._folder = folder
            self._temporary = unused_name(folder)
            self._file = self._temporary.open("xb")
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # the disk is full; the file is deleted next, so it need not be complete
            self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def append(self, codes: Codes) -> None:
        """Append the codes of the next piece of the text."""
        with _explaining(self._folder):
            self._file.write(codes.data)
        self._characters += len(codes)
        self._crc32 = zlib.crc32(codes.data, self._crc32)

    def finish(self, sha256: str, alphabet: str, encoding: str) -> Codes:
        """Move the file to its final name and return the codes, mapped into memory."""
        entry = Entry(
            alphabet=alphabet,
            characters=self._characters,
            width=np.dtype(self._width).itemsize,
            encoding=encoding,
            crc32=zlib.crc32(alphabet.encode("utf-8", "surrogatepass"), self._crc32),
        )
        codes_path, entry_path = _paths(sha256, self._reading)
        with _explaining(_folder()):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if not _is_intact(codes_path, entry):  # Windows replaces no file that is mapped into memory
                move_over(self._temporary, codes_path)
            write_atomically(entry_path, msgspec.json.encode(entry))
        return _map(codes_path, entry)


@contextlib.contextmanager
def _explaining(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"The cache of large texts, {folder}, cannot be written: {error.strerror or error}. "
            "Free some space there, or set CHARLSTM_DATA to another folder."
        ) from None


def _folder() -> Path:
    return cache_folder() / "texts"


def _paths(sha256: str, reading: str) -> tuple[Path, Path]:
    return _folder() / f"{sha256}-{reading}.codes", _folder() / f"{sha256}-{reading}.json"


def _map(path: Path, entry: Entry) -> Codes:
    width = next(width for width in WIDTHS if np.dtype(width).itemsize == entry.width)
    return np.memmap(path, dtype=width, mode="r", shape=(entry.characters,))


def remember(path: Path, status: os.stat_result, sha256: str, started: int) -> None:
    """Store the hash of a file, unless it changed during reading or too shortly before for its time to show it."""
    now = path.stat()
    unchanged = (now.st_size, _times(now)) == (status.st_size, _times(status))
    if unchanged and started - status.st_mtime_ns > 2_000_000_000:  # coarse clocks tick every two seconds
        seen = _Seen(size=status.st_size, times_ns=_times(status), sha256=sha256)
        write_atomically(_seen_path(path), msgspec.json.encode(seen))


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_ctime_ns


def _is_intact(codes_path: Path, entry: Entry) -> bool:
    """Return whether the codes of an entry are there, complete and undamaged."""
    try:
        complete = codes_path.stat().st_size == entry.characters * entry.width
        return complete and _checksum(codes_path, entry.alphabet) == entry.crc32
    except OSError:
        return False


def _checksum(codes_path: Path, alphabet: str) -> int:
    crc32 = 0
    with codes_path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc32 = zlib.crc32(chunk, crc32)
    return zlib.crc32(alphabet.encode("utf-8", "surrogatepass"), crc32)


def _seen_path(path: Path) -> Path:
    place = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()
    return _folder() / f"{place}.seen"


def _forget_unused(folder: Path) -> None:
    """Delete entries unused for `KEPT_SECONDS`, and files that a killed process left behind."""
    now = time.time()
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            age = now - path.stat().st_mtime
            if path.suffix in (".json", ".seen") and age > KEPT_SECONDS:
                path.unlink()
                path.with_suffix(".codes").unlink(missing_ok=True)
            abandoned = path.suffix == ".tmp" or (path.suffix == ".codes" and not path.with_suffix(".json").exists())
            if abandoned and age > 24 * 3600:
                path.unlink()
