"""The network: predicts the next character from the characters before it.

    ids (T, B) -> Embedding -> (T, B, E) -> L layers of H cells -> (T, B, H) -> Linear -> logits (T, B, V)

Long Short-Term Memory: Hochreiter and Schmidhuber, Neural Computation 9(8), 1997; with the forget gate of Gers,
Schmidhuber and Cummins, 2000, as in `torch.nn.LSTM`. GRU: Cho et al., 2014. Plain RNN: Elman, 1990.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from core.model.dropout import Dropout
from core.settings.config import Cell, ModelConfig

_LAYERS: dict[Cell, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def is_layer_matrix(name: str, shape: tuple[int, ...]) -> bool:
    """Return whether a parameter of a network is a weight matrix of a recurrent layer, (G H, I) for its G gates."""
    return name.startswith("layers.") and len(shape) == 2


class State(NamedTuple):
    """The hidden and cell state of each layer and stream, carried from one window to the next."""

    hidden: Tensor  # (L, B, H)
    cell: Tensor  # (L, B, H); (0, B, H) for a network whose layers have no cell state

    def detach(self) -> "State":
        """Return the same values, detached from the graph that computed them (truncated back-propagation)."""
        return State(self.hidden.detach(), self.cell.detach())

    def masked(self, keep: Tensor) -> "State":
        """Return the state with zeros in the streams for which `keep`, (B,), is 0; it is 1 for the others."""
        return State(self.hidden * keep[:, None], self.cell * keep[:, None])


class CharLSTM(nn.Module):
    """A character-level recurrent language model."""

    def __init__(self, config: ModelConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocabulary_size = vocabulary_size
        vectors = torch.empty(vocabulary_size, config.embedding_size)
        if not vectors.is_meta:  # on the meta device PyTorch would import its compiler here, which took 1.1 s
            nn.init.normal_(vectors)
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False)  # type: ignore[no-untyped-call]
        sizes = [config.embedding_size] + [config.hidden_size] * (config.num_layers - 1)
        self.layers = nn.ModuleList(_LAYERS[config.cell](size, config.hidden_size) for size in sizes)
        self.output = nn.Linear(config.hidden_size, vocabulary_size)

    def forward(self, ids: Tensor, state: State | None = None, dropout: Dropout | None = None) -> tuple[Tensor, State]:
        """Compute the logits for a window.

        Args:
            ids: character ids, (T, B).
            state: the state at the end of the previous window; None is zeros.
            dropout: the dropout to apply in training; None applies none.

        Returns:
            The logits of the character that follows each of `ids`, (T, B, V), and the state at the window's end.
        """
        between = self.embedding(ids)  # (T, B) -> (T, B, E)
        if dropout is not None:
            between = dropout.of_inputs(between)
        hiddens, cells = [], []
        for number, layer in enumerate(self.layers):
            if dropout is not None and number > 0:
                between = dropout.between_layers(between)
            between, hidden, cell = self._through(layer, between, state, number, dropout)  # -> (T, B, H)
            hiddens.append(hidden)
            cells.append(cell)
        if dropout is not None:
            between = dropout.of_outputs(between)
        return self.output(between), State(torch.cat(hiddens), torch.cat(cells))  # -> (T, B, V)

    def _through(
        self, layer: nn.Module, inputs: Tensor, state: State | None, number: int, dropout: Dropout | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return a layer's outputs, (T, B, H), and its hidden and cell state at the window's end, each (1, B, H).

        The cell state is (0, B, H) for layers without one.
        """
        here = slice(number, number + 1)
        before = None
        if state is not None:
            before = (state.hidden[here], state.cell[here]) if self.config.cell == "lstm" else state.hidden[here]
        if dropout is not None and dropout.drops_weights:
            weight = dropout.of_weights(layer.weight_hh_l0)  # type: ignore[arg-type]
            outputs, after = functional_call(layer, {"weight_hh_l0": weight}, (inputs, before))
        else:
            outputs, after = layer(inputs, before)
        if self.config.cell == "lstm":
            return outputs, *after
        return outputs, after, after[:0]

    @torch.no_grad()
    def initialise(self, generator: Generator, *, forget_bias: float = 0.0) -> None:
        """Draw all weights from PyTorch's default distributions, using `generator` instead of the global generator.

        Embedding: normal, mean 0, standard deviation 1. Layers and linear layer: uniform between -1/sqrt(H) and
        1/sqrt(H). `forget_bias` is added to the forget gates' bias of an LSTM (Jozefowicz et al., 2015), so that cells
        keep most of their state at the start of training.
        """
        nn.init.normal_(self.embedding.weight, generator=generator)
        bound = self.config.hidden_size**-0.5  # the linear layer's fan-in is H as well
        for parameter in (*self.layers.parameters(), *self.output.parameters()):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        if self.config.cell == "lstm":
            forget = slice(self.config.hidden_size, 2 * self.config.hidden_size)  # in PyTorch's order: i, f, g, o
            for layer in self.layers:
                layer.bias_ih_l0[forget] += forget_bias  # type: ignore[index, operator]

    def count_parameters(self) -> int:
        """Return the number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters())
