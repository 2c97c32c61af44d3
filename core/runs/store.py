"""The folder that holds the runs: finds them, names them, renames and deletes them."""

import contextlib
import datetime
import os
import re
import shutil
from pathlib import Path

import msgspec

import core
from core.errors import UserError
from core.files import is_file, user_path
from core.folders import system_data_folder
from core.runs import bundled_model
from core.runs.run import Run, RunConfig
from core.text import shortened

MAX_NAME = 100
"""Characters of a run's name."""
MAX_NAME_BYTES = 240
"""The same in UTF-8: file systems take 255, and a run that is being deleted has a longer name."""
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)


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
        if is_file(path):
            return path
        kind = "run called" if path.name == checkpoint else "checkpoint"
        raise UserError(f"There is no {kind} {shortened(checkpoint)}. `charlstm-tui runs list` shows the runs.")

    def run_in(self, folder: str) -> Run | None:
        """Return the run whose folder a path names; None where it is no run's folder."""
        path = user_path(folder)
        if path.name == folder or not is_file(Run(path).config_path):  # a bare name is a run's, not a folder's
            return None
        return Run(path.absolute())

    def has(self, name: str) -> bool:
        """Tell whether there is a run of that name."""
        return Path(name).name == name and not name.startswith(".") and is_file(Run(self.root / name).config_path)

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
    return system_data_folder() / "runs"
