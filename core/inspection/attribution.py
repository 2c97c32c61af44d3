"""What mattered for a prediction: how much each earlier character changed the probability of the next one.

Both methods explain log p, the logarithm of the probability of one next character. That is its logit minus the
logarithm of the sum of exp over all logits, so a character also counts if it only changes the logits of the others.

- Gradient times input: the derivative of log p with respect to the embedding of a character, dotted with that
  embedding. It takes one pass forward and one backward (Simonyan, Vedaldi and Zisserman, "Deep inside convolutional
  networks", 2013; Shrikumar et al., "Not just a black box", 2016).
- Without each character: log p minus its value when that one embedding is replaced by the mean embedding (occlusion:
  Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014; for texts Li, Monroe and Jurafsky,
  "Understanding neural networks through representation erasure", 2016). It is exact and takes one pass per character.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.cores import available_cores
from core.errors import UserError
from core.evaluation.worker_threads import advance
from core.inspection.activations import Activations
from core.inspection.unrolled import LayerState, Unrolled
from core.model.char_lstm import CharLSTM

MAX_ATTRIBUTED = 200
"""Maximum number of characters with an attribution, the last ones: the exact method takes time quadratic in it."""
REPORTED = 20
"""Number of characters between two progress reports of a pass over one text."""

Ids = NDArray[np.int64]


class Attribution(NamedTuple):
    """How much each of k characters changed the logarithm of the probability of the next character."""

    begin: int
    """Index in the text of the first of the k characters; the last is the last character of the text."""
    values: NDArray[np.float64]
    """Attribution of each character in nats, (k,): positive if the character raised the probability."""
    next_id: int
    """Id of the next character that is explained."""
    log_probability: float
    """Its log p after the text, in nats."""
    all_at_once: float
    """log p minus its value if all k embeddings are replaced at once, in nats.

    They are replaced by zeros for the gradient, and by the mean embedding for the exact method. If log p were a linear
    function of the embeddings, this would equal `total`. The network is not linear.
    """

    @property
    def total(self) -> float:
        """Sum of the values in nats.

        For gradient times input, it is the derivative of log p if all k embeddings are scaled by a common factor a, at
        a = 1.
        """
        return float(self.values.sum())

    def levels(self, borders: Sequence[float]) -> bytes:
        """Return the level of each of the k characters, one byte each.

        The level is the number of `borders`, in ascending order, that the value reaches, divided by the largest
        absolute value.
        """
        scaled = self.values / max(np.abs(self.values).max(initial=0), np.finfo(np.float64).tiny)
        return bytes(np.searchsorted(borders, scaled, side="right").astype(np.uint8))

    def strongest(self, count: int) -> list[tuple[int, float]]:
        """Return the `count` characters with the largest absolute values, the largest first: index and value."""
        order = np.argsort(-np.abs(self.values), kind="stable")[:count]
        return [(self.begin + int(index), float(self.values[index])) for index in order]


def first_attributed(length: int) -> int:
    """Return the index of the first character with an attribution, in a text of this length up to the cursor."""
    return max(length - MAX_ATTRIBUTED, 0)


def state_after(activations: Activations, place: int) -> list[LayerState] | None:
    """Return the recorded state of each layer after a character; None, the zero state, if `place` is negative."""
    if place < 0:
        return None

    def row(layer: int, symbol: str) -> Tensor:
        return torch.from_numpy(activations.values(layer, symbol)[place : place + 1].copy())  # (1, H)

    has_cells = activations.config.cell == "lstm"
    return [
        LayerState(row(layer, "h"), row(layer, "c") if has_cells else None)
        for layer in range(activations.config.num_layers)
    ]


def gradient_times_input(
    model: CharLSTM,
    ids: Ids,
    next_id: int | None = None,
    before: list[LayerState] | None = None,
    *,
    threads: int | None = None,
) -> Generator[float | Attribution, None, None]:
    """Attribute the prediction after a text to its last characters, by gradient times input.

    Args:
        model: the network, in any precision.
        ids: ids of the text up to the cursor, (T,), T > 0. The network reads it from a zero state.
        next_id: id of the next character to explain; None explains the most probable one.
        before: the state of each layer after the characters that have no attribution, `ids[:first_attributed(T)]`, if
            it is known. If None, the network reads them here.
        threads: number of worker threads; None for as many as there are cores.

    Yields the progress, 0 to 1, and, last, the attribution. To cancel, stop iterating.

    Raises:
        UserError: an attribution is not finite.
    """
    unrolled, begin, states = _start(model, ids, before)
    embedded = unrolled.embed(torch.from_numpy(ids[begin:]))  # (k, E)
    zeros = torch.zeros_like(embedded[0])  # (E,)
    tasks = [_gradient(unrolled, embedded, states, next_id), _all_replaced(unrolled, zeros, len(embedded), states)]
    results = yield from _results(tasks, 3 * len(embedded), threads)
    (gradient, chosen, given), all_replaced = results
    values = (gradient * embedded).sum(dim=1)  # (k,)
    yield _checked(begin, values, chosen, given[0, chosen], all_replaced[0, chosen])


def without_each_character(
    model: CharLSTM,
    ids: Ids,
    next_id: int | None = None,
    before: list[LayerState] | None = None,
    *,
    threads: int | None = None,
) -> Generator[float | Attribution, None, None]:
    """Attribute the prediction after a text to its last characters, exactly, by replacing each of them.

    The replacement is the mean embedding: the unweighted mean over the rows of the embedding matrix, that is over all
    characters of the vocabulary, however often they occur. Arguments, items and errors are those of
    `gradient_times_input`.

    The changed texts are computed in batches, one for each worker. Changed text r equals the given text before its
    character r, so its row joins the batch there:

        character      0  1  2  3
        given text     x  x  x  x
        changed 0      m  x  x  x
        changed 1         m  x  x
        changed 2            m  x
        changed 3               m
    """
    unrolled, begin, states = _start(model, ids, before)
    embedded = unrolled.embed(torch.from_numpy(ids[begin:]))  # (k, E)
    mean = unrolled.embeddings.mean(dim=0)  # (E,)
    k = len(embedded)
    threads = threads or available_cores()
    shares = [range(first, k, threads) for first in range(min(threads, k))]
    tasks = [_changed(unrolled, embedded, mean, states, share) for share in shares]
    tasks.append(_all_replaced(unrolled, mean, k, states))
    results = yield from _results(tasks, k * (k + 1) // 2 + (len(shares) + 1) * k, threads)
    *changed, all_replaced = results
    given = changed[0][:1]  # (1, V)
    chosen = int(given.argmax()) if next_id is None else next_id
    values = torch.empty(k, dtype=given.dtype)
    for share, log_p in zip(shares, changed, strict=True):
        values[share.start :: share.step] = given[0, chosen] - log_p[1:, chosen]
    yield _checked(begin, values, chosen, given[0, chosen], all_replaced[0, chosen])


# Each task is a generator for a worker thread. It yields the number of rows that it has just computed, each a character
# of one text, and, last, its result.


def _gradient(
    unrolled: Unrolled, embedded: Tensor, states: list[LayerState], next_id: int | None
) -> Iterator[int | tuple[Tensor, int, Tensor]]:
    """Result: the derivative of log p with respect to the embeddings, (k, E), the next character, and log p, (1, V)."""
    embedded = embedded.clone().requires_grad_()
    for number, inputs in enumerate(embedded.unsqueeze(1).unbind(), start=1):  # each (1, E)
        states = unrolled.step(inputs, states)
        if number % REPORTED == 0:
            yield REPORTED
    log_p = torch.log_softmax(unrolled.logits(states), dim=1)
    chosen = int(log_p.argmax()) if next_id is None else next_id
    (gradient,) = torch.autograd.grad(log_p[0, chosen], embedded)
    yield gradient, chosen, log_p.detach()


@torch.no_grad()
def _all_replaced(
    unrolled: Unrolled, replacement: Tensor, count: int, states: list[LayerState]
) -> Iterator[int | Tensor]:
    """Result: log p of each next character, (1, V), after `count` times the replacement, (E,)."""
    for number in range(1, count + 1):
        states = unrolled.step(replacement[None], states)
        if number % REPORTED == 0:
            yield REPORTED
    yield torch.log_softmax(unrolled.logits(states), dim=1)


@torch.no_grad()
def _changed(
    unrolled: Unrolled, embedded: Tensor, replacement: Tensor, states: list[LayerState], changed: range
) -> Iterator[int | Tensor]:
    """Result: log p of each next character after the given text and after each changed one, (1 + texts, V)."""
    rows = 1
    for place, inputs in enumerate(embedded):
        if is_changed := place in changed:
            states = _rows(states, [*range(rows), 0])
            rows += 1
        batch = inputs.repeat(rows, 1)  # (B, E)
        if is_changed:
            batch[-1] = replacement
        states = unrolled.step(batch, states)
        yield rows
    yield torch.log_softmax(unrolled.logits(states), dim=1)


def _results(tasks: Sequence[Iterator[Any]], total: int, threads: int | None) -> Generator[float, None, list[Any]]:
    """Compute the tasks in worker threads. Yields the progress, 0 to 1; returns their results in the given order."""

    def numbered(number: int, task: Iterator[Any]) -> Iterator[tuple[int, Any]]:
        for item in task:
            yield number, item

    results: list[Any] = [None] * len(tasks)
    done = 0
    with closing(advance([numbered(*task) for task in enumerate(tasks)], threads)) as items:
        for number, item in items:
            if isinstance(item, int):
                done += item
                yield min(done / total, 1.0)
            else:
                results[number] = item
    return results


def _start(model: CharLSTM, ids: Ids, before: list[LayerState] | None) -> tuple[Unrolled, int, list[LayerState]]:
    """Return the network, the first character with an attribution, and the state before it of each layer, (1, H)."""
    unrolled, begin = Unrolled(model), first_attributed(len(ids))
    if before is not None:
        return unrolled, begin, before
    if begin == 0:
        return unrolled, begin, unrolled.beginning(1)
    with torch.no_grad():
        _, after = model(torch.from_numpy(ids[:begin, None]))
    cells = after.cell if model.config.cell == "lstm" else [None] * model.config.num_layers
    return unrolled, begin, [LayerState(hidden, cell) for hidden, cell in zip(after.hidden, cells, strict=True)]


def _rows(states: list[LayerState], rows: list[int]) -> list[LayerState]:
    """Return the state of these rows of each layer, (B, H)."""
    return [LayerState(one.hidden[rows], one.cell[rows] if one.cell is not None else None) for one in states]


def _checked(begin: int, values: Tensor, next_id: int, given: Tensor, all_replaced: Tensor) -> Attribution:
    found = Attribution(
        begin, values.double().numpy(), next_id, float(given.double()), float((given - all_replaced).double())
    )
    if not (np.isfinite(found.values).all() and np.isfinite([found.log_probability, found.all_at_once]).all()):
        raise UserError(f"The attributions to the last {len(values)} characters are too large to be computed.")
    return found
