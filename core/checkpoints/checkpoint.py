"""Checkpoints of a model: the weights with what is needed to use them, and where they come from."""

from dataclasses import dataclass
from pathlib import Path

import torch

from core.checkpoints.file_format import Header, Kind, opened, signed
from core.data.corpus import CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.files import write_atomically
from core.model.char_lstm import CharLSTM
from core.runs.run import Origin
from core.settings.config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model, what is needed to use it, and a description of its training."""

    model: CharLSTM
    vocabulary: Vocabulary
    corpus: CorpusConfig
    training: TrainingConfig
    epoch: int
    """Number of completed epochs; a run stopped during an epoch has trained a little longer."""
    train_loss: float | None
    """Training loss of that epoch, in nats per character."""
    val_loss: float | None
    """Validation loss of that epoch, in nats per character; None without validation."""
    origin: Origin | None = None
    """The model that the training began with; None if it began with random weights."""

    def save(self, path: Path, *, half: bool = False, kind: Kind = "weights") -> None:
        """Write the model to a file, atomically.

        Args:
            path: the file.
            half: whether the weights are written in half precision.
            kind: "weights" for a file elsewhere, "best" for the best model of a run in its folder.

        Raises:
            UserError: the file cannot be written.
        """
        header = Header(
            kind=kind,
            model=self.model.config,
            vocabulary=self.vocabulary.characters,
            corpus=self.corpus,
            training=self.training,
            epoch=self.epoch,
            train_loss=self.train_loss,
            val_loss=self.val_loss,
            origin=self.origin,
        )
        weights = self.model.state_dict()
        if half:
            weights = {name: weight.half() for name, weight in weights.items()}
        write_atomically(path, *signed(header, weights))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read the model of a checkpoint file.

    Raises:
        DamagedCheckpointError: the content is not what was saved.
        UserError: the file does not exist, cannot be read, or is not a checkpoint of this program.
    """
    with opened(path) as file:
        weights = {name: file.tensor(name).float() for name in file.expected}
        if not all(bool(weight.isfinite().all()) for weight in weights.values()):
            raise UserError(f"{file.shown} contains weights that are NaN or infinite: its loss diverged.")
        header = file.header
    with torch.device("meta"):
        model = CharLSTM(header.model, len(header.vocabulary))
    model.load_state_dict(weights, assign=True)
    return Checkpoint(
        model=model.requires_grad_(True),
        vocabulary=Vocabulary(header.vocabulary),
        corpus=header.corpus,
        training=header.training,
        epoch=header.epoch,
        train_loss=header.train_loss,
        val_loss=header.val_loss,
        origin=header.origin,
    )
