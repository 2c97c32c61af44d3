"""The network in NumPy, one character at a time: for generating text, where each character depends on the one before.

PyTorch takes about 150 microseconds per character even for a small network, most of it overhead. Here a character takes
a few dozen NumPy calls on preallocated arrays. Two optimizations are prepared in advance. The product of the embedding
and the first layer's input weights is stored, one row per character. The weights of the gates are halved, since
sigmoid(x) = (1 + tanh(x / 2)) / 2, so that a single call of tanh computes the gates and the candidate.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.model.char_lstm import CharLSTM, State

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]


class NumpyLSTM:
    """Reads characters for N texts in parallel, which all start from the same state."""

    def __init__(self, model: CharLSTM, state: State | None, texts: int = 1, *, row_by_row: bool = False) -> None:
        """Copy the weights of a network, and the state of its first stream; None is zeros.

        A matrix product of N rows is rounded otherwise than N products of one row, and faster. With `row_by_row`, the
        logits of each text are those of this text alone, to the last bit.
        """
        cell = {"lstm": _LSTMCell, "gru": _GRUCell, "rnn": _RNNCell}[model.config.cell]
        self._cells = [cell(layer, texts, row_by_row=row_by_row) for layer in model.layers]
        self._row_by_row = row_by_row
        self._table = self._cells[0].table(_array(model.embedding.weight))  # (V, G): input term of each character
        self._out = np.ascontiguousarray(_array(model.output.weight).T)  # (H, V)
        self._out_bias = _array(model.output.bias)
        self._inputs = np.empty((texts, self._table.shape[1]), dtype=np.float32)
        self._logits = np.empty((texts, model.vocabulary_size), dtype=np.float32)
        if state is not None:
            for number, layer in enumerate(self._cells):
                layer.hidden[:] = _array(state.hidden[number, 0])
                if isinstance(layer, _LSTMCell):
                    layer.memory[:] = _array(state.cell[number, 0])

    def step(self, ids: NDArray[np.int64]) -> Floats:
        """Read one character of each text, (N,), and return the logits of the next one, (N, V).

        The array is reused: the next call overwrites it.
        """
        self.read(ids)
        _multiply(self._cells[-1].hidden, self._out, self._logits, row_by_row=self._row_by_row)
        self._logits += self._out_bias
        return self._logits

    def read(self, ids: NDArray[np.int64]) -> None:
        """Read one character of each text, (N,), whose next one is known."""
        np.take(self._table, ids, axis=0, out=self._inputs, mode="clip")  # "clip" needs no further copy
        hidden = self._cells[0].step(self._inputs)
        for cell in self._cells[1:]:
            hidden = cell.step(cell.inputs(hidden))

    def logits_of(self, rows: NDArray[np.int64]) -> Floats:
        """Return the logits of the next character of some texts, given by their row numbers: (rows, V)."""
        logits = np.empty((len(rows), self._out.shape[1]), dtype=np.float32)
        _multiply(self._cells[-1].hidden[rows], self._out, logits, row_by_row=self._row_by_row)
        logits += self._out_bias
        return logits

    def snapshot(self) -> list[Floats]:
        """Return copies of the state's arrays, each (N, H): of each layer h, and c if it is an LSTM."""
        return [array.copy() for cell in self._cells for array in cell.state()]

    def restore(self, snapshot: list[Floats] | None) -> None:
        """Continue from the state of a snapshot, to the last bit; None is zeros."""
        for place, array in enumerate(array for cell in self._cells for array in cell.state()):
            array[:] = 0 if snapshot is None else snapshot[place]

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Continue with some of the texts, given by their row numbers."""
        for cell in self._cells:
            cell.keep(rows)
        self._inputs, self._logits = self._inputs[rows], self._logits[rows]

    def activations(self) -> list[list[Floats]]:
        """Return the quantities that the last step computed for each layer, each (N, H).

        They are in the order of `core.settings.cell_kinds.QUANTITIES`. The arrays are reused: the next step overwrites
        them.
        """
        return [cell.activations() for cell in self._cells]


class _Cell:
    """One layer of H cells. Its G = gates * H pre-activations are in PyTorch's order of the gates."""

    gates = 1

    def __init__(self, layer: Any, texts: int, *, row_by_row: bool) -> None:
        size = layer.hidden_size
        self._row_by_row = row_by_row
        scale = np.repeat(self._scales(), size)  # (G,)
        self._w_in = np.ascontiguousarray((_array(layer.weight_ih_l0) * scale[:, None]).T)  # (E or H, G)
        self._w_hidden = np.ascontiguousarray((_array(layer.weight_hh_l0) * scale[:, None]).T)  # (H, G)
        self._bias_in = _array(layer.bias_ih_l0) * scale
        self._bias_hidden = _array(layer.bias_hh_l0) * scale
        self.size = size
        self.hidden = np.zeros((texts, size), dtype=np.float32)
        self._allocate(texts)

    def _allocate(self, texts: int) -> None:
        """Make the arrays that a step computes in."""
        self._recurrent = np.empty((texts, self.gates * self.size), dtype=np.float32)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Continue with some of the texts."""
        self.hidden = self.hidden[rows]
        self._allocate(len(rows))

    def _scales(self) -> list[np.float32]:
        return [np.float32(1.0)] * self.gates

    def table(self, embeddings: Floats) -> Floats:
        """Return the input term of each character, (V, G), from all embeddings, (V, E).

        It is one product for any number of texts, so that it is rounded in the same way for all.
        """
        return embeddings @ self._w_in + self._bias_in

    def inputs(self, below: Floats) -> Floats:
        """Return the input term of the pre-activations, (N, G), from the states of the layer below, (N, H)."""
        product = np.empty((len(below), self._w_in.shape[1]), dtype=np.float32)
        _multiply(below, self._w_in, product, row_by_row=self._row_by_row)
        product += self._bias_in
        return product

    def step(self, inputs: Floats) -> Floats:
        """Return the hidden state after the next character, (N, H): the layer's own array, which is reused."""
        raise NotImplementedError

    def set_memory(self, rows: NDArray[np.int64], cells: NDArray[np.int64], values: Floats) -> None:
        """Set the memory of K cells, each of one text, after a step: rows, cells and values are (K,)."""
        self.hidden[rows, cells] = values

    def state(self) -> list[Floats]:
        """Return the arrays that a step reads from the step before, each (N, H)."""
        return [self.hidden]

    def activations(self) -> list[Floats]:
        """Return the quantities that the last step computed, each (N, H)."""
        return [self.hidden]


class _LSTMCell(_Cell):
    """c = f c + i g, h = o tanh(c), with the gates i, f, g, o."""

    gates = 4

    def __init__(self, layer: Any, texts: int, *, row_by_row: bool) -> None:
        super().__init__(layer, texts, row_by_row=row_by_row)
        size = self.size
        order = np.concatenate([np.arange(gate * size, (gate + 1) * size) for gate in (0, 1, 3, 2)])  # i, f, o, g
        self._w_in, self._w_hidden = (np.ascontiguousarray(each[:, order]) for each in (self._w_in, self._w_hidden))
        self._bias_in = (self._bias_in + self._bias_hidden)[order]
        self.memory = np.zeros((texts, size), dtype=np.float32)

    def _allocate(self, texts: int) -> None:
        super()._allocate(texts)
        size = self.size
        self._products = self._recurrent.reshape(texts, 4, size).transpose(1, 0, 2)
        self._gates = np.empty((4, texts, size), dtype=np.float32)  # contiguous, so that further operations are faster
        self._input, self._forget, self._output, self._new = self._gates
        self._sigmoids = self._gates[:3]
        self._scratch = np.empty((texts, size), dtype=np.float32)

    def keep(self, rows: NDArray[np.int64]) -> None:
        super().keep(rows)
        self.memory = self.memory[rows]

    def _scales(self) -> list[np.float32]:
        half, one = np.float32(0.5), np.float32(1.0)
        return [half, half, one, half]

    def step(self, inputs: Floats) -> Floats:
        gates, sigmoids, scratch = self._gates, self._sigmoids, self._scratch
        _multiply(self.hidden, self._w_hidden, self._recurrent, row_by_row=self._row_by_row)
        np.add(self._products, inputs.reshape(-1, 4, self.size).transpose(1, 0, 2), out=gates)
        np.tanh(gates, out=gates)
        np.multiply(sigmoids, 0.5, out=sigmoids)
        np.add(sigmoids, 0.5, out=sigmoids)
        np.multiply(self.memory, self._forget, out=self.memory)
        np.multiply(self._input, self._new, out=scratch)
        np.add(self.memory, scratch, out=self.memory)
        np.tanh(self.memory, out=scratch)
        np.multiply(self._output, scratch, out=self.hidden)
        return self.hidden

    def set_memory(self, rows: NDArray[np.int64], cells: NDArray[np.int64], values: Floats) -> None:
        self.memory[rows, cells] = values
        self.hidden[rows, cells] = self._output[rows, cells] * np.tanh(values)

    def state(self) -> list[Floats]:
        return [self.hidden, self.memory]

    def activations(self) -> list[Floats]:
        return [self._input, self._forget, self._new, self._output, self.memory, self.hidden]


class _GRUCell(_Cell):
    """n = tanh(W x + r (U h)), h = (1 - z) n + z h, with the gates r, z, n."""

    gates = 3

    def _scales(self) -> list[np.float32]:
        half, one = np.float32(0.5), np.float32(1.0)
        return [half, half, one]

    def step(self, inputs: Floats) -> Floats:
        recurrent, two = self._recurrent, 2 * self.size
        _multiply(self.hidden, self._w_hidden, recurrent, row_by_row=self._row_by_row)
        recurrent += self._bias_hidden
        gates = np.tanh(inputs[:, :two] + recurrent[:, :two])
        gates *= np.float32(0.5)
        gates += np.float32(0.5)
        reset, update = gates[:, : self.size], gates[:, self.size :]
        new = np.tanh(inputs[:, two:] + reset * recurrent[:, two:])
        self._computed = [reset, update, new]
        self.hidden -= new
        self.hidden *= update
        self.hidden += new
        return self.hidden

    def activations(self) -> list[Floats]:
        return [*self._computed, self.hidden]


class _RNNCell(_Cell):
    """h = tanh(W x + U h)."""

    def step(self, inputs: Floats) -> Floats:
        _multiply(self.hidden, self._w_hidden, self._recurrent, row_by_row=self._row_by_row)
        self._recurrent += inputs
        self._recurrent += self._bias_hidden
        return np.tanh(self._recurrent, out=self.hidden)


def _multiply(rows: Floats, weights: Floats, out: Floats, *, row_by_row: bool) -> None:
    """Compute `rows @ weights`, (N, K) @ (K, G), into `out`: at once, or with one product for each row."""
    if row_by_row:
        np.matmul(rows[:, None], weights, out=out[:, None])
    else:
        np.matmul(rows, weights, out=out)


def _array(tensor: "Tensor") -> Floats:
    """Return a copy of a tensor, on any device, as a float32 array."""
    copied: Floats = tensor.detach().float().cpu().numpy().copy()
    return copied
