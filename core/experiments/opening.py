"""Opening an experiment's trials: on the machine that made it, or on another one that shares its database."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import optuna
from optuna.storages import BaseStorage

from core.data.corpus import CorpusConfig
from core.errors import UserError
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore, StoredExperiment
from core.experiments.storage import open_storage, unreachable, without_password
from core.experiments.trial_book import TrialBook, make_study

_EXPERIMENT = "experiment"
_WAIT = 5.0  # seconds for another process to finish creating the study


class Opened(NamedTuple):
    """An experiment and its trials."""

    experiment: Experiment
    book: TrialBook


def open_experiment(store: ExperimentStore, name: str, url: str | None = None, corpus: Sequence[str] = ()) -> Opened:
    """Open an experiment.

    Args:
        store: the experiments of this machine.
        name: the experiment's name.
        url: address of the database that holds the trials, or is to hold them; None for where they are.
        corpus: paths of the text on this machine, if it is not where the experiment was made.

    Raises:
        UserError: there is no such experiment, or its storage cannot be reached or belongs to another one.
    """
    if store.has(name):
        stored = store.get(name)
        if url is not None and url != stored.storage:
            stored = _moved(store, stored, url)
    else:
        if url is None:
            store.get(name)  # raises the error
        stored = _joined(store, name, url or "")
    if corpus:
        moved = stored.experiment.corpus.at(CorpusConfig.typed(corpus))
        stored = msgspec.structs.replace(stored, experiment=msgspec.structs.replace(stored.experiment, corpus=moved))
        store.rewrite(stored)
    with database_errors(stored.storage):
        storage = open_storage(stored.storage, store.folder(name))
        _ensure_study(stored.experiment, storage, stored.storage)
        book = TrialBook(stored.experiment, storage, store.folder(name), store.machine())
    return Opened(stored.experiment, book)


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Turn the errors of a database into a `UserError`."""
    if not url:
        yield
        return
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise unreachable(url, error.__cause__ if isinstance(error.__cause__, Exception) else error) from None


def delete_trials(store: ExperimentStore, name: str) -> None:
    """Delete an experiment's trials from its database, and its folder; its runs stay.

    Raises:
        UserError: the database cannot be reached, or the folder cannot be deleted.
    """
    stored = store.get(name)
    if stored.storage:
        with database_errors(stored.storage), contextlib.suppress(KeyError):
            optuna.delete_study(study_name=name, storage=open_storage(stored.storage, store.folder(name)))
    store.remove(name)


def _moved(store: ExperimentStore, stored: StoredExperiment, url: str) -> StoredExperiment:
    """Return the experiment with its trials in a database, if none has been begun elsewhere."""
    name = stored.experiment.name
    if stored.storage or store.journal(name).exists():
        where = without_password(stored.storage) if stored.storage else "its own file"
        raise UserError(f"The trials of {name} are in {where} already. Run it without --storage, or make a new one.")
    stored = msgspec.structs.replace(stored, storage=url)
    with database_errors(url):
        _ensure_study(stored.experiment, open_storage(url, store.folder(name)), url)
    store.rewrite(stored)
    return stored


def _joined(store: ExperimentStore, name: str, url: str) -> StoredExperiment:
    """Take an experiment that was made on another machine from its database."""
    with database_errors(url):
        storage = open_storage(url, store.root)
        known = _experiment_in(storage, name)
    if known is None:
        raise UserError(f"There is no experiment called {name} in {without_password(url)}.")
    return StoredExperiment(experiment=store.create(known, url), storage=url)


def _ensure_study(experiment: Experiment, storage: BaseStorage, url: str) -> None:
    """Create the study of the experiment if there is none; raise a `UserError` if it is another experiment's."""
    try:
        make_study(experiment, storage)
    except optuna.exceptions.DuplicatedStudyError:
        known = _experiment_in(storage, experiment.name)
        if known is None or not known.is_like(experiment):
            raise UserError(
                f"The study called {experiment.name} in {without_password(url) or 'its file'} is another "
                "experiment's. Choose another name or storage."
            ) from None
        return
    study = optuna.load_study(study_name=experiment.name, storage=storage)
    # Without the list of files, whose hash is there: the text columns of MySQL have 64 kB, and a thousand files more.
    corpus = msgspec.structs.replace(experiment.corpus, files=())
    study.set_user_attr(_EXPERIMENT, msgspec.json.encode(msgspec.structs.replace(experiment, corpus=corpus)).decode())


def _experiment_in(storage: BaseStorage, name: str) -> Experiment | None:
    """Return the experiment that a study belongs to; None if there is no such study, or it is not ours."""
    until = time.monotonic() + _WAIT
    while True:
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            return None
        if (known := study.user_attrs.get(_EXPERIMENT)) is not None:
            with contextlib.suppress(ValueError):
                return msgspec.json.decode(str(known), type=Experiment)
            return None
        if time.monotonic() > until:
            return None
        time.sleep(0.1)  # the process that has just created it stores the settings next
