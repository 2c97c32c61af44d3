"""A file as an array of small whole numbers, one a character: read once, kept, and mapped into memory from then on.

A text below `LARGE` is encoded anew each time, in some tens of milliseconds. A larger one is encoded once into a file
of the cache (`core.data.encoded_cache`). Its encoding is the one that a person named, or that its first bytes announce,
or UTF-8, or, where it is not, what `core.data.encoding_detection` finds.
"""

import contextlib
import hashlib
import io
import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from msgspec import Struct

from core.data.decoding import CHUNK, announced_encoding, looks_like_text, pieces, place_of_damage
from core.data.encoded_cache import WIDTHS, Codes, Keeper, Width, find, reading_name, remember
from core.data.encoder import AlphabetFullError, Encoder, InMemory
from core.data.encoding_detection import DamagedUtf8Error, guessed_encoding, seven_bit_encoding, wide_encoding
from core.data.encoding_sample import SAMPLE, sample_of
from core.data.encodings import Errors, encoding_name, encoding_named
from core.errors import UserError
from core.text import shortened

LARGE = 8 << 20
"""Bytes from which on a text is kept encoded."""


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


def encode(text: str) -> EncodedText:
    """Return a text that is in memory already, as if it had been read from a UTF-8 file."""
    encoder = Encoder(np.uint32)
    codes = encoder.encode(text)
    content = text.encode("utf-8", "surrogatepass")
    return EncodedText(
        codes=codes, alphabet=encoder.alphabet, sha256=hashlib.sha256(content).hexdigest(), encoding="utf-8"
    )


def read_file(
    path: Path, encoding: str | None = None, errors: Errors = "strict"
) -> Generator[ReadingProgress | EncodedText, None, None]:
    """Read a text file, yielding progress and, last, the text. To stop, stop asking.

    Args:
        path: where it is.
        encoding: as a person names it; None finds it.
        errors: with `replace`, bytes that are not in the encoding become U+FFFD; else they are an error.

    Raises:
        UserError: it is missing, a folder, unreadable, not text, not in the encoding, or cannot be kept where large
            texts are; or there is no such encoding, or none can be found.
    """
    how = _How(encoding_named(encoding) if encoding else None, errors)
    with _in_plain_words(path):
        status = path.stat()
        if status.st_size >= LARGE and (kept := _kept(path, status, how)) is not None:
            yield kept
            return
        with path.open("rb") as file:
            yield from _read(file, path, status, how)


def read_beginning(path: Path, encoding: str | None = None, errors: Errors = "strict") -> tuple[EncodedText, float]:
    """Return the first part of a text, quickly, and which share of its bytes that is: 1 for a small or a kept one.

    Raises:
        UserError: as for `read_file`.
    """
    how = _How(encoding_named(encoding) if encoding else None, errors)
    with _in_plain_words(path):
        status = path.stat()
        if status.st_size < LARGE:
            *_, text = read_file(path, encoding, errors)
            assert isinstance(text, EncodedText)
            return text, 1.0
        if (kept := _kept(path, status, how)) is not None:
            return kept, 1.0
        with path.open("rb") as file:
            tried = _encoding_to_try(file, how, shortened(path))
            file.seek(0)
            sample = file.read(CHUNK)
            try:
                text = _beginning(sample, tried, "strict" if how.encoding is None else errors)
            except UnicodeDecodeError:
                found = _encoding_instead(file, tried, how, shortened(path))
                try:
                    text = _beginning(sample, found, errors)
                except UnicodeDecodeError:
                    raise _damaged(file, found, shortened(path)) from None
        return text, len(sample) / status.st_size


class _How(Struct, frozen=True):
    """How a text is to be read."""

    encoding: str | None
    """Python's name of it; None finds it."""
    errors: Errors


def _beginning(sample: bytes, encoding: str, errors: Errors) -> EncodedText:
    """Return all of a sample but a character that it may have cut in two."""
    encoder = Encoder(np.uint32)
    codes = encoder.encode("".join(pieces(io.BytesIO(sample), encoding, errors=errors, whole=False)))
    return EncodedText(codes=codes, alphabet=encoder.alphabet, sha256="", encoding=encoding_name(encoding))


def _kept(path: Path, status: os.stat_result, how: _How) -> EncodedText | None:
    found = find(path, status, reading_name(how.encoding, how.errors))
    if found is None:
        return None
    sha256, codes, entry = found
    return EncodedText(codes=codes, alphabet=entry.alphabet, sha256=sha256, encoding=entry.encoding)


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


def _read(file: BinaryIO, path: Path, status: os.stat_result, how: _How) -> Iterator[ReadingProgress | EncodedText]:
    name = shortened(path)
    encoding = _encoding_to_try(file, how, name)
    try:
        yield from _encode_narrowly(file, path, status, how, encoding, "strict" if how.encoding is None else how.errors)
        return
    except UnicodeDecodeError:
        encoding = _encoding_instead(file, encoding, how, name)
    try:
        yield from _encode_narrowly(file, path, status, how, encoding, how.errors)
    except UnicodeDecodeError:
        raise _damaged(file, encoding, name) from None


def _encoding_to_try(file: BinaryIO, how: _How, name: str) -> str:
    """Return the encoding that was named, or announced, or UTF-8."""
    head = file.read(SAMPLE)
    announced = announced_encoding(head, name)
    if how.encoding is not None:
        return how.encoding
    if announced is None and b"\0" in head and (announced := wide_encoding(head)) is None:
        raise UserError(f"{name} is not text: it has NUL bytes in it. Choose a text file.")
    return announced or seven_bit_encoding(head) or "utf-8"


def _encoding_instead(file: BinaryIO, tried: str, how: _How, name: str) -> str:
    """Return the encoding of a file that is not in the one that was tried: another one, or that, damage and all.

    Raises:
        UserError: it is damaged, and not to be read so; or no other encoding can be found.
    """
    if how.encoding is None and tried == "utf-8":
        with contextlib.suppress(DamagedUtf8Error):
            return guessed_encoding(sample_of(file), name)
    if how.errors == "replace":
        return tried
    raise _damaged(file, tried, name)


def _damaged(file: BinaryIO, encoding: str, name: str) -> UserError:
    """Return an error that says where a file is not in its encoding."""
    line, place, wrong = place_of_damage(file, encoding)
    shown = " ".join(f"{byte:02X}" for byte in wrong[:4])
    return UserError(
        f"{name} looks like {encoding_name(encoding)}, but line {line:,} has bytes that are not: {shown}, from byte "
        f"{place:,} of the file on. Save it as UTF-8 anew; or read it with --encoding-errors replace, or another "
        "--encoding (the app has both among its settings)."
    )


def _encode_narrowly(
    file: BinaryIO, path: Path, status: os.stat_result, how: _How, encoding: str, errors: Errors
) -> Iterator[ReadingProgress | EncodedText]:
    """Encode with the narrowest numbers that do."""
    for width in WIDTHS:
        with contextlib.suppress(AlphabetFullError):  # then anew: most such texts show it on their first page
            yield from _encode(file, path, status, how, encoding, errors, width)
            return


def _encode(
    file: BinaryIO, path: Path, status: os.stat_result, how: _How, encoding: str, errors: Errors, width: Width
) -> Iterator[ReadingProgress | EncodedText]:
    file.seek(0)
    started = time.time_ns()
    hashing, encoder = _HashingFile(file), Encoder(width)
    large = status.st_size >= LARGE
    with Keeper(width, reading_name(how.encoding, how.errors)) if large else InMemory() as sink:
        begun = False
        for piece in pieces(hashing, encoding, errors=errors):
            if "\0" in piece or not (begun or looks_like_text(piece)):
                raise UserError(f"{shortened(path)} is not text. Choose a text file.")
            begun = True
            sink.append(encoder.encode(piece))
            yield ReadingProgress(done=min(hashing.count / max(status.st_size, 1), 1.0))
        sha256 = hashing.sha256
        codes = sink.finish(sha256, encoder.alphabet, encoding_name(encoding))
    if large:
        remember(path, status, sha256, started)
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
