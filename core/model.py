"""The network: characters in, a guess at the next character out.

    ids (T, B) -> Embedding -> (T, B, E) -> LSTM, L layers of H cells -> (T, B, H) -> Linear -> logits (T, B, V)

Long Short-Term Memory: Hochreiter and Schmidhuber, Neural Computation 9(8), 1997; with the forget gate of Gers,
Schmidhuber and Cummins, 2000, as in `torch.nn.LSTM`.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from core.config import ModelConfig


class State(NamedTuple):
    """What the network remembers between windows: one plane a layer, one row a stream."""

    hidden: Tensor  # (L, B, H)
    cell: Tensor  # (L, B, H)

    def detach(self) -> "State":
        """Return the same values cut off from the gradients that led to them (truncated back-propagation)."""
        return State(self.hidden.detach(), self.cell.detach())


class CharLSTM(nn.Module):
    """A character-level LSTM language model."""

    def __init__(self, config: ModelConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocabulary_size = vocabulary_size
        self.embedding = nn.Embedding(vocabulary_size, config.embedding_size)
        self.lstm = nn.LSTM(config.embedding_size, config.hidden_size, config.num_layers)
        self.output = nn.Linear(config.hidden_size, vocabulary_size)

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a window.

        Args:
            ids: character ids, (T, B).
            state: where the previous window ended; None starts from nothing (zeros).

        Returns:
            The logits of the character that follows each of `ids`, (T, B, V), and the state after the last.
        """
        embedded = self.embedding(ids)  # (T, B) -> (T, B, E)
        hiddens, (hidden, cell) = self.lstm(embedded, state)  # -> (T, B, H), 2 x (L, B, H)
        return self.output(hiddens), State(hidden, cell)  # -> (T, B, V)

    @torch.no_grad()
    def initialise(self, generator: Generator) -> None:
        """Draw every weight as PyTorch does by default, but from `generator`, so that no global generator is touched.

        Embedding: normal, mean 0, deviation 1. LSTM: uniform within 1/sqrt(H). Linear: uniform within 1/sqrt(H).
        """
        nn.init.normal_(self.embedding.weight, generator=generator)
        bound = self.config.hidden_size**-0.5  # the linear layer's fan-in is H as well
        for parameter in (*self.lstm.parameters(), *self.output.parameters()):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def count_parameters(self) -> int:
        """Return how many numbers the network learns."""
        return sum(parameter.numel() for parameter in self.parameters())
