"""A run: one folder with the files of one training.

RUNS/notebook-1/config.json         the settings of the run
                metrics.jsonl       the run's events, one per line
                steps.jsonl         the losses between the epochs' ends, one row for some steps per line
                best.safetensors    the model at its best epoch
                last.safetensors    the latest state of the run, to resume it
                .lock               held by the process that trains it

`recorder.py` writes these files; `Run` reads them.
"""

import contextlib
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.errors import UserError
from core.events import Event, from_json
from core.files import write_atomically
from core.runs.json_lines import read_json_lines
from core.settings.config import ModelConfig, TrainingConfig
from core.text import shortened

if TYPE_CHECKING:
    from filelock import FileLock

_LOCK_SECONDS = 1.0
_MAY_CHANGE = ("epochs", "seconds", "sample_length", "sample_prompt", "device", "precision", "threads")
"""Training settings that may be changed when a run is resumed."""


class Origin(Struct, frozen=True, kw_only=True):
    """The model whose weights a run began with."""

    kind: Literal["model", "import"]
    """"model": a model of this program, which the run trains further on another text. "import": a model of another
    program; the run only holds it."""
    name: str
    """Name of the run, or of the file without its folder."""
    path: str
    """Absolute path of the file at that time."""
    sha256: str
    """SHA-256 of the file's bytes."""
    corpus: CorpusConfig | None = None
    """Text that the model was trained on; None if unknown."""
    keeps_vocabulary: bool = False
    """Whether the run keeps characters that its text does not have."""


class RunConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a run: preset, corpus, model and training."""

    preset: str
    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    created: datetime.datetime | None = None
    origin: Origin | None = None
    """Where the first weights come from; None if they were drawn at random."""

    @property
    def is_imported(self) -> bool:
        """Whether the run only holds a model of another program, and was not trained here."""
        return self.origin is not None and self.origin.kind == "import"

    def is_of(self, corpus: CorpusConfig, model: ModelConfig, training: TrainingConfig) -> bool:
        """Return whether a checkpoint with these settings can belong to this run."""
        same_text = self.corpus.is_like(corpus)
        may_change = {name: getattr(self.training, name) for name in _MAY_CHANGE}
        return same_text and self.model == model and self.training == msgspec.structs.replace(training, **may_change)


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.json"
        self.metrics_path = path / "metrics.jsonl"
        self.steps_path = path / "steps.jsonl"
        self.best_path = path / "best.safetensors"
        self.last_path = path / "last.safetensors"
        self.lock_path = path / ".lock"

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def checkpoint_path(self) -> Path:
        """Checkpoint to use: the best, or the last if the run was stopped before it had a best one."""
        return self.best_path if self.best_path.exists() else self.last_path

    @property
    def size(self) -> int:
        """Total size of its files, in bytes."""
        size = 0
        for path in (self.config_path, self.metrics_path, self.steps_path, self.best_path, self.last_path):
            with contextlib.suppress(OSError):
                size += path.stat().st_size
        return size

    def config(self) -> RunConfig:
        """Read the settings of the run.

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

    def may_hold(
        self, name: str, kind: str, corpus: CorpusConfig, model: ModelConfig, training: TrainingConfig
    ) -> bool:
        """Return whether a checkpoint file with this name and content may be in this folder.

        Any file may, except one with the name of the run's best or last checkpoint that is not of that kind or belongs
        to another run.
        """
        kinds = {self.best_path.name: "best", self.last_path.name: "last"}
        if name not in kinds or not self.config_path.is_file():
            return True
        try:
            config = self.config()
        except UserError:  # with a damaged configuration, the file cannot be checked
            return True
        return kinds[name] == kind and config.is_of(corpus, model, training)

    def events(self) -> list[Event]:
        """Read the run's events, skipping lines that are damaged.

        Raises:
            UserError: the file exists but cannot be read.
        """
        return read_json_lines(self.metrics_path, from_json)

    def rewrite(self, config: RunConfig) -> None:
        """Write new settings of the run.

        Raises:
            UserError: it cannot be written.
        """
        write_atomically(self.config_path, msgspec.json.format(msgspec.json.encode(config)) + b"\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run, so that no other process trains, renames or deletes it. The lock is reentrant.

        Raises:
            UserError: another process holds the lock, or the folder cannot be written to.
        """
        try:
            self._lock.acquire(timeout=_LOCK_SECONDS)  # a process that lists the runs may hold it for a moment
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
        """Whether a process is training it."""
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
