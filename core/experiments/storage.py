"""Where the trials are stored: by default in a journal file, or in any database that optuna takes."""

import logging
import os
import warnings
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._file import get_lock_file

from core.errors import UserError
from core.experiments.experiment_store import JOURNAL
from core.text import in_one_line, shortened

_HIDDEN = "***"

optuna.logging.set_verbosity(logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def open_storage(url: str, folder: Path) -> BaseStorage:
    """Open the storage at a URL, or, if it is empty, the journal file in this folder.

    Raises:
        UserError: it cannot be reached, or a package for this kind of database is missing.
    """
    if not url:
        try:
            _cut_incomplete_line(folder / JOURNAL)
            return JournalStorage(JournalFileBackend(str(folder / JOURNAL), _lock(folder / JOURNAL)))
        except (OSError, ValueError) as error:
            raise UserError(f"The trials in {shortened(folder)} cannot be read: {in_one_line(str(error))}.") from None
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        return RDBStorage(_with_driver(url), engine_kwargs={"pool_pre_ping": True})
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or error.name or "for this kind of database"
        raise UserError(
            f"{without_password(url)} needs the package {missing}. For PostgreSQL: pip install "
            "'charlstm-tui[postgresql]'."
        ) from None
    except (ArgumentError, ValueError):
        raise UserError(
            f"{without_password(url)} is not the address of a database. Write for example "
            "postgresql://user@host/name or sqlite:///trials.db."
        ) from None
    except SQLAlchemyError as error:
        raise unreachable(url, error) from None


def _with_driver(url: str) -> str:
    """Return a database's URL with the driver of our extra; versions of SQLAlchemy differ in which one they take."""
    return "postgresql+psycopg://" + url.removeprefix("postgresql://") if url.startswith("postgresql://") else url


def _lock(journal: Path) -> JournalFileOpenLock:
    """Return the lock of a journal file. Optuna's default one is a symbolic link, which Windows lets few users make."""
    return JournalFileOpenLock(str(journal))


def _cut_incomplete_line(path: Path) -> None:
    """Remove a last line that is incomplete: the computer was switched off while it was written, or the disk was full.

    Otherwise the next line would be appended to it, and nothing could be read any more.
    """
    if not path.exists() or _is_complete(path):
        return
    with get_lock_file(_lock(path)), path.open("rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _is_complete(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def unreachable(url: str, error: Exception) -> UserError:
    """Return the error that says why a database cannot be used."""
    why = in_one_line(str(getattr(error, "orig", None) or error).strip().splitlines()[0])
    return UserError(f"The storage {without_password(url)} cannot be used: {shortened(why.rstrip('.'), 200)}.")


def without_password(url: str) -> str:
    """Return a database's URL as it may be shown."""
    scheme, separator, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    if at and ":" in user:
        user = f"{user.partition(':')[0]}:{_HIDDEN}"
    return shortened(in_one_line(f"{scheme}{separator}{user}{at}{host}"), 100)
