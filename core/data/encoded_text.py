"""Text files as arrays of integer codes, one per character.

A text smaller than `LARGE` is encoded each time it is read, which takes some tens of milliseconds. A larger text is
encoded once into a file of the cache (`core.data.encoded_cache`), which is then mapped into memory.

The encoding is, in this order: the one that the user named, the one that the first bytes announce, UTF-8, or, if the
file is not valid UTF-8, the one that `core.data.encoding_detection` finds.
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
from core.data.text_files import PassedOver, TextFile
from core.errors import UserError
from core.text import shortened

LARGE = 8 << 20
"""Smallest size, in bytes, of a text whose codes are cached."""


class EncodedText(Struct, frozen=True, kw_only=True):
    """A text as codes: the index of each character in the text's own alphabet."""

    codes: Codes
    """Shape (number of characters,)."""
    alphabet: str
    """Distinct characters of the text. Their order has no meaning."""
    sha256: str
    """SHA-256 of the file's bytes; of several files, that of theirs (`core.data.many_files`)."""
    encoding: str
    """Usual name of the file's encoding; of several files, those of all encodings."""
    files: tuple[TextFile, ...] = ()
    """The files that the text was joined from; empty if it is that of one file."""
    passed_over: tuple[PassedOver, ...] = ()
    """The files that were not read."""

    def __len__(self) -> int:
        return len(self.codes)


class ReadingProgress(Struct, frozen=True, kw_only=True):
    """Progress of reading a text."""

    done: float
    """Share of the file that was read, 0 to 1."""


def encode(text: str) -> EncodedText:
    """Encode a string, as if it had been read from a UTF-8 file."""
    encoder = Encoder(np.uint32)
    codes = encoder.encode(text)
    content = text.encode("utf-8", "surrogatepass")
    return EncodedText(
        codes=codes, alphabet=encoder.alphabet, sha256=hashlib.sha256(content).hexdigest(), encoding="utf-8"
    )


def read_file(
    path: Path, encoding: str | None = None, errors: Errors = "strict"
) -> Generator[ReadingProgress | EncodedText, None, None]:
    """Read a text file. Yields progress and, last, the text. To cancel, stop iterating.

    Args:
        path: the file.
        encoding: name of the encoding, as a user types it; None detects it.
        errors: with `replace`, invalid bytes become U+FFFD; with `strict`, they raise an error.

    Raises:
        UserError: the file is missing, a folder, unreadable, not text or not in the encoding; the cache cannot be
            written; the encoding does not exist or cannot be detected.
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
    """Return the beginning of a text quickly, and its share of the file's bytes; a small or cached text is read whole.

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
    """How to decode a file."""

    encoding: str | None
    """Python's name of the encoding; None detects it."""
    errors: Errors


def _beginning(sample: bytes, encoding: str, errors: Errors) -> EncodedText:
    """Encode a sample of a file, without the incomplete character that it may end with."""
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
    """Return the encoding that the user named, else the one that the first bytes announce, else UTF-8."""
    head = file.read(SAMPLE)
    announced = announced_encoding(head, name)
    if how.encoding is not None:
        return how.encoding
    if announced is None and b"\0" in head and (announced := wide_encoding(head)) is None:
        raise UserError(f"{name} is not text: it contains NUL bytes. Choose a text file.")
    return announced or seven_bit_encoding(head) or "utf-8"


def _encoding_instead(file: BinaryIO, tried: str, how: _How, name: str) -> str:
    """Return the encoding to use after decoding with `tried` failed: another one, or `tried` with replacements.

    Raises:
        UserError: the file has invalid bytes and `errors` is "strict", or no other encoding can be detected.
    """
    if how.encoding is None and tried == "utf-8":
        with contextlib.suppress(DamagedUtf8Error):
            return guessed_encoding(sample_of(file), name)
    if how.errors == "replace":
        return tried
    raise _damaged(file, tried, name)


def _damaged(file: BinaryIO, encoding: str, name: str) -> UserError:
    """Return an error that says where the file has bytes that are invalid in the encoding."""
    line, place, wrong = place_of_damage(file, encoding)
    shown = " ".join(f"{byte:02X}" for byte in wrong[:4])
    return UserError(
        f"{name} looks like {encoding_name(encoding)}, but line {line:,} has invalid bytes: {shown}, at byte {place:,} "
        "of the file. Save it as UTF-8, or use --encoding-errors replace, or another --encoding (the app has both "
        "among its settings)."
    )


def _encode_narrowly(
    file: BinaryIO, path: Path, status: os.stat_result, how: _How, encoding: str, errors: Errors
) -> Iterator[ReadingProgress | EncodedText]:
    """Encode with the narrowest integer type that has enough codes."""
    for width in WIDTHS:
        with contextlib.suppress(
            AlphabetFullError
        ):  # start again, wider: most such texts run out of codes on their first page
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
    """A file that counts and hashes the bytes read from it."""

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
