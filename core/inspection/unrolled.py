"""The network unrolled in PyTorch: one step per character, with every state and input as a node of the graph.

Back-propagation through an unrolled network gives the derivative of a loss with respect to any earlier state or input.
PyTorch's own layers compute a whole window in one node, so the states within the window have no gradient. The weights
are constants here, which halves the work of going back.

The equations are those of `torch.nn.LSTM`, `torch.nn.GRU` and `torch.nn.RNN`.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear, logsigmoid

from core.model.char_lstm import CharLSTM


class LayerState(NamedTuple):
    """The state of one layer after a character, for B texts."""

    hidden: Tensor
    """Hidden state, (B, H)."""
    cell: Tensor | None = None
    """Cell state of an LSTM, (B, H)."""
    log_forget: Tensor | None = None
    """Natural logarithm of the forget gate of an LSTM at this character, (B, H)."""

    @property
    def memory(self) -> Tensor:
        """What the layer carries to the next character before any output gate: `core.settings.cell_kinds.MEMORY`."""
        return self.hidden if self.cell is None else self.cell


class _Weights(NamedTuple):
    """Weights of a layer with G gates: (G H, I), (G H, H), (G H,), (G H,)."""

    of_input: Tensor
    of_hidden: Tensor
    input_bias: Tensor
    hidden_bias: Tensor


class Unrolled:
    """A network that is computed one character at a time, with the model's own weights and precision."""

    def __init__(self, model: CharLSTM) -> None:
        self.config = model.config
        self.embeddings = model.embedding.weight.detach()
        """Embedding of each character, (V, E)."""
        self._layers = [
            _Weights(
                *(getattr(layer, f"{name}_l0").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            )
            for layer in model.layers
        ]
        self._output, self._output_bias = model.output.weight.detach(), model.output.bias.detach()

    def beginning(self, texts: int) -> list[LayerState]:
        """Return the state before the first character, zeros, of each layer for B = `texts` texts."""
        zeros = self.embeddings.new_zeros(texts, self.config.hidden_size)
        return [LayerState(zeros, zeros if self.config.cell == "lstm" else None) for _ in self._layers]

    def embed(self, ids: Tensor) -> Tensor:
        """Return the embeddings of characters, (..., E), from their ids, (...)."""
        embedded: Tensor = self.embeddings[ids]
        return embedded

    def step(self, inputs: Tensor, before: list[LayerState]) -> list[LayerState]:
        """Read one character of each text, given by its embedding, (B, E), and return the state of each layer."""
        after: list[LayerState] = []
        for number in range(len(self._layers)):
            after.append(self.layer_step(number, inputs, before[number]))
            inputs = after[-1].hidden
        return after

    def layer_step(self, number: int, inputs: Tensor, before: LayerState) -> LayerState:
        """Compute one layer, given by its number from 0, for one character: `inputs` is (B, E) or (B, H)."""
        weights = self._layers[number]
        from_input = linear(inputs, weights.of_input, weights.input_bias)  # (B, G H)
        from_hidden = linear(before.hidden, weights.of_hidden, weights.hidden_bias)  # (B, G H)
        match self.config.cell:
            case "lstm":
                return _lstm(from_input + from_hidden, before)
            case "gru":
                return _gru(from_input, from_hidden, before)
            case "rnn":
                return LayerState(torch.tanh(from_input + from_hidden))

    def logits(self, states: list[LayerState]) -> Tensor:
        """Return the logits of the next character, (B, V), from the state of each layer."""
        return linear(states[-1].hidden, self._output, self._output_bias)


def _lstm(sums: Tensor, before: LayerState) -> LayerState:
    """c = f c + i g, h = o tanh(c), with the gates in PyTorch's order: i, f, g, o."""
    input_gate, forget_gate, candidate, output_gate = sums.chunk(4, dim=1)  # each (B, H)
    assert before.cell is not None
    cell = torch.sigmoid(forget_gate) * before.cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
    hidden = torch.sigmoid(output_gate) * torch.tanh(cell)
    return LayerState(hidden, cell, logsigmoid(forget_gate.detach()))


def _gru(from_input: Tensor, from_hidden: Tensor, before: LayerState) -> LayerState:
    """n = tanh(W x + r (U h)), h = (1 - z) n + z h, with the gates in PyTorch's order: r, z, n."""
    reset_input, update_input, new_input = from_input.chunk(3, dim=1)
    reset_hidden, update_hidden, new_hidden = from_hidden.chunk(3, dim=1)
    reset, update = torch.sigmoid(reset_input + reset_hidden), torch.sigmoid(update_input + update_hidden)
    new = torch.tanh(new_input + reset * new_hidden)
    return LayerState((1 - update) * new + update * before.hidden)
