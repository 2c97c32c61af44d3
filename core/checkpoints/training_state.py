"""The complete state of a run between two steps, with which it is resumed exactly: in memory and in a file.

In the file, the weights to use have the same names as in any checkpoint. The names of the tensors that are needed only
for training begin with "resume.now."; those of the state at the start of the current epoch, with "resume.good.". The
counters are in the header.
"""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from core.checkpoints.counters import Counters, Plan, Progress
from core.checkpoints.file_format import RESUME, CheckpointFile, DamagedCheckpointError, Header, Kind, opened, signed
from core.data.corpus import CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.events import EpochCompleted
from core.model.char_lstm import is_layer_matrix
from core.model.device import ComputeSettings
from core.runs.run import Origin
from core.settings.config import ModelConfig, TrainingConfig

_NOW, _GOOD, _HISTORY = RESUME + "now.", RESUME + "good.", RESUME + "history"
_MAX_GENERATOR = 1 << 16  # bytes
_STATE_TYPES = ("F32", "BF16", "F16")  # the last on a GPU: autocast computes cuDNN's layers in float16


@dataclass(frozen=True)
class TrainingState:
    """State of a run between two steps."""

    counters: Counters
    tensors: dict[str, Tensor]
    """Tensors of `Learner.state`, and the state carried between windows; on the CPU."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything needed to resume a run."""

    model: ModelConfig
    vocabulary: Vocabulary
    corpus: CorpusConfig
    training: TrainingConfig
    preset: str = ""
    origin: Origin | None = None
    """The model that the run began with; None for random weights."""
    compute: ComputeSettings
    processes: int = 1
    """Number of processes that train the model."""
    plan: Plan | None
    history: tuple[EpochCompleted, ...]
    now: TrainingState
    good: TrainingState | None
    """State at the start of the current epoch; None if that is now."""
    best_epoch: int = 0
    """Epoch of the best model in the run's folder. Without validation the latest epoch is the best, and no earlier one
    may replace it."""
    taken_at: float = field(default_factory=time.monotonic)
    """Time of the snapshot, in seconds of `time.monotonic`."""

    @property
    def epochs(self) -> int:
        """Number of completed epochs."""
        return self.now.counters.epochs

    def content(self, kind: Kind, preset: str = "") -> tuple[bytes | memoryview, ...]:
        """Return the content of a file, in pieces: kind "last" has all that resuming needs, others only the weights."""
        counters = self.now.counters
        header = Header(
            kind=kind,
            preset=preset,
            model=self.model,
            vocabulary=self.vocabulary.characters,
            corpus=self.corpus,
            training=self.training,
            epoch=counters.epochs,
            train_loss=counters.train_loss,
            val_loss=counters.val_loss,
            origin=self.origin,
            progress=self._progress() if kind == "last" else None,
        )
        prefix = _prefix(self.training)
        tensors = {name.removeprefix(prefix): self.now.tensors[name] for name in self.now.tensors if _is(name, prefix)}
        if kind == "last":
            tensors |= {_NOW + name: tensor for name, tensor in self.now.tensors.items() if not _is(name, prefix)}
            tensors |= {_GOOD + name: tensor for name, tensor in (self.good.tensors if self.good else {}).items()}
            tensors[_HISTORY] = _as_tensor(self.history)
        return signed(header, tensors)

    def _progress(self) -> Progress:
        return Progress(
            device=self.compute.device,
            precision=self.compute.precision,
            threads=self.compute.threads,
            processes=self.processes,
            plan=self.plan,
            now=self.now.counters,
            good=self.good.counters if self.good is not None else None,
        )


def load_snapshot(path: Path) -> Snapshot:
    """Read the state of a run from a checkpoint.

    Raises:
        UserError: the file does not exist, is not a complete checkpoint of this program, or contains only weights.
    """
    with opened(path) as file:
        header, progress = file.header, file.header.progress
        if progress is None:
            raise UserError(
                f"{file.shown} contains only a model's weights, which is not enough to resume training. "
                "Choose the last.safetensors of a run."
            )
        _check(file, header, progress)
        prefix = _prefix(header.training)
        now = {prefix + name: file.tensor(name).float() for name in file.expected}
        now |= {name.removeprefix(_NOW): file.tensor(name) for name in file.shapes if name.startswith(_NOW)}
        good = {name.removeprefix(_GOOD): file.tensor(name) for name in file.shapes if name.startswith(_GOOD)}
        history = _from_tensor(file.tensor(_HISTORY), file.shown)
    return Snapshot(
        model=header.model,
        vocabulary=Vocabulary(header.vocabulary),
        corpus=header.corpus,
        training=header.training,
        preset=header.preset,
        origin=header.origin,
        compute=ComputeSettings(device=progress.device, precision=progress.precision, threads=progress.threads),
        processes=progress.processes,
        plan=progress.plan,
        history=history,
        now=TrainingState(progress.now, now),
        good=TrainingState(progress.good, good) if progress.good is not None else None,
    )


def history_in(path: Path) -> tuple[EpochCompleted, ...]:
    """Return the completed epochs stored in a checkpoint to resume from; empty for any other checkpoint.

    Raises:
        UserError: the file does not exist, or is not a complete checkpoint of this program.
    """
    with opened(path) as file:
        if file.header.progress is None or not _is_right(file, _HISTORY, file.header):
            return ()
        return _from_tensor(file.tensor(_HISTORY), file.shown)


def _prefix(training: TrainingConfig) -> str:
    """Return the prefix of the weights to use: the averaged ones if weights are averaged."""
    return "average." if training.averaging else "weights."


def _is(name: str, group: str) -> bool:
    return name.startswith(group) and name != "average.updates"


def _check(file: CheckpointFile, header: Header, progress: Progress) -> None:
    """Check that the tensors that are needed only for training are those that the header describes.

    Raises:
        DamagedCheckpointError: they are not.
    """
    floats: dict[str, tuple[int, ...]] = {}
    for prefix, is_present in ((_NOW, True), (_GOOD, progress.good is not None)):
        if is_present:
            floats |= {prefix + name: shape for name, shape in _learnt(file, header).items()}
    kept = {_NOW + _prefix(header.training) + name for name in file.expected}
    floats = {name: shape for name, shape in floats.items() if name not in kept}
    extra = {name for name in file.shapes if name.startswith(RESUME)} - floats.keys()
    right = all(file.shapes.get(name) == shape and file.types[name] == "F32" for name, shape in floats.items())
    right = right and all(_is_right(file, name, header) for name in extra) and _HISTORY in extra
    for prefix in (_NOW, *([_GOOD] if progress.good else [])):
        right = right and {prefix + "optimizer.steps", prefix + "generator"} <= extra
        right = right and (prefix + "average.updates" in extra) == bool(header.training.averaging)
        right = right and (prefix + "state.hidden" in extra) == (prefix + "state.cell" in extra)
    all_counters = [counters for counters in (progress.now, progress.good) if counters is not None]
    right = right and all(counters.is_possible() for counters in all_counters)
    if not right or (progress.good is None and any(name.startswith(_GOOD) for name in extra)):
        raise DamagedCheckpointError(f"{file.shown} is damaged: it does not contain the run that its header describes.")


def _learnt(file: CheckpointFile, header: Header) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the tensors of a training state that have the shape of weights."""
    expected: dict[str, tuple[int, ...]] = {}
    for name, shape in file.expected.items():
        by_muon = header.training.optimizer == "muon" and is_layer_matrix(name, shape)
        groups = ["weights."]
        groups += ["optimizer.momentum."] if by_muon else ["optimizer.exp_avg.", "optimizer.exp_avg_sq."]
        groups += ["average."] if header.training.averaging else []
        expected |= {group + name: shape for group in groups}
    return expected


def _is_right(file: CheckpointFile, name: str, header: Header) -> bool:
    """Return whether a tensor is one of the other tensors that a file may have, with the right type and shape."""
    kind, shape = file.types[name], file.shapes[name]
    layers, width = header.model.num_layers, (header.training.streams, header.model.hidden_size)
    match name.removeprefix(_NOW).removeprefix(_GOOD):
        case "optimizer.steps" | "average.updates":
            return (kind, shape) == ("I64", ())
        case "generator":
            return kind == "U8" and len(shape) == 1 and shape[0] <= _MAX_GENERATOR
        case rest if rest.startswith("generator.") and header.progress is not None:  # those of the other processes
            of_processes = (f"generator.{rank}" for rank in range(1, header.progress.processes))
            return kind == "U8" and len(shape) == 1 and shape[0] <= _MAX_GENERATOR and rest in of_processes
        case "state.hidden":
            return kind in _STATE_TYPES and shape == (layers, *width)
        case "state.cell":
            return kind in _STATE_TYPES and shape == (layers if header.model.cell == "lstm" else 0, *width)
    epochs = header.progress.now.epochs if header.progress is not None else 0
    return name == _HISTORY and (kind, shape) == ("F64", (epochs, len(_COLUMNS)))


_COLUMNS = tuple(field.name for field in msgspec.structs.fields(EpochCompleted))


def _as_tensor(history: tuple[EpochCompleted, ...]) -> Tensor:
    """Return the epochs as a tensor, (epochs, columns); NaN stands for None."""
    rows = [[float("nan") if value is None else float(value) for value in msgspec.structs.astuple(epoch)]
            for epoch in history]  # fmt: skip
    return torch.tensor(rows, dtype=torch.float64).view(len(rows), len(_COLUMNS))


def _from_tensor(rows: Tensor, shown: str) -> tuple[EpochCompleted, ...]:
    history = []
    for row in rows.tolist():
        values = dict(zip(_COLUMNS, row, strict=True))
        values["val_loss"] = None if math.isnan(values["val_loss"]) else values["val_loss"]
        if not all(value is None or math.isfinite(value) for value in values.values()):
            raise DamagedCheckpointError(f"The history in {shown} is damaged. Choose another file.")
        values |= {
            "epoch": int(values["epoch"]),
            "best": bool(values["best"]),
            "total_steps": int(values["total_steps"]),
        }
        history.append(EpochCompleted(**values))
    return tuple(history)
