"""The folder of the experiments, in the folder of the runs: one folder each.

RUNS/.experiments/layers/experiment.json     the settings, and the address of the storage
                         trials.journal      the trials, unless they are in a database
                         trial-3.lock        held by the process that trains this trial
RUNS/.experiments/machine                    a name of this machine for the storage
"""

import contextlib
import datetime
import shutil
import uuid
from pathlib import Path

import msgspec
from msgspec import Struct

from core.errors import UserError
from core.experiments.experiment import Experiment, check_experiment
from core.files import is_file, write_atomically
from core.runs.store import MAX_NAME, RunStore, check_name
from core.text import shortened

FOLDER = ".experiments"
"""Name of the folder in the folder of the runs; a run's name cannot begin with a dot."""
JOURNAL = "trials.journal"
"""Name of the file of an experiment's trials."""
_MAX_NUMBER = 6  # digits after a run's name


class StoredExperiment(Struct, frozen=True, kw_only=True):
    """Content of `experiment.json`."""

    experiment: Experiment
    storage: str = ""
    """Address of the database; empty for the journal file."""


class ExperimentStore:
    """The folder of the experiments."""

    def __init__(self, runs: RunStore) -> None:
        self.runs = runs
        self.root = runs.root / FOLDER

    def create(self, experiment: Experiment, storage: str = "") -> Experiment:
        """Check the settings of an experiment and write them; return them with the time.

        Raises:
            UserError: they do not fit together, the name is taken or invalid, or the folder cannot be written to.
        """
        check_experiment(experiment)
        name = experiment.name
        check_name(name)
        if len(name) > MAX_NAME - _MAX_NUMBER - 1:
            raise UserError(
                f"The name {shortened(name, 40)} is too long. Its runs are called {shortened(name, 20)}-1 and so on."
            )
        if taken := [run.name for run in self.runs.all() if _is_numbered(run.name, name)]:
            raise UserError(
                f"The runs of an experiment called {name} would be called {name}-1 and so on, and there is a run "
                f"called {taken[0]} already. Choose another name."
            )
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        experiment = msgspec.structs.replace(experiment, created=experiment.created or now)
        folder = self.folder(name)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            raise UserError(f"There is an experiment called {name} already. Choose another name.") from None
        except OSError as error:
            raise UserError(f"{shortened(self.root)} cannot hold an experiment: {error.strerror}.") from None
        self.rewrite(StoredExperiment(experiment=experiment, storage=storage))
        return experiment

    def rewrite(self, stored: StoredExperiment) -> None:
        """Write the file of an experiment.

        Raises:
            UserError: it cannot be written.
        """
        path = self._path(stored.experiment.name)
        write_atomically(path, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")
        with contextlib.suppress(OSError):
            path.chmod(0o600)  # the address may hold a password; on Windows the folder's permissions count

    def get(self, name: str) -> StoredExperiment:
        """Read an experiment.

        Raises:
            UserError: there is none of this name, or its file is damaged.
        """
        if not self.has(name):
            raise UserError(
                f"There is no experiment called {shortened(name, 40) or 'nothing'}. "
                "`charlstm-tui sweep list` shows the experiments."
            )
        try:
            return msgspec.json.decode(self._path(name).read_bytes(), type=StoredExperiment)
        except OSError as error:
            raise UserError(f"{shortened(self._path(name))} cannot be read: {error.strerror or error}.") from None
        except (ValueError, RecursionError) as error:
            raise UserError(f"{shortened(self._path(name))} is damaged ({shortened(error)}).") from None

    def has(self, name: str) -> bool:
        """Return whether there is an experiment with this name."""
        return Path(name).name == name and not name.startswith(".") and is_file(self._path(name))

    def all(self) -> list[str]:
        """Return the names of the experiments, newest first.

        Raises:
            UserError: the folder cannot be read.
        """
        try:
            names = [folder.name for folder in self.root.iterdir() if self.has(folder.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{shortened(self.root)} cannot be read: {error.strerror or error}.") from None
        return sorted(names, key=lambda name: self._path(name).stat().st_mtime_ns, reverse=True)

    def remove(self, name: str) -> None:
        """Delete an experiment's folder; its runs stay.

        Raises:
            UserError: it cannot be deleted.
        """
        try:
            shutil.rmtree(self.folder(name))
        except OSError as error:
            raise UserError(f"{name} cannot be deleted: {error.strerror or error}.") from None

    def journal(self, name: str) -> Path:
        """Return the file of an experiment's trials, unless they are in a database."""
        return self.folder(name) / JOURNAL

    def folder(self, name: str) -> Path:
        """Return the folder of an experiment."""
        return self.root / name

    def machine(self) -> str:
        """Return a name of this machine for the storage, which is made at the first call.

        Raises:
            UserError: it cannot be written.
        """
        from filelock import FileLock

        path = self.root / "machine"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with FileLock(self.root / "machine.lock"):
                    if not path.exists():  # another process was first
                        write_atomically(path, uuid.uuid4().hex.encode())
            return path.read_text("utf-8").strip()
        except OSError as error:
            raise UserError(f"{shortened(self.root)} cannot be written: {error.strerror}.") from None

    def _path(self, name: str) -> Path:
        return self.folder(name) / "experiment.json"


def _is_numbered(run: str, name: str) -> bool:
    """Return whether a run is called like one of an experiment's."""
    number = run.removeprefix(f"{name}-")
    return number != run and number.isdecimal()
