r"""Several files as one text.

Each file is decoded by itself, as if it were the only one. Between two files is a separator: a newline, and before it
another one if the file does not end with one. It belongs to the file before it.

The joined text takes as much memory as one file of the same size: below `LARGE` one to four bytes per character, twice
that while it is joined; from there on its codes are in a file of the cache, in addition to those of each large file.
"""

import contextlib
import hashlib
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from core.data.encoded_cache import WIDTHS, CacheError, Codes, Keeper, Width, reading_name
from core.data.encoded_text import LARGE, EncodedText, ReadingProgress, read_beginning, read_file
from core.data.encoder import AlphabetFullError, Encoder, InMemory
from core.data.encodings import Errors
from core.data.find_files import find_files
from core.data.known_texts import KNOWN
from core.data.text_files import Found, FoundFile, TextFile
from core.errors import UserError
from core.text import count_of, joined, shortened

BEGINNING_BYTES = LARGE
"""Approximate number of bytes that `read_beginnings` reads."""
_SEPARATOR = "\n"
_PIECE = 1 << 20
_KIND = b"files joined by newlines"  # changes whenever the same files are joined to another text than before

Reading = tuple[str | None, Errors]


def read_files(
    sources: Sequence[str], reading: Reading, *, skip_unreadable: bool = False
) -> Generator[ReadingProgress | EncodedText, None, None]:
    """Read the files that some sources stand for. Yields progress and, last, the text. To cancel, stop iterating.

    The SHA-256 of the text is that of the hashes of its files, in their order; of a single file, the file's own. So it
    changes when a file is changed, added or removed, but not when a folder is renamed. Empty files are passed over.

    Args:
        sources: files, folders, globs and known texts, as for `core.data.find_files.find_files`.
        reading: encoding (None detects that of each file) and handling of invalid bytes.
        skip_unreadable: pass over files that cannot be read, instead of raising an error.

    Raises:
        UserError: a source does not exist, a file cannot be read, or no file has any text.
    """
    for width in WIDTHS:
        found = yield from _found(sources, skip_unreadable)
        with contextlib.suppress(AlphabetFullError):  # start again, wider
            yield from _read(found, reading, skip_unreadable, width)
            return


class Beginnings(NamedTuple):
    """The beginning of a text of several files."""

    text: EncodedText
    """The first characters. Its files are all files of the text, with estimates where they were not read completely."""
    share: float
    """Share of the characters of the text, 0 to 1; 1 if all files were read completely."""


def read_beginnings(
    sources: Sequence[str], reading: Reading, *, skip_unreadable: bool = False
) -> Generator[None, None, Beginnings]:
    """Return the beginning of a text of several files quickly. Yields after each folder and each file.

    Raises:
        UserError: as for `read_files`, as far as the files were read.
    """
    found = _checked((yield from find_files(sources)), skip_unreadable)
    joint, codes = _Joint(np.uint32), InMemory()
    files: list[_Read] = []
    share, read, characters = 1.0, 0, 0  # of the last file; bytes and characters of all files so far
    for file in found.files:
        yield
        if read > BEGINNING_BYTES:
            estimate = max(round(file.size * characters / read), 1)
            files.append(_Read(TextFile(path=file.shown, size=file.size, characters=estimate), separator=2))
            share = 0.0
            continue
        begun = _beginning(found, file, reading, skip_unreadable)
        if begun is None:
            continue
        text, of_file = begun
        if share == 1.0:
            for piece in joint.append(text):
                codes.append(piece)
            share = of_file
        read, characters = read + round(file.size * of_file), characters + len(text)
        files.append(_Read.of(file, text, of_file))
    _check_that_some_are_left(found, files)
    begun_text = _text(joint, files, found)
    begun_text = msgspec.structs.replace(begun_text, codes=codes.finish("", "", ""))
    total = sum(file.characters for file in begun_text.files)
    return Beginnings(begun_text, 1.0 if share == 1.0 else len(begun_text) / max(total, 1))


def _beginning(
    found: Found, file: FoundFile, reading: Reading, skip_unreadable: bool
) -> tuple[EncodedText, float] | None:
    """Return the beginning of a file and its share of the file; None if the file is passed over."""
    try:
        text, share = read_beginning(file.path, *_reading_of(file, reading))
    except UserError as error:
        _pass_over(found, file, error, skip_unreadable)
        return None
    if not len(text):
        found.pass_over("empty", file.shown)
        return None
    return text, share


def _checked(found: Found, skip_unreadable: bool) -> Found:
    """Return the files; raise a `UserError` if a folder cannot be read, unless that is to be skipped."""
    if found.unreadable and not skip_unreadable:
        raise UserError(_with_way_out(found.unreadable))
    return found


def _found(sources: Sequence[str], skip_unreadable: bool) -> Generator[ReadingProgress, None, Found]:
    """Return the files. Yields a progress of 0 after each folder."""
    finding = find_files(sources)
    while True:
        try:
            next(finding)
        except StopIteration as end:
            return _checked(end.value, skip_unreadable)
        yield ReadingProgress(done=0.0)


def _read(
    found: Found, reading: Reading, skip_unreadable: bool, width: Width
) -> Iterator[ReadingProgress | EncodedText]:
    size = max(found.size, 1)
    joint = _Joint(width)
    files: list[_Read] = []
    done = 0
    with Keeper(width, reading_name(*reading)) if size >= LARGE else InMemory() as sink:
        for file in found.files:
            try:
                for event in read_file(file.path, *_reading_of(file, reading)):
                    if isinstance(event, EncodedText):
                        text = event
                    else:
                        yield ReadingProgress(done=min((done + event.done * file.size) / size, 1.0))
            except UserError as error:
                _pass_over(found, file, error, skip_unreadable)
                continue
            done += file.size
            _check_known(file, text)
            if not len(text):
                found.pass_over("empty", file.shown)
                continue
            for codes in joint.append(text):
                sink.append(codes)
                yield ReadingProgress(done=min(done / size, 1.0))
            files.append(_Read.of(file, text))
        _check_that_some_are_left(found, files)
        text = _text(joint, files, found)
        # The same bytes in another encoding are another text, and so have another name in the cache.
        name = hashlib.sha256(" ".join([text.sha256, *(file.encoding for file in text.files)]).encode()).hexdigest()
        codes = sink.finish(name, joint.alphabet, text.encoding)
    yield msgspec.structs.replace(text, codes=codes)


class _Joint:
    """Translates the codes of each file to those of an alphabet of all files, and separates the files."""

    def __init__(self, width: Width) -> None:
        self._encoder = Encoder(width)
        self._separator = ""  # to be written before the next file

    @property
    def alphabet(self) -> str:
        """Distinct characters of all files so far."""
        return self._encoder.alphabet

    def append(self, text: EncodedText) -> Iterator[Codes]:
        """Yield the codes of the separator after the file before, if there is one, and those of a file.

        Raises:
            AlphabetFullError: all files together have too many distinct characters.
        """
        if self._separator:
            yield self._encoder.encode(self._separator)
        code_of = self._encoder.encode(text.alphabet)  # for each code of the file, that of the joined text
        for start in range(0, len(text), _PIECE):
            yield code_of[text.codes[start : start + _PIECE]]
        self._separator = _separator(text)


def _separator(text: EncodedText) -> str:
    """Return what separates a file, which is not empty, from the next one."""
    return "\n" if text.alphabet[text.codes[-1]] == "\n" else "\n\n"


class _Read(NamedTuple):
    """A file that was read, and the length of the separator after it, which is not yet among its characters."""

    file: TextFile
    separator: int

    @classmethod
    def of(cls, file: FoundFile, text: EncodedText, share: float = 1.0) -> "_Read":
        """Return the figures of a file of which a share was read."""
        read = TextFile(
            path=file.shown,
            size=file.size,
            characters=round(len(text) / share),
            encoding=text.encoding,
            sha256=text.sha256,
        )
        return cls(read, len(_separator(text)))


def _text(joint: _Joint, read: Sequence[_Read], found: Found) -> EncodedText:
    """Return the joined text without its codes. The last file needs no separator."""
    files = [
        msgspec.structs.replace(file, characters=file.characters + (separator if number < len(read) else 0))
        for number, (file, separator) in enumerate(read, start=1)
    ]
    encodings = list(dict.fromkeys(file.encoding for file in files if file.encoding))
    return EncodedText(
        codes=np.zeros(0, np.uint8),
        alphabet=joint.alphabet,
        sha256=_hash_of(files),
        encoding=joined(encodings),
        files=tuple(files),
        passed_over=found.passed_over(),
    )


def _hash_of(files: Sequence[TextFile]) -> str:
    """Return the hash of a text: that of its files' hashes; of a single file, its own. Empty if one is not known."""
    hashes = [file.sha256 for file in files]
    if not all(hashes):
        return ""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256(b"\n".join([_KIND, *(one.encode() for one in hashes)])).hexdigest()


def _reading_of(file: FoundFile, reading: Reading) -> Reading:
    return reading if file.known is None else ("utf-8", "strict")


def _check_known(file: FoundFile, text: EncodedText) -> None:
    """Raise a `UserError` if a known text has other content than it should."""
    if file.known is not None and KNOWN[file.known].sha256 not in ("", text.sha256):
        raise UserError(f"{shortened(file.path)} is damaged. Download it again: `charlstm-tui corpus fetch`.")


def _pass_over(found: Found, file: FoundFile, error: UserError, skip_unreadable: bool) -> None:
    """Note that a file cannot be read; raise the error if that is not to be skipped."""
    if isinstance(error, CacheError):
        raise error
    if not skip_unreadable or file.known is not None:
        raise UserError(_with_way_out(str(error))) from None
    found.pass_over("unreadable", file.shown, str(error))


def _with_way_out(error: str) -> str:
    return f"{error} Or read the other files without it: --skip-unreadable (the app has it among its settings)."


def _check_that_some_are_left(found: Found, read: Sequence[_Read]) -> None:
    if not read:
        reasons = " ".join(one.sentence() for one in found.passed_over() if one.reason in ("unreadable", "empty"))
        none = f"None of {count_of(len(found.files), 'file')} has any text. " if found.files else ""
        why = " ".join(detail for one in found.passed_over() for detail in one.details[:1]) if not found.files else ""
        said = " ".join(part for part in (why or reasons,) if part) or "There is no text file."
        raise UserError(f"{none}{said} Choose another text.")
