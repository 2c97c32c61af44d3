"""Files with one JSON object on each line, to which a run adds lines as it goes: its events, its steps."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.errors import UserError
from core.text import shortened

Content = TypeVar("Content")


def read_json_lines(path: Path, decode: Callable[[bytes], Content]) -> list[Content]:
    """Return the content of each line, in order; nothing if there is no file. Damaged lines are skipped.

    Raises:
        UserError: the file exists but cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{shortened(path)} cannot be read: {error.strerror or error}.") from None
    contents = []
    for line in lines:
        with contextlib.suppress(
            ValueError, RecursionError
        ):  # a process was killed while it wrote this line, or the disk was full
            contents.append(decode(line))
    return contents
