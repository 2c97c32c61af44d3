"""Finding the files that folders, globs and names stand for, in natural order.

A folder stands for all .txt files below it. A glob (letters/**/*.md) stands for the files that it matches. Hidden
files, links to folders and links out of the folder are passed over. So no file is read that the user did not mean, and
links in a circle do no harm.
"""

import os
import unicodedata
from collections.abc import Collection, Generator, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from core.data.known_texts import KNOWN
from core.data.text_files import SUFFIX, Found, FoundFile, Reason
from core.data.text_sources import exists, folder_of_glob, is_folder, is_glob
from core.errors import UserError
from core.text import natural_key, shortened

MAX_ENTRIES = 200_000
"""Maximum number of files and folders that are looked at: a name such as / stands for millions by mistake."""


def find_files(sources: Sequence[str]) -> Generator[None, None, Found]:
    """Return the files that the sources stand for. Yields after each folder; to cancel, stop iterating.

    The files of each source are in natural order, and the sources in the order given.

    Raises:
        UserError: a source does not exist or stands for no file, or there are too many files.
    """
    found, budget = Found(), _Budget()
    for source in sources:
        if "\0" in source:
            raise UserError(f"{shortened(source)} is not the name of a file: it contains a NUL.")
        if source in KNOWN:
            path = KNOWN[source].path_here()
            found.add(FoundFile(path.name, path, _size_of(path), known=source))
        elif is_glob(source):
            root, pattern = folder_of_glob(source)
            if not is_folder(str(root)):
                raise UserError(f"There is no file {shortened(source)}. Check the path to your text.")
            yield from _add_matching(found, root, pattern, budget)
        elif is_folder(source):
            yield from _add_matching(found, Path(source), None, budget)
        else:
            path = Path(source)
            found.add(FoundFile(path.name, path, _size_of(path)))
        yield
    return found


class _Budget:
    """Counts the entries that are looked at."""

    def __init__(self) -> None:
        self._left = MAX_ENTRIES

    def spend(self, root: Path) -> None:
        self._left -= 1
        if self._left < 0:
            raise UserError(
                f"{shortened(root)} has more than {MAX_ENTRIES:,} files and folders. Name a folder with fewer, or join "
                "the files to larger ones."
            )


def _add_matching(
    found: Found, root: Path, pattern: tuple[str, ...] | None, budget: _Budget
) -> Generator[None, None, None]:
    """Add the files below a folder that match a pattern, by default those with the right suffix."""
    files: list[FoundFile] = []
    before = len(found.files)
    for entry in _walk(root, pattern, budget):
        if entry is None:
            yield
        elif isinstance(entry, FoundFile):
            files.append(entry)
        else:
            found.pass_over(*entry)
    for file in sorted(files, key=lambda file: _order(file.shown)):
        found.add(file)
    if len(found.files) == before and not files and not found.unreadable:
        if pattern is None:
            raise UserError(
                f"{shortened(root)} has no text files: in a folder, those are read whose names end in {SUFFIX}. Name a "
                f"file in it, or a glob in quotes, such as '{shortened(root / '*.md')}'."
            )
        raise UserError(f"No file matches {shortened(root.joinpath(*pattern))}. Check the pattern.")


def _order(shown: str) -> tuple[list[list[str]], str]:
    return [natural_key(unicodedata.normalize("NFC", part)) for part in shown.split("/")], shown


_Skipped = tuple[Reason, str, str]


def _walk(root: Path, pattern: tuple[str, ...] | None, budget: _Budget) -> Iterator[FoundFile | _Skipped | None]:
    """Yield the files below a folder, those that are passed over, and None after each folder."""
    real_root = os.path.realpath(root).rstrip(os.sep) + os.sep
    folders: list[tuple[str, ...]] = [()]
    while folders:
        parts = folders.pop()
        try:
            with os.scandir(root.joinpath(*parts)) as entries:
                for entry in entries:
                    budget.spend(root)
                    here = (*parts, entry.name)
                    try:
                        yield from _judge(entry, here, pattern, real_root, folders)
                    except OSError as error:  # it has vanished, or its path is too long
                        yield "unreadable", "/".join(here), _unreadable(root.joinpath(*here), error)
        except OSError as error:
            name = "/".join(parts) or root.name
            yield "unreadable", name, _unreadable(root.joinpath(*parts), error)
        yield None


def _judge(
    entry: "os.DirEntry[str]",
    parts: tuple[str, ...],
    pattern: tuple[str, ...] | None,
    real_root: str,
    folders: list[tuple[str, ...]],
) -> Iterator[FoundFile | _Skipped]:
    """Yield a file, or why it is passed over; a folder to be searched is added to `folders`."""
    shown = "/".join(parts)
    is_link = entry.is_symlink()
    is_broken = is_link and not exists(Path(entry.path))
    is_a_folder = not is_broken and entry.is_dir()
    if is_a_folder and not is_link:
        if _is_hidden(entry.name) and not (pattern and any(map(_is_hidden, pattern))):
            if pattern is None:
                yield "hidden", shown, ""
        elif pattern is None or "**" in pattern or len(parts) < len(pattern):
            folders.append(parts)
        return
    if pattern is not None and not _matches(parts, pattern):
        return
    reason: Reason | None = None
    if pattern is None and _is_hidden(entry.name):
        reason = "hidden"
    elif is_a_folder:
        reason = "linked folder"
    elif is_broken:
        reason = "broken link"
    elif pattern is None and not entry.name.lower().endswith(SUFFIX):
        reason = "other name"
    elif is_link and not os.path.realpath(entry.path).startswith(real_root):
        reason = "link"
    elif not entry.is_file():
        reason = "special"
    if reason is not None:
        yield reason, shown, ""
    else:
        yield FoundFile(shown, Path(entry.path), entry.stat().st_size)


def _unreadable(path: Path, error: OSError) -> str:
    return f"{shortened(path)} cannot be read: {error.strerror or error}."


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether the parts of a path match those of a pattern, in which ** stands for any number of folders."""
    reached: Collection[int] = _with_none({0}, pattern)  # numbers of the parts of the pattern that may come next
    for part in parts:
        following = set()
        for number in reached:
            if number < len(pattern) and pattern[number] == "**":
                following |= {number} if not _is_hidden(part) else set()
            elif number < len(pattern) and fnmatchcase(part, pattern[number]):
                following |= {number + 1} if not _is_hidden(part) or _is_hidden(pattern[number]) else set()
        reached = _with_none(following, pattern)
    return len(pattern) in reached


def _with_none(reached: set[int], pattern: Sequence[str]) -> set[int]:
    """Add the numbers that are reached where ** stands for no folder."""
    for number in range(len(pattern)):
        if number in reached and pattern[number] == "**":
            reached.add(number + 1)
    return reached


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"There is no file or folder {shortened(path)}. Check the path to your text.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{shortened(path)} cannot be read: {reason}.") from None
