"""A new folder that is written completely or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import UserError
from core.files import unused_name
from core.text import shortened


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to write files into. It is called `path` only when the `with` block is over.

    After an error, or when the program is stopped, nothing of it is left.

    Raises:
        UserError: there is something at `path` already, or the folder or a file in it cannot be written.
    """
    temporary = unused_name(path.parent, f".{path.name}.")
    try:
        temporary.mkdir()
        yield temporary
        if path.exists() or path.is_symlink():  # Linux would replace an empty folder
            raise UserError(f"{shortened(path)} already exists. Choose another folder with --output.")
        temporary.rename(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{shortened(path)} cannot be written: {why or error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
