"""The sources of a text, as they are typed: known texts, files, folders, and globs such as letters/**/*.txt."""

import re
from pathlib import Path

from core.data.known_texts import KNOWN
from core.errors import UserError
from core.files import is_file, user_path

_PATTERN = re.compile(r"[*?]|\[[^]]+]")


def is_glob(source: str) -> bool:
    """Return whether a source is a pattern that stands for files: it has *, ? or […], and no file has that name."""
    return _has_magic(source) and not exists(Path(source))


def is_folder(source: str) -> bool:
    """Return whether a source is a folder."""
    try:
        return Path(source).is_dir()
    except (OSError, ValueError):  # not to be read, a name too long for a file, or with a NUL in it
        return False


def folder_of_glob(pattern: str) -> tuple[Path, tuple[str, ...]]:
    """Return the folder in which the files of a glob are searched, and the parts of the pattern below it."""
    parts = Path(pattern).parts
    first = next(number for number, part in enumerate(parts) if _PATTERN.search(part))
    return Path(*parts[:first]), parts[first:]


def is_there(source: str) -> bool:
    """Return whether a source exists: a file, a folder, or the folder of a glob."""
    return is_folder(str(folder_of_glob(source)[0])) if is_glob(source) else source in KNOWN or exists(Path(source))


def absolute_source(source: str) -> str:
    """Return a source as it is kept in a configuration: the name of a known text, or an absolute path.

    Raises:
        UserError: it is empty, or a home folder in it does not exist.
    """
    if not source.strip():
        raise UserError(f"No text was named. Give the path of a text file, or one of: {', '.join(KNOWN)}.")
    if not _is_there(source):  # a file's name may begin or end with a space
        source = source.strip()
    return source if source in KNOWN else str(user_path(source).absolute())


def name_of_source(source: str) -> str:
    """Return the name of one of the sources of several files: a folder's, a file's, or a glob with that of its folder.

    This does not look at the disk, which may be a network's that does not answer.
    """
    if _has_magic(source):
        folder, pattern = folder_of_glob(source)
        return "/".join([folder.name, *pattern])
    return Path(source).name.removesuffix(".txt") or source


def exists(path: Path) -> bool:
    """Return whether a path exists; False if it is not possible, or not to be read."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_there(typed: str) -> bool:
    try:
        return is_file(user_path(typed)) or is_folder(str(user_path(typed)))
    except UserError:  # reading it raises the same error later
        return False


def _has_magic(source: str) -> bool:
    return any(_PATTERN.search(part) for part in Path(source).parts)
