"""The option --tensorboard of `charlstm-tui train`: a dashboard as one more listener of the run's events."""

import importlib.util
from typing import TYPE_CHECKING

import click

from core.files import user_path
from core.runs.recorder import Listener
from core.runs.run import Run
from core.text import shortened

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = "charlstm_tui.tensorboard"
"""Key of the folder in click's `Context.meta`."""


def _set_folder(ctx: click.Context, option: click.Parameter, folder: str | None) -> None:
    """Store the folder for `listeners_of`, after creating it: bad input is refused before the run begins."""
    if folder is None or ctx.resilient_parsing:
        return
    if importlib.util.find_spec("tensorboard") is None:
        from core.interchange.tensorboard import MISSING

        raise click.UsageError(MISSING, ctx)
    if not folder.strip():
        raise click.UsageError("--tensorboard: no folder was named.", ctx)
    path = user_path(folder).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise click.UsageError(f"--tensorboard: {shortened(path)} cannot be written: {why or error}.", ctx) from None
    ctx.meta[_FOLDER] = path


tensorboard_option = click.option(
    "--tensorboard", metavar="DIR", expose_value=False, callback=_set_folder,
    help="Also write losses, samples and settings for TensorBoard, into DIR/RUN. Needs the extra `tensorboard`.",
)  # fmt: skip


def listeners_of(ctx: click.Context, run: Run) -> list[Listener]:
    """Return the listeners that the options of this command ask for, for a run that begins or is resumed."""
    folder: Path | None = ctx.meta.get(_FOLDER)
    if folder is None:
        return []
    from core.interchange.tensorboard import Dashboard

    return [Dashboard(folder / run.name, run.config())]
