"""A model in one file: its weights, its configuration, its vocabulary, and where it comes from.

The file is a safetensors file: tensors and a header of JSON, never code. Our part of the header is one `Header` as JSON
under the metadata key "charlstm-tui".
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from core.config import ModelConfig, TrainingConfig
from core.corpus import CorpusConfig
from core.errors import UserError
from core.files import write_atomically
from core.model import CharLSTM
from core.vocabulary import Vocabulary

FORMAT_VERSION = 1
_METADATA_KEY = "charlstm-tui"


class Header(Struct, frozen=True, kw_only=True):
    """What the file says beside the weights."""

    format_version: int
    model: ModelConfig
    vocabulary: str
    corpus: CorpusConfig
    training: TrainingConfig
    epoch: int
    train_loss: float | None
    val_loss: float | None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model with what is needed to use it and to say where it comes from."""

    model: CharLSTM
    vocabulary: Vocabulary
    corpus: CorpusConfig
    training: TrainingConfig
    epoch: int
    """Epochs completed; a run stopped amid an epoch has learnt a little more."""
    train_loss: float | None
    val_loss: float | None

    def to_bytes(self) -> bytes:
        """Return the content of a checkpoint file."""
        header = Header(
            format_version=FORMAT_VERSION,
            model=self.model.config,
            vocabulary=self.vocabulary.characters,
            corpus=self.corpus,
            training=self.training,
            epoch=self.epoch,
            train_loss=self.train_loss,
            val_loss=self.val_loss,
        )
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.model.state_dict().items()}
        return save(tensors, metadata={_METADATA_KEY: msgspec.json.encode(header).decode()})

    def save(self, path: Path) -> None:
        """Write the file, atomically.

        Raises:
            UserError: it cannot be written.
        """
        write_atomically(path, self.to_bytes())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint file. Nothing is allocated before the sizes it claims are checked against its configuration.

    Raises:
        UserError: there is no such file, or it is not a whole checkpoint of this program.
    """
    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}. `charlstm-tui runs list` shows the runs.")
    try:
        with safe_open(path, framework="pt") as file:
            header = _read_header(file.metadata() or {}, path)
            with torch.device("meta"):
                model = CharLSTM(header.model, len(header.vocabulary))
            expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            found = {name: part.get_shape() for name, part in slices.items() if part.get_dtype() == "F32"}
            if found != expected or len(slices) != len(expected):
                raise UserError(f"{path} does not hold the weights that its header describes: it is damaged.")
            model.load_state_dict({name: file.get_tensor(name) for name in expected}, assign=True)
            if not all(bool(parameter.isfinite().all()) for parameter in model.parameters()):
                raise UserError(f"{path} holds weights that are not numbers: its training went astray. Choose another.")
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is not a whole checkpoint ({error}). Choose another file.") from None
    return Checkpoint(
        model=model,
        vocabulary=Vocabulary(header.vocabulary),
        corpus=header.corpus,
        training=header.training,
        epoch=header.epoch,
        train_loss=header.train_loss,
        val_loss=header.val_loss,
    )


def _read_header(metadata: dict[str, str], path: Path) -> Header:
    if _METADATA_KEY not in metadata:
        raise UserError(f"{path} is a safetensors file, but not a checkpoint of charlstm-tui. Choose another file.")
    try:
        version = msgspec.json.decode(metadata[_METADATA_KEY], type=dict)["format_version"]
        if version != FORMAT_VERSION:
            raise UserError(f"{path} has format {version}; this program reads format {FORMAT_VERSION}. Update it.")
        header = msgspec.json.decode(metadata[_METADATA_KEY], type=Header)
    except (ValueError, KeyError) as error:  # msgspec's errors are ValueErrors
        raise UserError(f"The header of {path} is damaged ({error}). Choose another file.") from None
    if not header.vocabulary or Vocabulary(header.vocabulary).characters != header.vocabulary:
        raise UserError(f"The vocabulary of {path} is damaged. Choose another file.")
    return header
