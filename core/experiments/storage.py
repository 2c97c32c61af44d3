"""Where the trials are stored: by default in a journal file, or in any database that optuna takes."""

import logging
import warnings
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from core.errors import UserError
from core.text import in_one_line, shortened

JOURNAL = "trials.journal"
"""Name of the journal file in the experiment's folder."""
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
            return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        except (OSError, ValueError) as error:
            raise UserError(f"The trials in {shortened(folder)} cannot be read: {in_one_line(str(error))}.") from None
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except ImportError as error:
        raise UserError(
            f"{without_password(url)} needs the package {error.name or in_one_line(str(error))}. For PostgreSQL: "
            "pip install 'charlstm-tui[postgresql]'."
        ) from None
    except (ArgumentError, ValueError):
        raise UserError(
            f"{without_password(url)} is not the address of a database. Write for example "
            "postgresql://user@host/name or sqlite:///trials.db."
        ) from None
    except SQLAlchemyError as error:
        raise unreachable(url, error) from None


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
