"""`charlstm-tui runs export`: write a run, its model or its losses to files, for this program and for others."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal, get_args

import click

from charlstm_tui.commands import proposals
from charlstm_tui.commands.options import runs_option
from charlstm_tui.commands.stdio import draws_bars
from charlstm_tui.formatting.numbers import size_in_bytes
from core.errors import UserError
from core.files import user_path
from core.runs.run import Run
from core.runs.store import RunStore
from core.text import in_one_line, shortened

Format = Literal["checkpoint", "pytorch", "onnx", "csv", "tensorboard"]
_ENDINGS: dict[Format, str] = {
    "checkpoint": ".safetensors", "pytorch": "-pytorch", "onnx": ".onnx", "csv": "-csv", "tensorboard": "-tensorboard",
}  # fmt: skip
"""What follows the run's name in the default name of the file or folder."""


@click.command("export", short_help="Write a run, its model or its losses to files.")
@click.argument("name", metavar="RUN", shell_complete=proposals.exportable)
@click.option(
    "--format", "kind", type=click.Choice(get_args(Format)), default="checkpoint", show_default=True,
    help="checkpoint: a file of this program. pytorch: a folder with a short module that needs only PyTorch and "
    "safetensors. onnx: a file for onnxruntime. csv: a folder with the losses by step and by epoch. tensorboard: a "
    "folder with losses, samples and settings. onnx and tensorboard need the extra of that name.",
)  # fmt: skip
@click.option("--weights", is_flag=True, help="Only the model of the best epoch, for evaluate and generate.")
@click.option("--half", is_flag=True, help="With --weights or pytorch: half precision, half the size.")
@click.option(
    "--output", metavar="PATH",
    help="File or folder to write; none of that name may exist. [default: RUN.safetensors, RUN-pytorch, RUN.onnx, "
    "RUN-csv or RUN-tensorboard]",
)  # fmt: skip
@runs_option
def export_command(name: str, kind: Format, weights: bool, half: bool, output: str | None, store: RunStore) -> None:
    """Write a run to a file from which it can be resumed elsewhere; with --weights, only its model.

    Another --format is for other programs. For pytorch and onnx, RUN may also be a checkpoint file or `moliere`, the
    bundled model.
    """
    _check_options(kind, weights=weights, half=half)
    if kind in ("pytorch", "onnx"):
        source = store.checkpoint_path(name)
        path = _new_path(output, Path(name).name.removesuffix(".safetensors") + _ENDINGS[kind], _is_folder(kind))
        with _status(f"writing {in_one_line(path.name)}"):
            _write_model(kind, source, path, half=half)
    else:
        run = _run(store, name, kind)
        path = _new_path(output, f"{run.name}{_ENDINGS[kind]}", _is_folder(kind))
        with _status(f"writing {in_one_line(path.name)}"):
            _write_run(kind, store, run, path, weights=weights, half=half)
    click.echo(f"{in_one_line(str(path))}  {size_in_bytes(_size(path))}")


def _status(text: str) -> AbstractContextManager[object]:
    """Show on stderr what the program does, until the end of the `with` block, where `draws_bars` says so."""
    if not draws_bars():
        return nullcontext()
    from rich.console import Console
    from rich.text import Text

    return Console(stderr=True).status(Text(text))  # as text, a name in brackets is no markup


def _check_options(kind: Format, *, weights: bool, half: bool) -> None:
    """Raise a `UserError` for options that a format does not have."""
    if kind == "checkpoint" and half and not weights:
        raise UserError("--half needs --weights: a file to resume from is saved in full precision.")
    if half and kind not in ("checkpoint", "pytorch"):
        raise UserError(f"The format {kind} has no half precision: remove --half.")
    if weights and kind in ("csv", "tensorboard"):
        raise UserError(f"The format {kind} has losses and no weights: remove --weights.")


def _run(store: RunStore, name: str, kind: Format) -> Run:
    """Return the run of this name; explain that its record is needed if a model is named."""
    if kind != "checkpoint" and not store.has(name):
        if (run := store.run_in(name)) is not None:
            return run
        store.checkpoint_path(name)  # raises an error if there is no such model either
        raise UserError(
            f"{in_one_line(name)} is a model without the record of its training. The format {kind} needs a run."
        )
    return store.get(name)


def _new_path(output: str | None, default: str, is_folder: bool) -> Path:
    """Return the path to write to, after checking that nothing is there."""
    if output is not None and not output.strip():
        raise UserError("No file was named: --output is empty.")
    path = user_path(output) if output is not None else Path(default)
    try:
        is_there = path.exists()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{shortened(path)} cannot be written: {why}.") from None
    if is_there:
        other = "folder" if is_folder else "file"
        raise UserError(f"{in_one_line(str(path))} already exists. Choose another {other} with --output.")
    return path


def _is_folder(kind: Format) -> bool:
    return kind in ("pytorch", "csv", "tensorboard")


def _write_model(kind: Format, source: Path, path: Path, *, half: bool) -> None:
    from core.checkpoints.checkpoint import load_checkpoint

    if kind == "pytorch":
        from core.interchange.pytorch_folder import write_pytorch_folder

        write_pytorch_folder(load_checkpoint(source), path, half=half)
    else:
        from core.interchange.onnx_model import write_onnx

        write_onnx(load_checkpoint(source), path)


def _write_run(kind: Format, store: RunStore, run: Run, path: Path, *, weights: bool, half: bool) -> None:
    if kind == "csv":
        from core.interchange.losses_csv import write_losses

        if not write_losses(run, path):
            click.echo("This run was recorded without its losses by step: steps.csv has none.", err=True)
    elif kind == "tensorboard":
        from core.interchange.tensorboard import write_dashboard

        write_dashboard(run, path)
    else:
        from core.checkpoints.export import export_run, export_weights

        if weights:
            export_weights(store.checkpoint_path(run.name), path, half=half)
        else:
            export_run(run.last_path, path)


def _size(path: Path) -> int:
    """Return the size of a file, or of all files in a folder, in bytes."""
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
