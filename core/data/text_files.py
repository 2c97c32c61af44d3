"""The files of a text as records: those that are read, and those that are passed over, with the reasons in words."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from core.text import in_one_line, joined, shortened

SUFFIX = ".txt"
"""How the names of the files end that are read from a folder, in capitals or not."""
MAX_NAMES = 1_000
"""Maximum number of names that are kept for each reason of passing over a file."""

Reason = Literal[
    "unreadable", "empty", "twice", "other name", "hidden", "linked folder", "link", "broken link", "special"
]

_VERBS: dict[Reason, tuple[str, str]] = {
    "unreadable": ("cannot be read", "cannot be read"),
    "empty": ("is empty", "are empty"),
    "twice": ("is named twice, and read once", "are named twice, and read once"),
    "other name": (f"is not a {SUFFIX} file", f"are not {SUFFIX} files"),
    "hidden": ("is hidden", "are hidden"),
    "linked folder": ("is a link to a folder", "are links to folders"),
    "link": ("is a link out of the folder", "are links out of the folder"),
    "broken link": ("is a broken link", "are broken links"),
    "special": ("is a device or a pipe", "are devices or pipes"),
}


class TextFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that was read as a part of a text."""

    path: str
    """Path below the folder that was named, with slashes; of a file that was named itself, its name."""
    size: int
    """Size in bytes."""
    characters: int
    """Number of characters, with those that separate it from the next file."""
    encoding: str = ""
    """Usual name of the encoding; empty if the file was not read yet."""
    sha256: str = ""
    """SHA-256 of the file's bytes; empty if it was not read completely."""


def changes_between(before: Sequence[TextFile], now: Sequence[TextFile]) -> str:
    """Return which files were changed, added and removed, in parentheses after a space; empty if that is not known."""
    old, new = ({file.path: file.sha256 for file in files} for files in (before, now))
    if not (old and new):
        return ""
    changed = {
        "changed": [path for path in new if path in old and old[path] != new[path]],
        "new": [path for path in new if path not in old],
        "missing": [path for path in old if path not in new],
    }
    parts = [f"{what}: {named(paths, len(paths))}" for what, paths in changed.items() if paths]
    return f" ({'; '.join(parts)})" if parts else ""


def named(names: Sequence[str], count: int, most: int = 3) -> str:
    """Return the first names in words, at most `most`, and how many of `count` are more."""
    shown = [shortened(name, 60) for name in names[:most]]
    return joined([*shown, *([f"{count - len(shown):,} more"] if count > len(shown) else [])])


class PassedOver(Struct, frozen=True, kw_only=True):
    """The files that were passed over for one reason."""

    reason: Reason
    count: int
    names: tuple[str, ...]
    """Paths of the first of them, as those of a `TextFile`; at most `MAX_NAMES`."""
    details: tuple[str, ...] = ()
    """For each unreadable file, the sentence that says why."""

    def sentence(self, most: int = 3) -> str:
        """Return a sentence that names at most `most` of the files and says why they are passed over."""
        return f"{named(self.names, self.count, most)} {_VERBS[self.reason][self.count > 1]}."


class FoundFile(NamedTuple):
    """A file to be read."""

    shown: str
    """Path as in a `TextFile`."""
    path: Path
    size: int
    known: str | None = None
    """Name of the known text that it is; None if it is none."""


class Found:
    """The files of a text, in the order in which they are read, and those that are passed over."""

    def __init__(self) -> None:
        self.files: list[FoundFile] = []
        self._passed_over: dict[Reason, list[tuple[str, str]]] = {}
        self._counts: dict[Reason, int] = {}
        self._seen: set[str] = set()

    @property
    def size(self) -> int:
        """Size of all files together, in bytes."""
        return sum(file.size for file in self.files)

    @property
    def unreadable(self) -> str:
        """Why the first folder or file that cannot be read cannot be; empty if there is none."""
        return next((detail for _, detail in self._passed_over.get("unreadable", ())), "")

    def add(self, file: FoundFile) -> None:
        """Add a file, unless it is there already."""
        real = os.path.realpath(file.path)
        if real in self._seen:
            self.pass_over("twice", file.shown)
            return
        self._seen.add(real)
        self.files.append(file._replace(shown=in_one_line(file.shown)))

    def pass_over(self, reason: Reason, name: str, detail: str = "") -> None:
        """Note that a file is passed over."""
        names = self._passed_over.setdefault(reason, [])
        self._counts[reason] = self._counts.get(reason, 0) + 1
        if len(names) < MAX_NAMES:
            names.append((in_one_line(name), detail))

    def passed_over(self) -> tuple[PassedOver, ...]:
        """Return the files that are passed over, the most important reasons first."""
        return tuple(
            PassedOver(
                reason=reason,
                count=self._counts[reason],
                names=tuple(name for name, _ in self._passed_over[reason]),
                details=tuple(detail for _, detail in self._passed_over[reason]) if reason == "unreadable" else (),
            )
            for reason in _VERBS
            if reason in self._counts
        )
