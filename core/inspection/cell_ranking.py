"""A first-order estimate, for every cell at once, of the loss that its silencing adds on a text.

Let the memory m of a cell become (1 - a) m + a v at every character, where v is the value that it is set to. The loss
of the text changes from a = 0, the network as it is, to a = 1, the cell silenced. Its derivative at a = 0 is the sum,
over the characters, of

    (total derivative of the loss with respect to the memory there) × (v - m)

which one forward and one backward pass give for all cells. The total derivative includes everything that the memory
changes later. It is a linear approximation, as in Molchanov et al., "Pruning Convolutional Neural Networks for Resource
Efficient Inference", 2017; `core.inspection.silencing` computes the exact loss of a few cells.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.cores import available_cores
from core.evaluation.worker_threads import advance
from core.inspection.silencing import TextReading, cost_of_each
from core.inspection.unrolled import LayerState, Unrolled
from core.model.char_lstm import CharLSTM
from core.reports.silencing import Clamp, RankedCell

EXACT = 50
"""Number of cells whose exact cost is computed."""
LARGEST = 15
"""Number of these that have the largest absolute estimates; the others have the highest ones."""
CHUNK = 50
"""Number of characters whose graph is one piece: after each piece, the computation can be cancelled."""

Doubles = NDArray[np.float64]
Costs = dict[int, float]
"""Exact costs in nats for the whole text, by the numbers of the cells."""
Result = TypeVar("Result")


class FirstOrder(NamedTuple):
    """Derivatives of a text's total loss, in nats, from which the estimate for any value follows."""

    slopes: Doubles
    """Sum over the characters of the total derivatives with respect to the memory, (L, H)."""
    products: Doubles
    """Sum over the characters of the total derivative times the memory, (L, H)."""

    def estimates(self, layer: int, values: Doubles) -> Doubles:
        """Return the estimated loss that silencing each cell of a layer adds, in nats for the whole text: (H,).

        `values` are the values that the memories are set to, (H,).
        """
        estimates: Doubles = self.slopes[layer] * values - self.products[layer]
        return estimates


class _Piece(NamedTuple):
    """The graph of some characters of the text."""

    begin: list[Tensor]
    """State before the first of them, as leaves of the graph."""
    memories: list[Tensor]
    """Memory of each layer after each character, character by character: each (1, H)."""
    end: list[Tensor]
    """State after the last of them."""
    loss: Tensor
    """Sum of the losses of the characters that follow each, in nats."""


def first_order(model: CharLSTM, ids: NDArray[np.int64]) -> Generator[float, None, FirstOrder]:
    """Return the derivatives of a text's loss, from a zero state. Yields the progress, 0 to 1.

    To cancel, stop iterating. The graph takes about 90 bytes for each character and cell.

    Args:
        model: the network; the precision is that of its weights.
        ids: the text, (T,) with T of at least 2.
    """
    network, count = Unrolled(model), len(ids) - 1
    text = torch.from_numpy(ids).to(network.embeddings.device)
    pieces: list[_Piece] = []
    state = network.beginning(1)
    for start in range(0, count, CHUNK):
        piece, state = _read(network, text[start : min(start + CHUNK, count) + 1], state)
        pieces.append(piece)
        yield min(start + CHUNK, count) / (2 * count)
    slopes = np.zeros((model.config.num_layers, model.config.hidden_size))
    products = np.zeros_like(slopes)
    after: list[Tensor] = []  # derivative of the later loss with respect to the state after the piece
    done = 0
    while pieces:
        piece = pieces.pop()
        memories, after = _derivatives(piece, after)
        size = len(memories) // model.config.num_layers
        exact = torch.cat(memories).double().cpu().numpy().reshape(size, *slopes.shape)  # (T, L, H)
        values = torch.cat(piece.memories).detach().double().cpu().numpy().reshape(exact.shape)
        slopes += exact.sum(axis=0)
        products += (exact * values).sum(axis=0)
        done += size
        yield 0.5 + done / (2 * count)
    return FirstOrder(slopes, products)


def _read(network: Unrolled, ids: Tensor, state: list[LayerState]) -> tuple[_Piece, list[LayerState]]:
    """Read all characters but the last, (T,), each of which predicts the next one."""
    with torch.enable_grad():
        state = [_as_leaf(layer) for layer in state]
        begin = _tensors(state)
        memories: list[Tensor] = []
        hiddens: list[Tensor] = []
        for inputs in network.embed(ids[:-1, None]):  # (1, E)
            state = network.step(inputs, state)
            memories += [layer.memory for layer in state]
            hiddens.append(state[-1].hidden)
        logits = network.logits([LayerState(torch.cat(hiddens))])  # (T, V)
        loss = cross_entropy(logits, ids[1:], reduction="sum")
    return _Piece(begin, memories, _tensors(state), loss), state


def _as_leaf(state: LayerState) -> LayerState:
    """Return a state whose derivatives are wanted, without the graph that computed it."""
    hidden = state.hidden.detach().requires_grad_()
    return LayerState(hidden, None if state.cell is None else state.cell.detach().requires_grad_())


def _tensors(state: list[LayerState]) -> list[Tensor]:
    """Return what is carried from one character to the next: the hidden and the cell state of each layer."""
    return [tensor for layer in state for tensor in (layer.hidden, layer.cell) if tensor is not None]


def _derivatives(piece: _Piece, after: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the derivatives of the loss of this piece and the later ones with respect to its memories, and its begin.

    `after` is the derivative of the later loss with respect to its end; it is empty for the last piece.
    """
    outputs = [piece.loss, *(piece.end if after else [])]
    found = torch.autograd.grad(outputs, [*piece.memories, *piece.begin], [torch.ones_like(piece.loss), *after])
    return list(found[: len(piece.memories)]), list(found[len(piece.memories) :])


def ranked(estimates: Doubles, exact: dict[int, float]) -> tuple[RankedCell, ...]:
    """Return the cells of a layer, those that cost most first.

    Cells whose cost is known exactly come before the others, which are sorted by their estimates.

    Args:
        estimates: the estimated cost of each cell, in nats for the whole text: (H,).
        exact: the exact cost of some cells, by their numbers.
    """
    cells = [RankedCell(cell, float(estimate), exact.get(cell)) for cell, estimate in enumerate(estimates)]
    known = sorted((one for one in cells if one.exact is not None), key=lambda one: -(one.exact or 0.0))
    return (*known, *sorted((one for one in cells if one.exact is None), key=lambda one: -one.estimate))


def worth_computing(estimates: Doubles, count: int = EXACT) -> list[int]:
    """Return the numbers of the cells whose exact cost is worth computing, by their estimates, (H,).

    The first have the largest absolute estimates, since a cell with a very negative one may cost much: the line is far
    off where the way to the value is long. The others have the highest estimates. With the bundled model and the first
    2,000 characters of its test part, the ten cells that cost most were among these fifty, set to 0 or to their means;
    among the fifty highest estimates were eight and six of the ten.
    """
    largest = np.argsort(-np.abs(estimates), kind="stable")[:LARGEST]
    highest = np.argsort(-estimates, kind="stable")
    return [int(cell) for cell in dict.fromkeys([*largest.tolist(), *highest.tolist()])][:count]


def exact_costs(
    model: CharLSTM, reading: TextReading, layer: int, cells: Sequence[int], clamp: Clamp, threads: int | None = None
) -> Generator[float | Costs, None, None]:
    """Compute the exact costs of cells, each silenced alone. Yields the progress, 0 to 1, and, last, the costs.

    Worker threads share the cells (`core.evaluation.worker_threads`); NumPy's own threads should be limited to one. To
    cancel, close the generator.

    Args:
        model: the network.
        reading: the text.
        layer: the layer of the cells, from 0.
        cells: the numbers of the cells, from 0.
        clamp: the value that the memory of each is set to.
        threads: number of workers; None for as many as there are cores.

    Raises:
        UserError: the logits are not finite.
    """
    threads = min(threads or available_cores(), len(cells))
    shares = [cells[number::threads] for number in range(threads)]
    tasks = [_of_share(share, cost_of_each(model, reading, layer, share, clamp)) for share in shares]
    done: dict[int, float] = {}
    costs: Costs = {}
    with closing(advance(tasks, threads)) as events:
        for event in events:
            if isinstance(event, dict):
                costs |= event
            else:
                done[event[0]] = event[1]
                yield sum(done.values()) / threads
    yield costs


def _of_share(cells: Sequence[int], computing: Generator[float, None, Doubles]) -> Iterator[tuple[int, float] | Costs]:
    """Yield the progress of the costs of some cells, together with the first of these, and, last, the costs."""
    for item in with_result(computing):
        yield (cells[0], item) if isinstance(item, float) else dict(zip(cells, map(float, item), strict=True))


def with_result(computing: Generator[float, None, Result]) -> Iterator[float | Result]:
    """Yield the progress of a computation and, last, its result."""
    yield (yield from computing)
