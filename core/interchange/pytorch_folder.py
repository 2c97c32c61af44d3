"""A model as a folder for plain PyTorch: its weights, characters and settings, and a short module that uses them.

The module is `pytorch_model.py`, copied as it is. It imports nothing of this program.
"""

import json
from pathlib import Path

import msgspec
from safetensors.torch import save
from torch import Tensor

from core.checkpoints.checkpoint import Checkpoint
from core.interchange import pytorch_model
from core.interchange.new_folder import new_folder
from core.model.char_lstm import CharLSTM


def write_pytorch_folder(checkpoint: Checkpoint, path: Path, *, half: bool = False) -> None:
    """Write `model.safetensors`, `vocabulary.json`, `config.json` and `model.py` into the new folder `path`.

    `half` writes the weights in half precision; the module computes in single precision all the same.

    Raises:
        UserError: there is something at `path` already, or it cannot be written.
    """
    weights = plain_weights(checkpoint.model)
    if half:
        weights = {name: weight.half() for name, weight in weights.items()}
    about = {
        **msgspec.structs.asdict(checkpoint.model.config),
        "text": checkpoint.corpus.title,
        "epoch": checkpoint.epoch,
        "train_loss_nats": checkpoint.train_loss,
        "validation_loss_nats": checkpoint.val_loss,
    }
    with new_folder(path) as folder:
        (folder / "model.safetensors").write_bytes(save(weights, {"format": "pt"}))
        (folder / "vocabulary.json").write_text(_json([*checkpoint.vocabulary.characters]), encoding="utf-8")
        (folder / "config.json").write_text(_json(about), encoding="utf-8")
        (folder / "model.py").write_bytes(Path(pytorch_model.__file__).read_bytes())


def plain_weights(model: CharLSTM) -> dict[str, Tensor]:
    """Return a network's weights by the names that they have in one `torch.nn.LSTM`, `GRU` or `RNN` of all layers."""
    weights = {}
    for name, weight in model.state_dict().items():
        if name.startswith("layers."):
            _, number, parameter = name.split(".")
            name = f"layers.{parameter.removesuffix('0')}{number}"
        weights[name] = weight.detach().cpu().contiguous()
    return weights


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
