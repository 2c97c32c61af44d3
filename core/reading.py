"""A file as an array of small whole numbers, one a character: read once, kept, and mapped into memory from then on.

A text below `LARGE` is encoded anew each time, in some tens of milliseconds. A larger one is encoded once into a file
of the cache, named by the hash of the text's bytes:

    CACHE/texts/<sha256>.codes     the numbers: a byte each up to 255 distinct characters, else two or four
                <sha256>.json      what they stand for, written last: without it there is no entry
    CACHE/texts/<place>.seen       which file, of which size and time, had which hash: so that it is not read again
"""

import codecs
import contextlib
import hashlib
import io
import os
import tempfile
import time
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.decoding import (
    CHUNK,
    SAMPLE,
    announced_encoding,
    encoding_name,
    guessed_encoding,
    looks_like_text,
    pieces,
)
from core.errors import UserError
from core.files import write_atomically
from core.folders import cache_folder
from core.text import shortened

LARGE = 8 << 20
"""Bytes from which on a text is kept encoded."""
KEPT_SECONDS = 30 * 24 * 3600
"""How long an encoded text that nobody reads is kept, when another one is added."""

Width = type[np.uint8] | type[np.uint16] | type[np.uint32]
_WIDTHS: tuple[Width, ...] = (np.uint8, np.uint16, np.uint32)
_UNICODE = 0x110000

Codes = NDArray[np.uint8 | np.uint16 | np.uint32]


class EncodedText(Struct, frozen=True, kw_only=True):
    """A text: the place of each of its characters in an alphabet of its own."""

    codes: Codes
    """Shape (number of characters,)."""
    alphabet: str
    """Its distinct characters, in no order that means anything."""
    sha256: str
    """Of the file's bytes."""
    encoding: str
    """Of the file, as people call it."""

    def __len__(self) -> int:
        return len(self.codes)


class ReadingProgress(Struct, frozen=True, kw_only=True):
    """How far the reading of a text has come."""

    done: float
    """Share of the file, 0 to 1."""


class _Entry(Struct, frozen=True, kw_only=True):
    alphabet: str
    characters: int
    width: int
    encoding: str
    crc32: int
    """Of the codes, then of the alphabet: a damaged entry is made anew."""


class _Seen(Struct, frozen=True, kw_only=True):
    size: int
    times_ns: tuple[int, int]
    """Of the last change of its content and of anything about it."""
    sha256: str


class _AlphabetFullError(Exception):
    """More distinct characters than numbers of this width."""


def encode(text: str) -> EncodedText:
    """Return a text that is in memory already, as if it had been read from a UTF-8 file."""
    encoder = _Encoder(np.uint32)
    codes = encoder.encode(text)
    content = text.encode("utf-8", "surrogatepass")
    return EncodedText(
        codes=codes, alphabet=encoder.alphabet, sha256=hashlib.sha256(content).hexdigest(), encoding="utf-8"
    )


def read_file(path: Path) -> Generator[ReadingProgress | EncodedText, None, None]:
    """Read a text file in whatever encoding, yielding progress and, last, the text. To stop, stop asking.

    Raises:
        UserError: it is missing, a folder, unreadable, not text, or cannot be kept where large texts are.
    """
    with _in_plain_words(path):
        status = path.stat()
        if status.st_size >= LARGE and (kept := _kept(path, status)) is not None:
            yield kept
            return
        with path.open("rb") as file:
            yield from _read(file, path, status)


def read_beginning(path: Path) -> tuple[EncodedText, float]:
    """Return the first part of a text, quickly, and which share of its bytes that is: 1 for a small or a kept one.

    Raises:
        UserError: as for `read_file`.
    """
    with _in_plain_words(path):
        status = path.stat()
        if status.st_size < LARGE:
            *_, text = read_file(path)
            assert isinstance(text, EncodedText)
            return text, 1.0
        if (kept := _kept(path, status)) is not None:
            return kept, 1.0
        with path.open("rb") as file:
            encoding = _encoding_to_try(file, shortened(path))
            file.seek(0)
            sample = file.read(CHUNK)
        try:
            text = _beginning(sample, encoding)
        except UnicodeDecodeError:
            encoding = guessed_encoding(sample, shortened(path))
            text = _beginning(sample, encoding)
        return text, len(sample) / status.st_size


def _beginning(sample: bytes, encoding: str) -> EncodedText:
    """Return all of a sample but a character that it may have cut in two."""
    encoder = _Encoder(np.uint32)
    codes = encoder.encode(next(pieces(io.BytesIO(sample), encoding)))
    return EncodedText(codes=codes, alphabet=encoder.alphabet, sha256="", encoding=encoding_name(encoding))


@contextlib.contextmanager
def _in_plain_words(path: Path) -> Iterator[None]:
    shown = shortened(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise UserError(f"{shown} is a device or a pipe. Name a text file.")
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"There is no file {shown}. Check the path to your text.") from None
    except IsADirectoryError:
        raise UserError(f"{shown} is a folder. Name a text file in it.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{shown} cannot be read: {reason}.") from None


def _read(file: BinaryIO, path: Path, status: os.stat_result) -> Iterator[ReadingProgress | EncodedText]:
    name = shortened(path)
    encoding = _encoding_to_try(file, name)
    try:
        yield from _encode_narrowly(file, path, status, encoding)
    except UnicodeDecodeError:
        if encoding == "utf-8":
            encoding = guessed_encoding(_sample_that_is_not_utf8(file), name)
            with contextlib.suppress(UnicodeDecodeError):
                yield from _encode_narrowly(file, path, status, encoding)
                return
        raise UserError(
            f"{name} looks like {encoding_name(encoding)}, but has bytes that are not. Save it as UTF-8 and try again."
        ) from None


def _encoding_to_try(file: BinaryIO, name: str) -> str:
    head = file.read(SAMPLE)
    announced = announced_encoding(head, name)
    if announced is None and b"\0" in head:
        # UTF-16 without its mark has many, or some that are all first or all second of two; no other text has one.
        on_one_side = 0 in (head[::2].count(0), head[1::2].count(0)) and head.count(0) > 2
        announced = guessed_encoding(head, name) if on_one_side or 20 * head.count(0) > len(head) else ""
        if not announced.startswith(("utf_16", "utf_32")):
            raise UserError(f"{name} is not text: it has NUL bytes in it. Choose a text file.")
    return announced or "utf-8"


def _sample_that_is_not_utf8(file: BinaryIO) -> bytes:
    """Return some of the file around the first bytes that are not UTF-8, from the beginning of a line on."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    with contextlib.suppress(UnicodeDecodeError):
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
    before = max(file.tell() - CHUNK - SAMPLE // 2, 0)
    file.seek(before)
    around = file.read(CHUNK + SAMPLE)
    try:
        around.decode()
    except UnicodeDecodeError as error:
        start = max(error.start - SAMPLE // 2, 0)
        around = around[start : start + SAMPLE]
        return around if before + start == 0 else around[around.find(b"\n") + 1 :]
    return around


def _encode_narrowly(
    file: BinaryIO, path: Path, status: os.stat_result, encoding: str
) -> Iterator[ReadingProgress | EncodedText]:
    """Encode with the narrowest numbers that do."""
    for width in _WIDTHS:
        with contextlib.suppress(_AlphabetFullError):  # then anew: most such texts show it on their first page
            yield from _encode(file, path, status, encoding, width)
            return


def _encode(
    file: BinaryIO, path: Path, status: os.stat_result, encoding: str, width: Width
) -> Iterator[ReadingProgress | EncodedText]:
    file.seek(0)
    started = time.time_ns()
    hashing, encoder = _HashingFile(file), _Encoder(width)
    large = status.st_size >= LARGE
    with _Kept(width) if large else _InMemory() as sink:
        begun = False
        for piece in pieces(hashing, encoding):
            if "\0" in piece or not (begun or looks_like_text(piece)):
                raise UserError(f"{shortened(path)} is not text. Choose a text file.")
            begun = True
            sink.append(encoder.encode(piece))
            yield ReadingProgress(done=min(hashing.count / max(status.st_size, 1), 1.0))
        sha256 = hashing.sha256
        codes = sink.finish(sha256, encoder.alphabet, encoding_name(encoding))
    if large:
        _remember(path, status, sha256, started)
    yield EncodedText(codes=codes, alphabet=encoder.alphabet, sha256=sha256, encoding=encoding_name(encoding))


class _HashingFile:
    """A file that keeps the count and the hash of what was read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        read = self._file.read(size)
        self.count += len(read)
        self._hash.update(read)
        return read

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class _Encoder:
    """Gives each distinct character the next number, as they come."""

    def __init__(self, width: Width) -> None:
        self.alphabet = ""
        self._none = np.iinfo(width).max  # stands for a character that has no number yet
        self._numbers = np.full(_UNICODE, self._none, dtype=width)

    def encode(self, text: str) -> Codes:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        codes = self._numbers.take(points)
        if (unknown := codes == self._none).any():
            new = np.unique(points[unknown])
            if len(self.alphabet) + len(new) > self._none:
                raise _AlphabetFullError
            self._numbers[new] = np.arange(len(self.alphabet), len(self.alphabet) + len(new))
            self.alphabet += "".join(map(chr, new.tolist()))
            codes = self._numbers.take(points)
        return codes


class _InMemory:
    """Gathers codes in memory."""

    def __init__(self) -> None:
        self._codes: list[Codes] = []

    def __enter__(self) -> "_InMemory":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def append(self, codes: Codes) -> None:
        self._codes.append(codes)

    def finish(self, sha256: str, alphabet: str, encoding: str) -> Codes:
        return np.concatenate(self._codes) if self._codes else np.zeros(0, np.uint8)


class _Kept:
    """Gathers codes in a file of the cache, which is there whole or not at all."""

    def __init__(self, width: Width) -> None:
        self._width = width
        self._characters = 0
        self._crc32 = 0

    def __enter__(self) -> "_Kept":
        folder = _folder()
        with _explaining(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _forget_unused(folder)
            descriptor, name = tempfile.mkstemp(dir=folder, suffix=".tmp")
        self._temporary, self._file = Path(name), os.fdopen(descriptor, "wb")
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # the disk is full, and what could not be written is not wanted either
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def append(self, codes: Codes) -> None:
        with _explaining(_folder()):
            self._file.write(codes.data)
        self._characters += len(codes)
        self._crc32 = zlib.crc32(codes.data, self._crc32)

    def finish(self, sha256: str, alphabet: str, encoding: str) -> Codes:
        entry = _Entry(
            alphabet=alphabet,
            characters=self._characters,
            width=np.dtype(self._width).itemsize,
            encoding=encoding,
            crc32=zlib.crc32(alphabet.encode("utf-8", "surrogatepass"), self._crc32),
        )
        codes_path, entry_path = _paths(sha256)
        with _explaining(_folder()):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(codes_path)
            write_atomically(entry_path, msgspec.json.encode(entry))
        return _map(codes_path, entry)


@contextlib.contextmanager
def _explaining(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"A text this large is kept encoded in {folder}, which cannot be written: {error.strerror or error}. "
            "Make room there, or set CHARLSTM_DATA to another folder."
        ) from None


def _folder() -> Path:
    return cache_folder() / "texts"


def _paths(sha256: str) -> tuple[Path, Path]:
    return _folder() / f"{sha256}.codes", _folder() / f"{sha256}.json"


def _map(path: Path, entry: _Entry) -> Codes:
    width = next(width for width in _WIDTHS if np.dtype(width).itemsize == entry.width)
    return np.memmap(path, dtype=width, mode="r", shape=(entry.characters,))


def _kept(path: Path, status: os.stat_result) -> EncodedText | None:
    """Return what is kept of a file that has not changed since; None where there is nothing, or not all of it."""
    try:
        seen = msgspec.json.decode(_seen_path(path).read_bytes(), type=_Seen)
        if (seen.size, seen.times_ns) != (status.st_size, _times(status)):
            return None
        codes_path, entry_path = _paths(seen.sha256)
        entry = msgspec.json.decode(entry_path.read_bytes(), type=_Entry)
        if codes_path.stat().st_size != entry.characters * entry.width:
            return None
        if _checksum(codes_path, entry.alphabet) != entry.crc32:
            return None
        codes = _map(codes_path, entry)
        with contextlib.suppress(OSError):  # a cache that cannot be written to can still be read
            os.utime(entry_path)
    except (OSError, ValueError, StopIteration):  # never kept, forgotten, or damaged
        return None
    return EncodedText(codes=codes, alphabet=entry.alphabet, sha256=seen.sha256, encoding=entry.encoding)


def _remember(path: Path, status: os.stat_result, sha256: str, started: int) -> None:
    """Note which file had this hash, unless it changed while it was read, or so shortly before that none could tell."""
    now = path.stat()
    unchanged = (now.st_size, _times(now)) == (status.st_size, _times(status))
    if unchanged and started - status.st_mtime_ns > 2_000_000_000:  # coarse clocks tick every two seconds
        seen = _Seen(size=status.st_size, times_ns=_times(status), sha256=sha256)
        write_atomically(_seen_path(path), msgspec.json.encode(seen))


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_ctime_ns


def _checksum(codes_path: Path, alphabet: str) -> int:
    crc32 = 0
    with codes_path.open("rb") as file:
        while chunk := file.read(CHUNK):
            crc32 = zlib.crc32(chunk, crc32)
    return zlib.crc32(alphabet.encode("utf-8", "surrogatepass"), crc32)


def _seen_path(path: Path) -> Path:
    place = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()
    return _folder() / f"{place}.seen"


def _forget_unused(folder: Path) -> None:
    """Delete the encoded texts that nobody read for a while, and what a killed process left."""
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
