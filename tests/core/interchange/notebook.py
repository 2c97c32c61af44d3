"""The class of the course's notebook, with other cells and other names too, and its files."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.settings.config import Cell

RECURRENT = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Notebook(nn.Module):
    """A network as students write it."""

    def __init__(self, characters: int, embedding: int, hidden: int, layers: int = 1, cell: Cell = "lstm") -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, embedding)
        self.lstm = RECURRENT[cell](embedding, hidden, num_layers=layers)
        self.fc = nn.Linear(hidden, characters)

    def forward(self, ids: Tensor) -> Tensor:
        outputs, _ = self.lstm(self.embedding(ids))
        logits: Tensor = self.fc(outputs)
        return logits


def notebook(
    characters: int, embedding: int = 6, hidden: int = 8, layers: int = 1, cell: Cell = "lstm", seed: int = 0
) -> Notebook:
    """Return a network with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Notebook(characters, embedding, hidden, layers, cell)


def save_as(network: nn.Module, path: Path) -> Path:
    """Write the network's state dict to a file, in the format that its name says."""
    weights = network.state_dict()
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return path
