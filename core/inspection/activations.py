"""The activations of a network for each character of a text, stored for display: gates, cells and predictions."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.inspection.probes import PROPERTIES, correlations
from core.reports.results import Expected
from core.settings.cell_kinds import QUANTITIES
from core.settings.config import ModelConfig

MAX_NUMBERS = 32_000_000
"""Maximum number of values stored: 128 MB."""
MAX_CHARACTERS = 2_000
MIN_TO_FOLLOW = 60
"""Minimum length in characters of a text, a line or two, for reporting which property a cell follows."""
KEPT = 16
"""Number of most probable next characters stored for each position."""

Floats = NDArray[np.float32]


def most_characters(config: ModelConfig) -> int:
    """Return the maximum number of characters for which the activations of such a network are stored."""
    each = config.num_layers * len(QUANTITIES[config.cell]) * config.hidden_size
    return min(MAX_CHARACTERS, max(MAX_NUMBERS // each, 1))


class Cells(NamedTuple):
    """The cells of a layer, sorted by a measure."""

    order: NDArray[np.int64]
    """Numbers of the cells, from 0, in this order: shape (H,)."""
    measures: NDArray[np.float64]
    """Measures of the cells, in the same order: shape (H,)."""


class Activations:
    """The activations of every cell for each character of a text.

    `core.inspection.record_activations.record_activations` fills it.
    """

    def __init__(self, config: ModelConfig, vocabulary: str, text: str) -> None:
        self.config = config
        self.text = text[: most_characters(config)]
        self.read = 0
        """Number of characters read so far."""
        self.quantities = QUANTITIES[config.cell]
        shape = (config.num_layers, len(self.quantities), len(self.text), config.hidden_size)
        self._values = np.zeros(shape, dtype=np.float32)  # (L, Q, T, H)
        self._vocabulary = vocabulary
        self._kept = min(KEPT, len(vocabulary))
        self._expected = np.zeros((len(self.text), self._kept), dtype=np.int32)
        self._probabilities = np.zeros((len(self.text), self._kept), dtype=np.float32)
        self._given = np.full(len(self.text), np.nan, dtype=np.float32)  # probability of the actual next character

    def add(self, layers: Sequence[Sequence[Floats]], probabilities: Floats, next_id: int | None) -> None:
        """Store the activations and predictions after the next character.

        Args:
            layers: for each layer its quantities, each of shape (H,).
            probabilities: the predicted probability of each next character, (V,).
            next_id: the id of the actual next character; None at the end of the text.
        """
        place = self.read
        for layer, quantities in enumerate(layers):
            for number, values in enumerate(quantities):
                self._values[layer, number, place] = values
        most_probable = np.argsort(-probabilities, kind="stable")[: self._kept]
        self._expected[place], self._probabilities[place] = most_probable, probabilities[most_probable]
        if next_id is not None:
            self._given[place] = probabilities[next_id]
        self.read += 1

    def values(self, layer: int, symbol: str) -> Floats:
        """Return a quantity of every cell of a layer for each character read so far: (T, H)."""
        return self._values[layer, self._number(symbol), : self.read]

    @property
    def room(self) -> int:
        """Number of characters that could still be added to the text."""
        return most_characters(self.config) - self.read

    def scaled(self, layer: int, symbol: str, cells: int | slice = slice(None)) -> Floats:
        """Return the same values scaled to between -1 and 1.

        A gate's value is mapped from (0, 1): closed is -1, open is 1. Other quantities are divided by the largest
        absolute value of their cell, if that exceeds 1.
        """
        values = self.values(layer, symbol)[:, cells]
        if self.quantities[self._number(symbol)].is_gate:
            return 2 * values - 1
        scaled: Floats = values / np.maximum(np.abs(values).max(axis=0, initial=0), 1)
        return scaled

    def levels(self, layer: int, symbol: str, cell: int, borders: Sequence[float]) -> bytes:
        """Return the level of a cell at each character, one byte each.

        The level is the number of `borders` that the scaled value reaches; they are in ascending order.
        """
        values = self.scaled(layer, symbol, cell)
        return np.searchsorted(borders, values, side="right").astype(np.uint8).tobytes()

    def at(self, place: int, layer: int, cell: int) -> dict[str, float]:
        """Return all quantities of a cell after the character at `place`, by symbol; all 0 if `place` is negative."""
        if place < 0:
            return {quantity.symbol: 0.0 for quantity in self.quantities}
        return {
            quantity.symbol: float(self._values[layer, number, place, cell])
            for number, quantity in enumerate(self.quantities)
        }

    def expected(self, place: int) -> list[Expected]:
        """Return the characters that the network expected after a position, the most probable first."""
        return [
            Expected(self._vocabulary[id_], float(probability))
            for id_, probability in zip(self._expected[place], self._probabilities[place], strict=True)
        ]

    def given(self, place: int) -> float | None:
        """Return the probability that the network gave to the actual next character; None at the end of the text."""
        probability = float(self._given[place])
        return None if np.isnan(probability) else probability

    def cells(self, layer: int, symbol: str, follow: str | None = None) -> Cells:
        """Return the cells of a layer, sorted by how closely they follow a property or by how much they vary.

        Args:
            layer: the layer, from 0.
            symbol: the quantity.
            follow: a name in `PROPERTIES`: the measure is Pearson's r with it, sorted by absolute value. If None, the
                measure is the standard deviation over the text.
        """
        values = self.values(layer, symbol)
        if follow is None:
            measures = values.std(axis=0, dtype=np.float64)
            order = np.argsort(-measures, kind="stable")
        else:
            measures = correlations(values, PROPERTIES[follow](self.text[: self.read]))
            order = np.argsort(-np.abs(measures), kind="stable")
        return Cells(order, measures[order])

    def best_followed(self, layer: int, symbol: str) -> str | None:
        """Return the property of the text that a cell of the layer follows most closely.

        Returns None if the text is too short: in a short text, with many cells, some follow any property by chance.
        """
        if self.read < MIN_TO_FOLLOW:
            return None
        values, text = self.values(layer, symbol), self.text[: self.read]
        best = {name: np.abs(correlations(values, of(text))).max(initial=0.0) for name, of in PROPERTIES.items()}
        name = max(best, key=lambda candidate: best[candidate])
        return name if best[name] > 0 else None

    def to_csv(self, layer: int, symbol: str) -> bytes:
        """Return a quantity of every cell of a layer as CSV: one row per character, with its position."""
        output = io.StringIO()
        table = csv.writer(output, lineterminator="\n")
        values = self.values(layer, symbol)
        table.writerow(["place", "character", *(f"{symbol}{cell}" for cell in range(values.shape[1]))])
        for place, row in enumerate(values):
            table.writerow([place, self.text[place], *(f"{value:.6g}" for value in row)])
        return output.getvalue().encode("utf-8")

    def _number(self, symbol: str) -> int:
        return [quantity.symbol for quantity in self.quantities].index(symbol)
