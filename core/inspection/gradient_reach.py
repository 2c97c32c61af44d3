"""How far a loss reaches back: the gradient of one character's loss with respect to earlier states and inputs.

The gradient of L at time t with respect to the hidden state k characters before is a product of k Jacobians, which
shrinks or grows with k (Bengio, Simard and Frasconi, 1994; Hochreiter and Schmidhuber, 1997). Here that product is
computed backward by hand, for several characters at once: one forward pass over a window serves all of its characters,
and each iteration of the backward pass goes one character further back for all of them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from core.model.char_lstm import CharLSTM, State
from core.settings.config import Cell

TARGETS = 5
"""Number of characters per window whose loss is followed back."""
APART = 16
"""Number of characters between two of them."""
SPAN = (TARGETS - 1) * APART
"""Number of characters from the first of them to the last."""
_CLOSED = 1e-30
"""Value of a forget gate below which it is not distinguished from 0, whose logarithm is infinite."""
REPORTED = 20
"""Number of characters between two progress reports."""


class Norms(NamedTuple):
    """Norms of the gradient of each character's loss with respect to what is k characters before, each (K + 1, N).

    N is the number of characters; their order is the same in all three. The norm is over the cells of all layers.
    """

    hidden: Tensor
    cell: Tensor
    """(0, N) for a network without cell states."""
    inputs: Tensor
    """With respect to the embedding of the character that was read there."""


class Reach(NamedTuple):
    """The result of `follow_back`."""

    norms: Norms
    log_forget: Tensor
    """Mean of log f over all characters read after the warm-up, for the forget gate f of every cell: (L, H).

    (0, H) if the layers have no forget gate."""


class _Carried(NamedTuple):
    """What a layer carries from one character to the next, each (B, H)."""

    hidden: Tensor
    cell: Tensor
    """Cell state of an LSTM. Other layers have none: zeros, which nothing reads."""


class _Step(NamedTuple):
    """What a layer computed for one character, as the backward pass needs it."""

    gates: Tensor
    """Gates and candidate after their activation function, in PyTorch's order: (B, G H)."""
    recurrent: Tensor
    """Recurrent part of the candidate, U h + b, of a GRU; its gates elsewhere: (B, ...)."""


class _Layer:
    """The weights of one layer, and its equations forward and backward."""

    def __init__(self, layer: nn.Module) -> None:
        self._of_input, self._of_hidden, self._input_bias, self._hidden_bias = (
            getattr(layer, f"{name}_l0").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )  # (G H, I), (G H, H), (G H,), (G H,)
        self._size = self._of_hidden.shape[1]

    def forward(self, inputs: Tensor, before: _Carried) -> tuple[_Step, _Carried]:
        """Read one character: `inputs` is (B, I)."""
        raise NotImplementedError

    def backward(self, gradient: _Carried, step: _Step, after: _Carried, before: _Carried) -> tuple[Tensor, _Carried]:
        """Go one character back.

        `gradient` has the derivatives with respect to the hidden and cell state after the character, (N, H), where the
        hidden state counts as independent of the cell state. Returns those with respect to the layer's input, (N, I),
        and to the states before the character.
        """
        raise NotImplementedError

    def of_cell(self, gradient: _Carried, step: _Step, after: _Carried) -> Tensor:
        """Return the whole derivative with respect to the cell state, (N, H), on which the hidden state depends."""
        return gradient.cell

    def _sums(self, inputs: Tensor, before: _Carried) -> tuple[Tensor, Tensor]:
        """Return the input terms and the recurrent terms of the gates, each (B, G H)."""
        return (
            linear(inputs, self._of_input, self._input_bias),
            linear(before.hidden, self._of_hidden, self._hidden_bias),
        )


class _LSTMLayer(_Layer):
    """c = f c' + i g, h = o tanh(c), with the gates in the order i, f, g, o."""

    def forward(self, inputs: Tensor, before: _Carried) -> tuple[_Step, _Carried]:
        gates, recurrent = self._sums(inputs, before)
        gates += recurrent
        i, f, g, o = gates.chunk(4, dim=1)
        for gate in (i, f, o):
            gate.sigmoid_()
        g.tanh_()
        cell = f * before.cell + i * g
        return _Step(gates, gates), _Carried(o * cell.tanh(), cell)

    def of_cell(self, gradient: _Carried, step: _Step, after: _Carried) -> Tensor:
        o = step.gates[:, 3 * self._size :]
        return gradient.cell + gradient.hidden * o * (1 - after.cell.tanh() ** 2)

    def backward(self, gradient: _Carried, step: _Step, after: _Carried, before: _Carried) -> tuple[Tensor, _Carried]:
        i, f, g, o = step.gates.chunk(4, dim=1)
        cell = self.of_cell(gradient, step, after)
        parts = [
            cell * g * i * (1 - i),
            cell * before.cell * f * (1 - f),
            cell * i * (1 - g * g),
            gradient.hidden * after.cell.tanh() * o * (1 - o),
        ]
        sums = torch.cat(parts, dim=1)  # (N, G H)
        return sums @ self._of_input, _Carried(sums @ self._of_hidden, cell * f)


class _GRULayer(_Layer):
    """n = tanh(W x + r (U h')), h = (1 - z) n + z h', with the gates in the order r, z, n."""

    def forward(self, inputs: Tensor, before: _Carried) -> tuple[_Step, _Carried]:
        from_input, from_hidden = self._sums(inputs, before)
        two = 2 * self._size
        both = (from_input[:, :two] + from_hidden[:, :two]).sigmoid_()
        r, z = both.chunk(2, dim=1)
        recurrent = from_hidden[:, two:]
        n = torch.tanh(from_input[:, two:] + r * recurrent)
        return _Step(torch.cat([both, n], dim=1), recurrent), _Carried((1 - z) * n + z * before.hidden, before.cell)

    def backward(self, gradient: _Carried, step: _Step, after: _Carried, before: _Carried) -> tuple[Tensor, _Carried]:
        r, z, n = step.gates.chunk(3, dim=1)
        of_n = gradient.hidden * (1 - z) * (1 - n * n)
        of_z = gradient.hidden * (before.hidden - n) * z * (1 - z)
        of_r = of_n * step.recurrent * r * (1 - r)
        to_hidden = torch.cat([of_r, of_z, of_n * r], dim=1) @ self._of_hidden
        to_input = torch.cat([of_r, of_z, of_n], dim=1) @ self._of_input
        return to_input, _Carried(to_hidden + gradient.hidden * z, gradient.cell)


class _RNNLayer(_Layer):
    """h = tanh(W x + U h')."""

    def forward(self, inputs: Tensor, before: _Carried) -> tuple[_Step, _Carried]:
        from_input, from_hidden = self._sums(inputs, before)
        hidden = torch.tanh(from_input + from_hidden)
        return _Step(hidden, hidden), _Carried(hidden, before.cell)

    def backward(self, gradient: _Carried, step: _Step, after: _Carried, before: _Carried) -> tuple[Tensor, _Carried]:
        sums = gradient.hidden * (1 - after.hidden**2)
        return sums @ self._of_input, _Carried(sums @ self._of_hidden, gradient.cell)


_LAYERS: dict[Cell, type[_Layer]] = {"lstm": _LSTMLayer, "gru": _GRULayer, "rnn": _RNNLayer}


class _Window:
    """A network that has read windows of a text, with what each layer computed at each character."""

    def __init__(self, model: CharLSTM, state: State | None, texts: int) -> None:
        self.layers = [_LAYERS[model.config.cell](layer) for layer in model.layers]
        zeros = model.embedding.weight.new_zeros(texts, model.config.hidden_size)
        cells = [zeros] * len(self.layers) if state is None or not len(state.cell) else list(state.cell)
        hiddens = [zeros] * len(self.layers) if state is None else list(state.hidden)
        self._steps: list[list[_Step]] = [[] for _ in self.layers]
        self._carried = [[_Carried(*first)] for first in zip(hiddens, cells, strict=True)]  # one more than steps

    def read(self, inputs: Tensor) -> None:
        """Read one character of each window, given by its embedding, (B, E)."""
        for layer, steps, carried in zip(self.layers, self._steps, self._carried, strict=True):
            step, after = layer.forward(inputs, carried[-1])
            steps.append(step)
            carried.append(after)
            inputs = after.hidden

    def latest_gates(self, number: int) -> Tensor:
        """Return the gates of a layer at the latest character, (B, G H)."""
        return self._steps[number][-1].gates

    def at(self, number: int, places: Sequence[int]) -> tuple[_Step, _Carried, _Carried]:
        """Return a layer's step at several characters, and its states after and before, each (N, ...)."""
        steps, carried = self._steps[number], self._carried[number]
        return (
            _Step(*_stacked([steps[place] for place in places])),
            _Carried(*_stacked([carried[place + 1] for place in places])),
            _Carried(*_stacked([carried[place] for place in places])),
        )


def _stacked(parts: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    return [torch.cat(each) for each in zip(*parts, strict=True)]


@torch.no_grad()
def follow_back(model: CharLSTM, ids: Tensor, distance: int, warm_up: int) -> Iterator[float | Reach]:
    """Follow the loss of `TARGETS` characters of each window back over `distance` characters.

    Yields progress, 0 to 1, and, last, the result. To cancel, stop iterating.

    Args:
        model: the network.
        ids: windows of a text, (T, B) with T = warm_up + distance + SPAN + 2: the characters to read, and one more.
        distance: the largest distance K.
        warm_up: number of characters that are read first, from a zero state, without being part of any distance.
    """
    embeddings, size = model.embedding.weight, model.config.hidden_size
    window = _Window(model, model(ids[:warm_up])[1] if warm_up else None, ids.shape[1])
    length = distance + SPAN + 1
    total = length + distance + 1
    log_forget = embeddings.new_zeros(model.config.num_layers if model.config.cell == "lstm" else 0, size)
    for place in range(length):
        window.read(embeddings[ids[warm_up + place]])
        for number in range(len(log_forget)):
            forget = window.latest_gates(number)[:, size : 2 * size]
            log_forget[number] += forget.clamp_min(_CLOSED).log().mean(dim=0)
        if place % REPORTED == REPORTED - 1:
            yield place / total
    targets = [distance + APART * number for number in range(TARGETS)]  # the last character that is read for each
    top = window.at(-1, targets)[1].hidden  # (N, H)
    following = torch.cat([ids[warm_up + target + 1] for target in targets])  # (N,)
    errors = linear(top, model.output.weight, model.output.bias).softmax(dim=1)
    errors[torch.arange(len(errors)), following] -= 1  # derivative of -log p with respect to the logits, (N, V)
    gradients = [_Carried(torch.zeros_like(top), torch.zeros_like(top)) for _ in window.layers]
    gradients[-1] = _Carried(errors @ model.output.weight, torch.zeros_like(top))
    norms: list[list[Tensor]] = []
    for back in range(distance + 1):
        of_hidden, of_cell = top.new_zeros(2, len(top), dtype=torch.float64)  # squares of the norms
        to_input = torch.zeros_like(top)
        for number in reversed(range(len(window.layers))):
            layer, gradient = window.layers[number], gradients[number]
            if number < len(window.layers) - 1:  # the layer above reads the hidden state, too
                gradient = _Carried(gradient.hidden + to_input, gradient.cell)
            step, after, before = window.at(number, [target - back for target in targets])
            of_hidden += gradient.hidden.double().pow(2).sum(dim=1)
            of_cell += layer.of_cell(gradient, step, after).double().pow(2).sum(dim=1)
            to_input, gradients[number] = layer.backward(gradient, step, after, before)
        norms.append([of_hidden, of_cell, to_input.double().pow(2).sum(dim=1)])
        if back % REPORTED == REPORTED - 1:
            yield (length + back) / total
    hidden, cell, inputs = (torch.stack(each).sqrt() for each in zip(*norms, strict=True))
    yield Reach(Norms(hidden, cell if len(log_forget) else cell[:0], inputs), log_forget / length)
