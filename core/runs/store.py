"""The folder that holds all runs: creating, finding, renaming and deleting them."""

import contextlib
import datetime
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

import core
from core.errors import UserError
from core.files import is_file, user_path
from core.folders import system_data_folder
from core.runs import bundled_model
from core.runs.run import Run, RunConfig
from core.text import natural_key, shortened

MAX_NAME = 100
"""Maximum number of characters in a run's name."""
MAX_NAME_BYTES = 240
"""Maximum number of bytes in UTF-8: file systems allow 255, and a run that is being deleted has a longer name."""
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)


class RunStore:
    """The folder that holds all runs."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, config: RunConfig, name: str | None = None) -> Run:
        """Create the folder of a new run, called `name`, or by default the preset's name with the next free number.

        Raises:
            UserError: the name is taken or invalid, or the store cannot be written to.
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
        try:
            run.rewrite(config)
        except UserError:  # a full disk: the name must stay free
            with contextlib.suppress(OSError):
                path.rmdir()
            raise
        return run

    def rename(self, name: str, to: str) -> Run:
        """Rename a run.

        Raises:
            UserError: there is no such run, it is being trained, or the new name is taken or invalid.
        """
        run = self.get(name)
        check_name(to)
        path = self.root / to
        with _locked_for_renaming(run):
            # Some file systems ignore case: when "a" becomes "A", the path that exists already is the run's own.
            if path.exists() and (to == name or not path.samefile(run.path)):
                raise UserError(f"There is a run called {to} already. Choose another name.")
            try:
                run.path.rename(path)
            except OSError as error:
                raise UserError(f"{name} cannot be renamed: {error.strerror or error}.") from None
        return Run(path)

    def delete(self, name: str) -> None:
        """Delete a run and everything in its folder.

        Raises:
            UserError: there is no such run, it is being trained, or the store cannot be written to.
        """
        run = self.get(name)
        gone = self.root / f".{name}.deleted"  # if deleting it fails halfway, it is no longer listed as a run
        with _locked_for_renaming(run):
            try:
                shutil.rmtree(gone, ignore_errors=True)
                run.path.rename(gone)
                shutil.rmtree(gone)
            except OSError as error:
                raise UserError(f"{name} cannot be deleted: {error.strerror or error}.") from None

    def get(self, name: str) -> Run:
        """Return the run with this name.

        Raises:
            UserError: there is no such run.
        """
        if not self.has(name):
            raise UserError(
                f"There is no run called {shortened(name) or 'nothing'}. `charlstm-tui runs list` shows the runs."
            )
        return Run(self.root / name)

    def all(self) -> list[Run]:
        """Return every run, newest first.

        Raises:
            UserError: the folder exists but cannot be read.
        """
        try:
            folders = list(self.root.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"The runs in {shortened(self.root)} cannot be read: {error.strerror or error}.") from None
        runs = []
        for folder in folders:
            with contextlib.suppress(UserError):  # skip a run that may not be read
                if self.has(folder.name):
                    runs.append(Run(folder))
        return sorted(runs, key=lambda run: (run.config_path.stat().st_mtime_ns, natural_key(run.name)), reverse=True)

    def checkpoint_path(self, checkpoint: str) -> Path:
        """Return the checkpoint file that a string names: a run's best checkpoint, or a path.

        A run can be named by its name or its folder. The bundled model's name always means the bundled model.

        Raises:
            UserError: no run, file or bundled model has this name, or the run has no checkpoint.
        """
        # Shell completion appends a slash to a folder's name, on Windows a backslash.
        checkpoint = checkpoint.rstrip("/\\" if sys.platform == "win32" else "/") or checkpoint
        if checkpoint == bundled_model.NAME and (model := bundled_model.shipped_path()) is not None:
            return model
        path = user_path(checkpoint)
        run = Run(self.root / checkpoint) if self.has(checkpoint) else self.run_in(checkpoint)
        if run is not None:
            if not run.checkpoint_path.is_file():
                raise UserError(
                    f"The run {shortened(run.name)} has no checkpoint: it was interrupted before the first."
                )
            return run.checkpoint_path
        if is_file(path):
            return path
        kind = "run called" if path.name == checkpoint else "checkpoint"
        raise UserError(
            f"There is no {kind} {shortened(checkpoint) or 'nothing'}. `charlstm-tui runs list` shows the runs."
        )

    def run_in(self, folder: str) -> Run | None:
        """Return the run in the folder with this path; None if the folder is not a run's."""
        path = user_path(folder)
        if path.name == folder or not is_file(Run(path).config_path):  # a bare name is a run's, not a folder's
            return None
        return Run(path.absolute())

    def has(self, name: str) -> bool:
        """Return whether there is a run with this name."""
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
            check_name(f"{preset}-1")  # an imported checkpoint may have any preset name
        except UserError:
            preset = "run"
        number = 1
        while True:  # another process may take a number first
            path = self.root / f"{preset}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path


def check_name(name: str) -> None:
    """Check that a run may have this name: it can name a folder on every system, and is not reserved.

    Raises:
        UserError: it may not.
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


@contextmanager
def _locked_for_renaming(run: Run) -> Iterator[None]:
    """Lock a run whose folder is renamed in the `with` block.

    Windows renames no folder in which a file is open, and a lock is an open file. So there the lock is released first.
    If another process takes it at that moment, the file is open again, and renaming the folder fails.

    Raises:
        UserError: another process trains the run, or its folder cannot be written to.
    """
    with run.locked():
        if sys.platform != "win32":
            yield
            return
    yield


def default_root() -> Path:
    """Return the default folder of the runs.

    `CHARLSTM_RUNS` if it is set; otherwise `checkpoints/runs/` in a source checkout, or the user's data folder.
    """
    if named := os.environ.get("CHARLSTM_RUNS"):
        return user_path(named)
    checkout = Path(core.__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "checkpoints").is_dir():
        return checkout / "checkpoints" / "runs"
    return system_data_folder() / "runs"
