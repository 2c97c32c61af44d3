"""What a cell is for: the loss of a text with and without some cells, whose memory is set to a constant value.

A correlation shows what a cell follows. Silencing shows what the network uses it for: what it predicts worse without
the cell. Such ablation of single units is described by Morcos et al., "On the importance of single directions for
generalization", 2018.

The networks read the text from a zero state, as Inspect does. The first character is not predicted, so a text of T
characters has T - 1 losses.
"""

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.evaluation.character_classes import KINDS, kind_of
from core.model.char_lstm import CharLSTM
from core.model.clamped_lstm import ClampedLSTM, RowClamps
from core.reports.silencing import CellId, CharacterCost, Clamp, GroupCost, SilencingEffect
from core.sampling.filtering import check_soundness
from core.settings.cell_kinds import MEMORY, QUANTITIES

REPORTED = 20
"""Number of characters between two progress reports."""
WORST = 12
"""Number of characters listed as those that lose most."""
BLOCK, MIN_BLOCKS = 50, 8
"""Number of characters of a block, about a line, and least number of blocks, for the standard error. The effect of a
cell differs from line to line, so neighbouring characters are not independent; blocks are, nearly."""
_BORDERS = (10, 20, 30, 40, 50, 60, 70)
"""Largest distances from the last newline of each group but the last."""
DISTANCES = (*(f"{border - 9} to {border}" for border in _BORDERS), f"over {_BORDERS[-1]}")
"""Names of the groups by distance from the last newline: the first character of a line has distance 1."""

Doubles = NDArray[np.float64]


class TextReading:
    """A text as a network reads it: its losses, and the mean memory of each cell."""

    def __init__(self, text: str, ids: NDArray[np.int64], losses: Doubles, means: Doubles) -> None:
        self.text = text
        self.ids = ids
        """Ids of the characters, (T,)."""
        self.losses = losses
        """Loss of each character but the first, in nats: (T - 1,)."""
        self.means = means
        """Mean of each cell's memory over the text: (L, H)."""

    def values(self, clamp: Clamp, layer: int) -> Doubles:
        """Return the value that the memory of each cell of a layer is set to: (H,)."""
        means: Doubles = self.means[layer]
        match clamp.kind:
            case "zero":
                return np.zeros_like(means)
            case "mean":
                return means
            case "value":
                return np.full_like(means, clamp.value)

    def clamps(self, cells: Sequence[CellId], clamp: Clamp, row: int = 0) -> list[RowClamps]:
        """Return the clamps that silence cells in one row of a `ClampedLSTM`."""
        clamps = []
        for layer in sorted({cell.layer for cell in cells}):
            numbers = np.array(sorted({cell.cell for cell in cells if cell.layer == layer}), dtype=np.int64)
            values = self.values(clamp, layer)[numbers].astype(np.float32)
            clamps.append(RowClamps(layer, np.full(len(numbers), row), numbers, values))
        return clamps


def read_text(model: CharLSTM, vocabulary: Vocabulary, text: str) -> Generator[float, None, TextReading]:
    """Return the losses of a network on a text, and its mean memories. Yields the progress, 0 to 1.

    The model must know all characters of the text. To cancel, stop iterating.

    Raises:
        UserError: the text has fewer than two characters, or the logits are not finite.
    """
    ids = vocabulary.encode(text)
    if len(ids) < 2:
        raise UserError("A text of one character has no loss, because nothing is predicted. Read a longer text first.")
    symbols = [quantity.symbol for quantity in QUANTITIES[model.config.cell]]
    memory = symbols.index(MEMORY[model.config.cell])
    network = ClampedLSTM(model, [])
    losses, sums = np.empty(len(ids) - 1), np.zeros((model.config.num_layers, model.config.hidden_size))
    for place in range(len(ids)):
        logits = network.step(ids[place : place + 1])
        sums += [layer[memory][0] for layer in network.activations()]
        if place < len(losses):
            losses[place] = _losses(logits, int(ids[place + 1]))[0]
        if place % REPORTED == REPORTED - 1:
            yield (place + 1) / len(ids)
    return TextReading(text, ids, losses, sums / len(ids))


def read_silenced(
    model: CharLSTM, reading: TextReading, clamps: Sequence[RowClamps], rows: int = 1
) -> Generator[float, None, Doubles]:
    """Return the losses of a text in N = `rows` networks with silenced cells. Yields the progress, 0 to 1.

    To cancel, stop iterating.

    Args:
        model: the network.
        reading: the text.
        clamps: the silenced cells of each row.
        rows: number of rows, which read the text in parallel.

    Returns:
        The loss of each character but the first, in nats: (N, T - 1).

    Raises:
        UserError: the logits are not finite.
    """
    ids = reading.ids
    network = ClampedLSTM(model, clamps, rows)
    losses = np.empty((rows, len(ids) - 1))
    repeated = np.empty(rows, dtype=np.int64)
    for place in range(len(ids) - 1):
        repeated[:] = ids[place]
        losses[:, place] = _losses(network.step(repeated), int(ids[place + 1]))
        if place % REPORTED == REPORTED - 1:
            yield (place + 1) / (len(ids) - 1)
    return losses


def cost_of_each(
    model: CharLSTM, reading: TextReading, layer: int, cells: Sequence[int], clamp: Clamp
) -> Generator[float, None, Doubles]:
    """Return the exact loss that silencing each of K cells alone adds on a text. Yields the progress, 0 to 1.

    The K networks read the text in parallel, together with the network as it is, so that all are rounded alike. To
    cancel, stop iterating.

    Returns:
        The added loss, in nats for the whole text: (K,).

    Raises:
        UserError: the logits are not finite.
    """
    numbers = np.array(cells, dtype=np.int64)
    values = reading.values(clamp, layer)[numbers].astype(np.float32)
    clamps = [RowClamps(layer, np.arange(len(numbers)), numbers, values)]
    losses = yield from read_silenced(model, reading, clamps, len(numbers) + 1)
    totals = losses.sum(axis=1)
    added: Doubles = totals[:-1] - totals[-1]
    return added


def effect_of(
    model: CharLSTM, reading: TextReading, cells: Sequence[CellId], clamp: Clamp
) -> Generator[float, None, SilencingEffect]:
    """Return what silencing several cells together changes on a text. Yields the progress, 0 to 1.

    To cancel, stop iterating.

    Raises:
        UserError: the logits are not finite.
    """
    after = yield from read_silenced(model, reading, reading.clamps(cells, clamp))
    return compared(reading, after[0], tuple(cells), clamp)


def compared(reading: TextReading, after: Doubles, cells: tuple[CellId, ...], clamp: Clamp) -> SilencingEffect:
    """Return the comparison of the losses of a text as it is with those with silenced cells, `after`: (T - 1,)."""
    before, predicted = reading.losses, reading.text[1:]
    kinds = np.array([kind_of(character) for character in predicted])
    groups = np.searchsorted(_BORDERS, distances(reading.text)[1:], side="left")
    worst = np.argsort(before - after, kind="stable")[:WORST]
    return SilencingEffect(
        cells=cells,
        clamp=clamp,
        characters=len(before),
        before=float(before.mean()),
        after=float(after.mean()),
        standard_error=standard_error(after - before),
        kinds=_by_group(KINDS, kinds, before, after),
        distances=_by_group(DISTANCES, groups, before, after),
        worst=tuple(
            CharacterCost(place=int(place) + 1, before=float(before[place]), after=float(after[place]))
            for place in worst
            if after[place] > before[place]
        ),
    )


def standard_error(differences: Doubles) -> float | None:
    """Return the standard error of the mean of a series, (n,), from the means of blocks; None if it is too short."""
    blocks = len(differences) // BLOCK
    if blocks < MIN_BLOCKS:
        return None
    means = differences[: blocks * BLOCK].reshape(blocks, BLOCK).mean(axis=1)
    return float(means.std(ddof=1) / np.sqrt(blocks))


def distances(text: str) -> NDArray[np.int64]:
    """Return the distance of each character from the last newline before it: (T,).

    The first character of a line has distance 1, and a newline has the length of its line plus 1. The beginning of the
    text counts as the beginning of a line.
    """
    counts, count = np.empty(len(text), dtype=np.int64), 0
    for place, character in enumerate(text):
        count += 1
        counts[place] = count
        if character == "\n":
            count = 0
    return counts


def _by_group(
    names: Sequence[str], groups: NDArray[np.int64], before: Doubles, after: Doubles
) -> tuple[GroupCost, ...]:
    found = []
    for number, name in enumerate(names):
        if (here := groups == number).any():
            losses = float(before[here].mean()), float(after[here].mean())
            found.append(GroupCost(name=name, characters=int(here.sum()), before=losses[0], after=losses[1]))
    return tuple(found)


def _losses(logits: NDArray[np.float32], following: int) -> Doubles:
    """Return -log p of the character that follows, in nats, (N,), from the logits, (N, V)."""
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    losses: Doubles = np.log(np.exp(exact).sum(axis=1)) - exact[:, following]
    check_soundness(bool(np.isfinite(losses).all()))
    return losses
