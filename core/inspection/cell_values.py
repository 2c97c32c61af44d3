"""The values of a few cells over a long text, much faster than recording all of them.

PyTorch's layers compute a window at once and return the hidden states after each of its characters, (T, B, H), but no
gates and no cell states. Those of K chosen cells follow from the hidden states: the gates need K rows of each weight
matrix, and c = f c + i g is computed for K cells only. So the reading costs as much as an evaluation, and the text is
read in segments side by side as `core.evaluation.segments` does.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.cores import available_cores
from core.errors import UserError
from core.evaluation.segments import GROUP, MAX_SEGMENTS, SEGMENT, WINDOW, Segments, zeros_for
from core.inspection.kept_values import HALF, Kept, ValuesOf, find, keep, make_room
from core.model.char_lstm import CharLSTM, State
from core.settings.cell_kinds import GATES

Halves = NDArray[np.float16]
_MOST = float(np.finfo(np.float16).max)


class PartValues(NamedTuple):
    """The values of the chosen cells at the first characters of a part."""

    cells: tuple[int, ...]
    values: tuple[Halves, ...]
    """Values of each cell, (N,): in memory, or mapped from a file."""
    of: int
    """Number of characters that there are to read."""

    @property
    def characters(self) -> int:
        """Number of characters that have been read, N."""
        return len(self.values[0])


class NotKept(NamedTuple):
    """The values cannot be stored in the cache; they are in memory only."""

    why: str


def read_cells(
    model: CharLSTM, ids: NDArray[np.int64], cells: Sequence[int], of: ValuesOf
) -> Iterator[float | NotKept | PartValues]:
    """Read a text and return the values of some cells; values that are in the cache are not computed again.

    Yields the progress, 0 to 1, and `PartValues` after each piece of the text, the last for the whole text. Each piece
    is stored in the cache; if that fails, `NotKept` is yielded once. To cancel, stop iterating: the next call resumes
    after the last piece.

    Args:
        model: the network.
        ids: ids of the text, (`of.characters`,), all of them known to the model.
        cells: numbers of the cells, from 0.
        of: names the values in the cache.
    """
    kept = {cell: find(of, cell) for cell in cells}
    missing = [cell for cell, found in kept.items() if found is None or len(found.values) < len(ids)]
    complete = {cell: found.values for cell, found in kept.items() if found is not None and cell not in missing}
    if not missing:
        yield PartValues(tuple(cells), tuple(complete[cell] for cell in cells), len(ids))
        return
    begin, state = _resumable([kept[cell] for cell in missing], model, of.layer)
    computed = np.empty((len(missing), len(ids)), dtype=HALF)
    for row, cell in zip(computed, missing, strict=True):
        found = kept[cell]
        if begin and found is not None:
            row[:begin] = found.values[:begin]
    rows = complete | dict(zip(missing, computed, strict=True))

    def until(end: int) -> PartValues:
        return PartValues(tuple(cells), tuple(rows[cell][:end] for cell in cells), len(ids))

    if begin:
        yield until(begin)
    keeps = True
    try:
        make_room()
    except UserError as error:
        keeps = False
        yield NotKept(str(error))
    reader = CellReader(model, of.layer, of.symbol, missing, state)
    for start, end in pieces(begin, len(ids)):
        for share in reader.read(ids[start:end], computed[:, start:end]):
            yield (start + share * (end - start)) / len(ids)
        try:
            for row, cell in zip(computed, missing, strict=True):
                if keeps:
                    keep(of, cell, row[:end], _to_bytes(reader.state, of.layer) if end < len(ids) else b"")
        except UserError as error:
            keeps = False
            yield NotKept(str(error))
        yield until(end)


def pieces(begin: int, end: int) -> list[tuple[int, int]]:
    """Return the beginnings and ends of the pieces in which the characters from `begin` up to `end` are read.

    They are of about the same length: a short one would be read in fewer segments, which is slow.
    """
    most = min(MAX_SEGMENTS, GROUP * available_cores()) * SEGMENT
    count = max((end - begin) // most, 1)
    borders = [begin + (end - begin) * number // count for number in range(count + 1)]
    return list(pairwise(borders))


class CellReader:
    """Reads a text piece by piece, carries the state from each piece to the next, and stores the values of K cells."""

    def __init__(
        self, model: CharLSTM, layer: int, symbol: str, cells: Sequence[int], state: State | None = None
    ) -> None:
        """Start from a state; None is zeros, as in Inspect."""
        self._window = CellWindow(model, layer, symbol, cells)
        self._model = model
        self._forgets = True  # whether the states of the two readings have always come together
        self.state = state or zeros_for(model, 1)
        """State after the characters read so far."""

    def read(self, ids: NDArray[np.int64], values: Halves) -> Generator[float, None, None]:
        """Read the next N characters, (N,), and store the values of the cells in `values`, (K, N).

        Yields the share of the work that is done, 0 to 1. To cancel, stop iterating; the reader cannot be used then.
        """
        done, right = 0.0, 0  # share of the work, and number of characters whose values are right
        if self._forgets and (count := min(len(ids) // SEGMENT, MAX_SEGMENTS)) > 1:
            segments = _CellSegments(self._model, ids, values, self._window, count)
            for done in segments.read_twice(self.state):
                yield done
            self.state, self._forgets, right = segments.state, segments.are_all_right, segments.right
        if right < len(ids):
            segments = _CellSegments(self._model, ids[right:], values[:, right:], self._window, 1)
            for share in segments.read_once(self.state):
                yield max(done, (right + share * (len(ids) - right)) / len(ids))
            self.state = segments.state


class _CellSegments(Segments):
    """Segments in which the values of some cells are stored."""

    def __init__(
        self, model: CharLSTM, ids: NDArray[np.int64], values: Halves, window: "CellWindow", count: int
    ) -> None:
        super().__init__(model, ids, count, WINDOW)
        self._values, self._compute_window = values, window

    def _compute(self, places: NDArray[np.int64], ids: Tensor, state: State) -> State:
        values, state = self._compute_window(ids, state)  # (T, B, K)
        self._values[:, places] = values.clamp(-_MOST, _MOST).permute(2, 0, 1).cpu().numpy()
        return state


class CellWindow:
    """Computes a quantity of K cells for a window of text. Layers above that of the cells are not computed."""

    def __init__(self, model: CharLSTM, layer: int, symbol: str, cells: Sequence[int]) -> None:
        self._model, self._layer, self._symbol = model, layer, symbol
        self._kind = model.config.cell
        device = model.output.weight.device
        self._cells = torch.tensor(list(cells), device=device)
        self._gates = GATES[self._kind]
        offsets = torch.arange(self._gates, device=device) * model.config.hidden_size  # where each gate's rows begin
        rows = (offsets[:, None] + self._cells).flatten()  # (G K,)
        self._of_input, self._of_hidden, self._input_bias, self._hidden_bias = (
            getattr(model.layers[layer], f"{name}_l0").detach()[rows]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )

    def __call__(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Read characters, (T, B), and return the values after each of them, (T, B, K), and the state at the end.

        In the state, the layers above that of the cells keep the values that they had.
        """
        hidden, cell = state.hidden.clone(), state.cell.clone()
        outputs = inputs = self._model.embedding(ids)  # (T, B, E)
        for number in range(self._layer + 1):
            here = slice(number, number + 1)
            inputs = outputs
            if self._kind == "lstm":
                outputs, (hidden[here], cell[here]) = self._model.layers[number](
                    inputs, (state.hidden[here], state.cell[here])
                )  # -> (T, B, H)
            else:
                outputs, hidden[here] = self._model.layers[number](inputs, state.hidden[here])
        return self._values(inputs, outputs, state), State(hidden, cell)

    def _values(self, inputs: Tensor, outputs: Tensor, state: State) -> Tensor:
        """Return the quantity of the cells, (T, B, K), from the layer's inputs and its outputs, the hidden states."""
        if self._symbol == "h":
            return outputs[..., self._cells]
        before = torch.cat([state.hidden[self._layer][None], outputs[:-1]])  # hidden state before each character
        from_input = (inputs @ self._of_input.T + self._input_bias).chunk(self._gates, dim=2)  # each (T, B, K)
        from_hidden = (before @ self._of_hidden.T + self._hidden_bias).chunk(self._gates, dim=2)
        if self._kind == "gru":
            reset, update = (torch.sigmoid(from_input[gate] + from_hidden[gate]) for gate in (0, 1))
            values = {"r": reset, "z": update, "n": torch.tanh(from_input[2] + reset * from_hidden[2])}
            return values[self._symbol]
        i, f, g, o = (mine + theirs for mine, theirs in zip(from_input, from_hidden, strict=True))
        gates = {"i": torch.sigmoid(i), "f": torch.sigmoid(f), "g": torch.tanh(g), "o": torch.sigmoid(o)}
        if self._symbol != "c":
            return gates[self._symbol]
        forget, added = gates["f"], gates["i"] * gates["g"]
        memory = state.cell[self._layer][:, self._cells]  # (B, K)
        memories = torch.empty_like(added)
        for place in range(len(added)):
            memory = memories[place] = forget[place] * memory + added[place]
        return memories


def _resumable(kept: list[Kept | None], model: CharLSTM, layer: int) -> tuple[int, State | None]:
    """Return the number of characters whose values need not be computed again, and the state after them."""
    least = min(kept, key=lambda found: len(found.values) if found is not None else 0)
    state = _from_bytes(least.state, model, layer) if least is not None else None
    return (len(least.values), state) if least is not None and state is not None else (0, None)


def _to_bytes(state: State, layer: int) -> bytes:
    """Return the state of the layers up to `layer` in single precision."""
    kept = [values[: layer + 1].float().cpu().numpy().astype("<f4").tobytes() for values in state]
    return b"".join(kept)


def _from_bytes(stored: bytes, model: CharLSTM, layer: int) -> State | None:
    """Return a stored state; None if it is that of another network."""
    state = zeros_for(model, 1)
    kinds = 2 if model.config.cell == "lstm" else 1
    values = np.frombuffer(stored, dtype="<f4") if len(stored) % 4 == 0 else np.empty(0, dtype="<f4")
    if values.size != kinds * (layer + 1) * model.config.hidden_size:
        return None
    values = values.reshape(kinds, layer + 1, 1, model.config.hidden_size).copy()
    for target, source in zip(state, values, strict=False):
        target[: layer + 1] = torch.from_numpy(source)
    return state
