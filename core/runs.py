"""A folder a run.

RUNS/notebook-1/config.json         what was asked for
                metrics.jsonl       what the run said: an event a line, appended
                best.safetensors    the model at its best epoch
                last.safetensors    the model at its last
"""

import datetime
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import platformdirs
from msgspec import Struct

import core
from core.config import ModelConfig, TrainingConfig
from core.control import Control
from core.corpus import CorpusConfig
from core.errors import UserError
from core.events import (
    CheckpointSaved,
    EpochCompleted,
    Event,
    RunFinished,
    RunStarted,
    StepsCompleted,
    from_json,
    to_json,
)
from core.files import user_path, write_atomically
from core.text import shortened

if TYPE_CHECKING:
    from core.training import Trainer

RunState = Literal["finished", "stopped", "failed", "unfinished"]


class RunConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run was asked to do."""

    preset: str
    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    created: datetime.datetime | None = None


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.json"
        self.metrics_path = path / "metrics.jsonl"
        self.best_path = path / "best.safetensors"
        self.last_path = path / "last.safetensors"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def checkpoint_path(self) -> Path:
        """The checkpoint to use: the best, or the last of a run stopped before it had one."""
        return self.best_path if self.best_path.exists() else self.last_path

    def config(self) -> RunConfig:
        """Read what the run was asked to do.

        Raises:
            UserError: the file is missing or damaged.
        """
        try:
            return msgspec.json.decode(self.config_path.read_bytes(), type=RunConfig)
        except (OSError, ValueError) as error:  # msgspec's errors, and text that is not UTF-8, are ValueErrors
            raise UserError(f"{self.config_path} cannot be read ({error}).") from None

    def events(self) -> list[Event]:
        """Read what the run said, as far as it was written whole."""
        try:
            lines = self.metrics_path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{self.metrics_path} cannot be read: {error.strerror}.") from None
        events = []
        for line in lines:
            try:
                events.append(from_json(line))
            except ValueError:
                break  # the process died amid this line
        return events

    def record(self, trainer: "Trainer", control: Control) -> Iterator[Event]:
        """Run the trainer, pass on what it says, and keep it: metrics, and checkpoints as they are due.

        Raises:
            UserError: the folder cannot be written to.
        """
        with self.metrics_path.open("ab", buffering=0) as metrics:
            for event in self._saving(trainer, control):
                if not isinstance(event, StepsCompleted):
                    try:
                        metrics.write(to_json(event).encode() + b"\n")
                    except OSError as error:
                        raise UserError(f"{self.metrics_path} cannot be written: {error.strerror}.") from None
                yield event

    def _saving(self, trainer: "Trainer", control: Control) -> Iterator[Event]:
        for event in trainer.run(control):
            match event:
                case RunStarted():
                    yield msgspec.structs.replace(event, run=self.name)
                case EpochCompleted(epoch=epoch, best=best):
                    yield event
                    yield from self._save(trainer, epoch, best=best)
                case RunFinished(reason=reason, epochs=epochs):
                    if reason == "stopped":  # amid an epoch: what it had learnt by then
                        yield from self._save(trainer, epochs, best=False)
                    best_path, last_path = (
                        str(path) if path.exists() else None for path in (self.best_path, self.last_path)
                    )
                    yield msgspec.structs.replace(
                        event, run=self.name, best_checkpoint=best_path, last_checkpoint=last_path
                    )
                case _:
                    yield event

    def _save(self, trainer: "Trainer", epoch: int, *, best: bool) -> Iterator[Event]:
        content = trainer.checkpoint().to_bytes()
        if best:
            write_atomically(self.best_path, content)
            yield CheckpointSaved(kind="best", epoch=epoch, path=str(self.best_path))
        write_atomically(self.last_path, content)
        yield CheckpointSaved(kind="last", epoch=epoch, path=str(self.last_path))


class RunSummary(Struct, frozen=True, kw_only=True):
    """A run in a line."""

    name: str
    created: datetime.datetime | None
    corpus: str
    preset: str
    epochs: int
    """Completed."""
    train_loss: float | None
    """Of the last epoch."""
    best_val_loss: float | None
    state: RunState
    """"unfinished": under way in some process, or cut off."""


class RunStore:
    """The folder that holds the runs."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, config: RunConfig, name: str | None = None) -> Run:
        """Make a folder for a new run: under `name`, or under the preset's name with the next free number.

        Raises:
            UserError: the name is taken or cannot name a folder, or the store cannot be written to.
        """
        if name is not None and not re.fullmatch(r"[\w][\w.-]{0,99}", name):
            raise UserError(f"A run cannot be called {name!r}. Use letters, digits, dots, dashes, underscores.")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            path = self._make_folder(name, config.preset)
        except OSError as error:
            raise UserError(f"{self.root} cannot hold a new run: {error.strerror}.") from None
        run = Run(path)
        config = msgspec.structs.replace(config, created=datetime.datetime.now(datetime.UTC).replace(microsecond=0))
        write_atomically(run.config_path, msgspec.json.format(msgspec.json.encode(config)) + b"\n")
        return run

    def get(self, name: str) -> Run:
        """Return the run of that name.

        Raises:
            UserError: there is none.
        """
        if not self._has(name):
            raise UserError(
                f"There is no run called {shortened(name) or 'nothing'}. `charlstm-tui runs list` shows the runs."
            )
        return Run(self.root / name)

    def all(self) -> list[Run]:
        """Return every run, newest first."""
        runs = [Run(path.parent) for path in self.root.glob("*/config.json")]
        return sorted(runs, key=lambda run: (run.config_path.stat().st_mtime_ns, _natural(run.name)), reverse=True)

    def checkpoint_path(self, checkpoint: str) -> Path:
        """Return the file that `checkpoint` means: a run's name stands for its best checkpoint, else it is a path.

        Raises:
            UserError: it is neither a run nor a file.
        """
        checkpoint = checkpoint.rstrip("/") or checkpoint  # a shell's completion adds it to a folder's name
        path = user_path(checkpoint)
        if path.name != checkpoint or not self._has(checkpoint):
            if _is_file(path):
                return path
            kind = "run called" if path.name == checkpoint else "checkpoint"
            raise UserError(f"There is no {kind} {shortened(checkpoint)}. `charlstm-tui runs list` shows the runs.")
        run = self.get(checkpoint)
        if not run.checkpoint_path.is_file():
            raise UserError(f"The run {checkpoint} has no checkpoint: it was cut off before its first.")
        return run.checkpoint_path

    def _has(self, name: str) -> bool:
        return Path(name).name == name and _is_file(Run(self.root / name).config_path)

    def _make_folder(self, name: str | None, preset: str) -> Path:
        if name is not None:
            path = self.root / name
            try:
                path.mkdir()
            except FileExistsError:
                raise UserError(f"There is a run called {name} already. Choose another name.") from None
            return path
        number = 1
        while True:  # another process may take a number between the look and the making
            path = self.root / f"{preset}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path


def summarise(run: Run) -> RunSummary:
    """Sum up a run from its files.

    Raises:
        UserError: its configuration is missing or damaged.
    """
    config, events = run.config(), run.events()
    epochs = [event for event in events if isinstance(event, EpochCompleted)]
    val_losses = [event.val_loss for event in epochs if event.val_loss is not None]
    ended = events[-1] if events and isinstance(events[-1], RunFinished) else None
    return RunSummary(
        name=run.name,
        created=config.created,
        corpus=config.corpus.name,
        preset=config.preset,
        epochs=len(epochs),
        train_loss=epochs[-1].train_loss if epochs else None,
        best_val_loss=min(val_losses, default=None),
        state=ended.reason if ended else "unfinished",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
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
