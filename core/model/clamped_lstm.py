"""The network in NumPy with silenced cells: their memory is set to a value at every character.

The memory (`core.settings.cell_kinds.MEMORY`) is the cell state c of an LSTM, whose hidden state is then o tanh(value),
and the hidden state of a GRU or a plain RNN. It is set right after it is computed, so everything that reads it, at this
character and the next, reads the value.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import Floats, NumpyLSTM, _multiply


class RowClamps(NamedTuple):
    """K values that are set in one layer at every character."""

    layer: int
    """Number of the layer, from 0."""
    rows: NDArray[np.int64]
    """Rows of the texts, (K,): each text may have other cells silenced."""
    cells: NDArray[np.int64]
    """Numbers of the cells, from 0, (K,)."""
    values: Floats
    """Values of the memory, (K,)."""


class ClampedLSTM(NumpyLSTM):
    """Reads characters for N texts in parallel, from a zero state, with silenced cells."""

    def __init__(
        self, model: CharLSTM, clamps: Sequence[RowClamps], texts: int = 1, *, row_by_row: bool = False
    ) -> None:
        super().__init__(model, None, texts, row_by_row=row_by_row)
        self._clamps = list(clamps)

    def step(self, ids: NDArray[np.int64]) -> Floats:
        """Read one character of each text, (N,), and return the logits of the next one, (N, V).

        The array is reused: the next call overwrites it. `NumpyLSTM.step` does the same without the silenced cells;
        sharing a loop would cost it 4 % of its speed at 1×128.
        """
        below: Floats = np.take(self._table, ids, axis=0, out=self._inputs, mode="clip")
        for number, cell in enumerate(self._cells):
            below = cell.step(below if number == 0 else cell.inputs(below))
            for clamp in self._clamps:
                if clamp.layer == number:
                    cell.set_memory(clamp.rows, clamp.cells, clamp.values)
        _multiply(below, self._out, self._logits, row_by_row=self._row_by_row)
        self._logits += self._out_bias
        return self._logits

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Continue with some of the texts, given by their row numbers; each keeps its silenced cells."""
        super().keep(rows)
        places = {int(row): place for place, row in enumerate(rows)}
        for number, clamp in enumerate(self._clamps):
            kept = np.isin(clamp.rows, rows)
            moved = np.array([places[int(row)] for row in clamp.rows[kept]], dtype=np.int64)
            self._clamps[number] = RowClamps(clamp.layer, moved, clamp.cells[kept], clamp.values[kept])
