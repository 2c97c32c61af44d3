"""A folder a run.

RUNS/notebook-1/config.json         what was asked for
                metrics.jsonl       what the run said: an event a line, appended
                best.safetensors    the model at its best epoch
                last.safetensors    the run as it was a moment ago, to go on from
                .lock               held by the process that trains it

`recorder.py` writes what a run says; this module finds, reads and looks after what is there.
"""

import contextlib
import datetime
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import platformdirs
from msgspec import Struct

import core
from core.data.corpus import CorpusConfig
from core.errors import UserError
from core.events import Event, from_json
from core.files import user_path, write_atomically
from core.runs import bundled_model
from core.settings.config import ModelConfig, TrainingConfig
from core.text import shortened

if TYPE_CHECKING:
    from filelock import FileLock

MAX_NAME = 100
"""Characters of a run's name."""
MAX_NAME_BYTES = 240
"""The same in UTF-8: file systems take 255, and a run that is being deleted has a longer name."""
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_LOCK_SECONDS = 1.0
_MAY_CHANGE = ("epochs", "seconds", "sample_length", "sample_prompt", "device", "precision", "threads")
"""The settings of training that a run may be resumed with changed."""


class RunConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run was asked to do."""

    preset: str
    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    created: datetime.datetime | None = None

    def is_of(self, corpus: CorpusConfig, model: ModelConfig, training: TrainingConfig) -> bool:
        """Tell whether a checkpoint with these can be one of this run's."""
        same_text = self.corpus == msgspec.structs.replace(corpus, source=self.corpus.source)  # wherever it lies
        may_change = {name: getattr(self.training, name) for name in _MAY_CHANGE}
        return same_text and self.model == model and self.training == msgspec.structs.replace(training, **may_change)


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.json"
        self.metrics_path = path / "metrics.jsonl"
        self.best_path = path / "best.safetensors"
        self.last_path = path / "last.safetensors"
        self.lock_path = path / ".lock"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def checkpoint_path(self) -> Path:
        """The checkpoint to use: the best, or the last of a run stopped before it had one."""
        return self.best_path if self.best_path.exists() else self.last_path

    @property
    def size(self) -> int:
        """Bytes of its files."""
        size = 0
        for path in (self.config_path, self.metrics_path, self.best_path, self.last_path):
            with contextlib.suppress(OSError):
                size += path.stat().st_size
        return size

    def config(self) -> RunConfig:
        """Read what the run was asked to do.

        Raises:
            UserError: the file is missing or damaged.
        """
        shown = shortened(self.config_path)
        try:
            return msgspec.json.decode(self.config_path.read_bytes(), type=RunConfig)
        except OSError as error:
            raise UserError(f"{shown} cannot be read: {error.strerror or error}.") from None
        except (ValueError, RecursionError) as error:  # msgspec's errors, and text that is not UTF-8, are ValueErrors
            raise UserError(f"{shown} is damaged ({shortened(error)}). Its models can still be used.") from None

    def events(self) -> list[Event]:
        """Read what the run said, each line that was written whole."""
        try:
            lines = self.metrics_path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{shortened(self.metrics_path)} cannot be read: {error.strerror or error}.") from None
        events = []
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError):  # a process died amid this line, or a disk was full
                events.append(from_json(line))
        return events

    def rewrite(self, config: RunConfig) -> None:
        """Note that the run was asked to do something else.

        Raises:
            UserError: it cannot be written.
        """
        write_atomically(self.config_path, msgspec.json.format(msgspec.json.encode(config)) + b"\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no other process trains, renames or deletes it meanwhile; also one within another.

        Raises:
            UserError: another process has it, or its folder cannot be written to.
        """
        try:
            self._lock.acquire(timeout=_LOCK_SECONDS)  # somebody who lists the runs may look at it for a moment
        except TimeoutError:
            raise UserError(
                f"The run {self.name} is being trained by another process. Wait, or stop that one."
            ) from None
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error.strerror or error}.") from None
        try:
            yield
        finally:
            self._lock.release()

    @property
    def is_held(self) -> bool:
        """Whether some process trains it."""
        if not self.lock_path.exists():
            return False
        try:
            self._lock.acquire(timeout=0)
        except TimeoutError:
            return True
        except OSError:  # a folder that cannot be written to
            return False
        self._lock.release()
        return False

    @cached_property
    def _lock(self) -> "FileLock":
        from filelock import FileLock

        return FileLock(self.lock_path)


class RunStore:
    """The folder that holds the runs."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, config: RunConfig, name: str | None = None) -> Run:
        """Make a folder for a new run: under `name`, or under the preset's name with the next free number.

        Raises:
            UserError: the name is taken or cannot name a folder, or the store cannot be written to.
        """
        if name is not None:
            check_name(name)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            path = self._make_folder(name, config.preset)
        except OSError as error:
            raise UserError(f"{self.root} cannot hold a new run: {error.strerror}.") from None
        run = Run(path)
        config = msgspec.structs.replace(config, created=datetime.datetime.now(datetime.UTC).replace(microsecond=0))
        run.rewrite(config)
        return run

    def rename(self, name: str, to: str) -> Run:
        """Give a run another name.

        Raises:
            UserError: there is no such run, it is being trained, or the new name is taken or cannot name a folder.
        """
        run = self.get(name)
        check_name(to)
        with run.locked():
            if (self.root / to).exists():
                raise UserError(f"There is a run called {to} already. Choose another name.")
            try:
                run.path.rename(self.root / to)
            except OSError as error:
                raise UserError(f"{name} cannot be renamed: {error.strerror or error}.") from None
        return Run(self.root / to)

    def delete(self, name: str) -> None:
        """Delete a run and all that is in its folder.

        Raises:
            UserError: there is no such run, it is being trained, or the store cannot be written to.
        """
        run = self.get(name)
        gone = self.root / f".{name}.deleted"  # whatever happens after this, it is no run any more
        with run.locked():
            try:
                shutil.rmtree(gone, ignore_errors=True)
                run.path.rename(gone)
                shutil.rmtree(gone)
            except OSError as error:
                raise UserError(f"{name} cannot be deleted: {error.strerror or error}.") from None

    def get(self, name: str) -> Run:
        """Return the run of that name.

        Raises:
            UserError: there is none.
        """
        if not self.has(name):
            raise UserError(
                f"There is no run called {shortened(name) or 'nothing'}. `charlstm-tui runs list` shows the runs."
            )
        return Run(self.root / name)

    def all(self) -> list[Run]:
        """Return every run, newest first.

        Raises:
            UserError: the folder of the runs is there and cannot be read.
        """
        try:
            folders = list(self.root.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"The runs in {shortened(self.root)} cannot be read: {error.strerror or error}.") from None
        runs = []
        for folder in folders:
            with contextlib.suppress(UserError):  # one that may not be read is nobody's here
                if self.has(folder.name):
                    runs.append(Run(folder))
        return sorted(runs, key=lambda run: (run.config_path.stat().st_mtime_ns, _natural(run.name)), reverse=True)

    def checkpoint_path(self, checkpoint: str) -> Path:
        """Return the file that `checkpoint` means: a run's name stands for its best checkpoint, else it is a path.

        The shipped model's name always stands for it. A run's folder stands for its best checkpoint too.

        Raises:
            UserError: it is none of these.
        """
        checkpoint = checkpoint.rstrip("/") or checkpoint  # a shell's completion adds it to a folder's name
        if checkpoint == bundled_model.NAME and (model := bundled_model.shipped_path()) is not None:
            return model
        path = user_path(checkpoint)
        run = Run(self.root / checkpoint) if self.has(checkpoint) else self.run_in(checkpoint)
        if run is not None:
            if not run.checkpoint_path.is_file():
                raise UserError(f"The run {shortened(run.name)} has no checkpoint: it was cut off before its first.")
            return run.checkpoint_path
        if _is_file(path):
            return path
        kind = "run called" if path.name == checkpoint else "checkpoint"
        raise UserError(f"There is no {kind} {shortened(checkpoint)}. `charlstm-tui runs list` shows the runs.")

    def run_in(self, folder: str) -> Run | None:
        """Return the run whose folder a path names; None where it is no run's folder."""
        path = user_path(folder)
        if path.name == folder or not _is_file(Run(path).config_path):  # a bare name is a run's, not a folder's
            return None
        return Run(path.absolute())

    def has(self, name: str) -> bool:
        """Tell whether there is a run of that name."""
        return Path(name).name == name and not name.startswith(".") and _is_file(Run(self.root / name).config_path)

    def _make_folder(self, name: str | None, preset: str) -> Path:
        if name is not None:
            path = self.root / name
            try:
                path.mkdir()
            except FileExistsError:
                raise UserError(f"There is a run called {name} already. Choose another name.") from None
            return path
        try:
            check_name(f"{preset}-1")  # a file from elsewhere calls its preset what it likes
        except UserError:
            preset = "run"
        number = 1
        while True:  # another process may take a number between the look and the making
            path = self.root / f"{preset}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path


def check_name(name: str) -> None:
    """Hold a name for a run against what can name a folder on every system, and against names that mean something else.

    Raises:
        UserError: it will not do.
    """
    shown = shortened(name, 40)
    if not name:
        raise UserError("A run must have a name.")
    if len(name) > MAX_NAME or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise UserError(
            f"The name {shown} is too long: {len(name)} characters. A run's name has at most {MAX_NAME}, or "
            f"{MAX_NAME_BYTES} bytes in UTF-8."
        )
    if not re.fullmatch(r"\w[\w.-]*", name) or name.endswith("."):
        raise UserError(
            f"A run cannot be called {shown}. Use letters, digits, dots, dashes and underscores, with a letter or a "
            "digit at the start and no dot at the end."
        )
    if name.casefold() == bundled_model.NAME:
        raise UserError(f"A run cannot be called {shown}: that is the name of the model that comes with the program.")
    if _DEVICE.fullmatch(name):
        raise UserError(f"A run cannot be called {shown}: on Windows that is the name of a device.")


def _is_file(path: Path) -> bool:
    """Tell whether there is such a file.

    Raises:
        UserError: the folder that it would be in may not be read.
    """
    try:
        return path.is_file()
    except PermissionError as error:
        raise UserError(f"{shortened(path)} cannot be read: {error.strerror}.") from None
    except (OSError, ValueError):  # a name too long for a file, or with a NUL in it
        return False


def _natural(name: str) -> list[str]:
    """Return a key by which quick-9 comes before quick-10: a file's time is too coarse to tell two quick runs apart."""
    return [part.zfill(20) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def default_root() -> Path:
    """Return where runs go unless told otherwise.

    `CHARLSTM_RUNS` where it is set; `checkpoints/runs/` in a checkout; the user's data folder for an installed program.
    """
    if named := os.environ.get("CHARLSTM_RUNS"):
        return user_path(named)
    checkout = Path(core.__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "checkpoints").is_dir():
        return checkout / "checkpoints" / "runs"
    return Path(platformdirs.user_data_dir("charlstm-tui", appauthor=False)) / "runs"
