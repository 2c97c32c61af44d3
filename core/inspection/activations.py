"""What went on inside a network while it read a text, to be looked at: gates, cells, and what it expected next."""

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
"""That are kept: 128 MB."""
MAX_CHARACTERS = 2_000
MIN_TO_FOLLOW = 60
"""Characters below which it is not told what a cell follows: a line or two."""
KEPT = 16
"""Characters that were expected next, of each place."""

Floats = NDArray[np.float32]


def most_characters(config: ModelConfig) -> int:
    """Return of how many characters the insides of such a network are kept."""
    each = config.num_layers * len(QUANTITIES[config.cell]) * config.hidden_size
    return min(MAX_CHARACTERS, max(MAX_NUMBERS // each, 1))


class Cells(NamedTuple):
    """The cells of a layer in some order."""

    order: NDArray[np.int64]
    """Their numbers, from 0."""
    measures: NDArray[np.float64]
    """By what they are ordered, in that order."""


class Activations:
    """All that was computed for each character of a text. Filled by
    `core.inspection.record_activations.look_inside`."""

    def __init__(self, config: ModelConfig, vocabulary: str, text: str) -> None:
        self.config = config
        self.text = text[: most_characters(config)]
        self.read = 0
        """Characters, so far."""
        self.quantities = QUANTITIES[config.cell]
        shape = (config.num_layers, len(self.quantities), len(self.text), config.hidden_size)
        self._values = np.zeros(shape, dtype=np.float32)  # (L, Q, T, H)
        self._vocabulary = vocabulary
        self._kept = min(KEPT, len(vocabulary))
        self._expected = np.zeros((len(self.text), self._kept), dtype=np.int32)
        self._probabilities = np.zeros((len(self.text), self._kept), dtype=np.float32)
        self._given = np.full(len(self.text), np.nan, dtype=np.float32)  # to the character that did come next

    def add(self, layers: Sequence[Sequence[Floats]], probabilities: Floats, next_id: int | None) -> None:
        """Keep what the next character brought about.

        Args:
            layers: for each layer its quantities, each (H,).
            probabilities: of what follows, (V,).
            next_id: the character that does follow; None at the end.
        """
        place = self.read
        for layer, quantities in enumerate(layers):
            for number, values in enumerate(quantities):
                self._values[layer, number, place] = values
        likeliest = np.argsort(-probabilities, kind="stable")[: self._kept]
        self._expected[place], self._probabilities[place] = likeliest, probabilities[likeliest]
        if next_id is not None:
            self._given[place] = probabilities[next_id]
        self.read += 1

    def values(self, layer: int, symbol: str) -> Floats:
        """Return a quantity of every cell of a layer, for each character read: (T, H)."""
        return self._values[layer, self._number(symbol), : self.read]

    @property
    def room(self) -> int:
        """Characters that could have been read in addition."""
        return most_characters(self.config) - self.read

    def scaled(self, layer: int, symbol: str, cells: int | slice = slice(None)) -> Floats:
        """Return the same within -1 and 1: a gate that is shut is -1, a cell state goes by the cell's largest."""
        values = self.values(layer, symbol)[:, cells]
        if self.quantities[self._number(symbol)].is_gate:
            return 2 * values - 1
        scaled: Floats = values / np.maximum(np.abs(values).max(axis=0, initial=0), 1)
        return scaled

    def levels(self, layer: int, symbol: str, cell: int, borders: Sequence[float]) -> bytes:
        """Return between which of some scaled values a cell's is at each character: 0 below the first."""
        values = self.scaled(layer, symbol, cell)
        return np.searchsorted(borders, values, side="right").astype(np.uint8).tobytes()

    def at(self, place: int, layer: int, cell: int) -> dict[str, float]:
        """Return all quantities of a cell after a character, by symbol; before the first all is 0."""
        if place < 0:
            return {quantity.symbol: 0.0 for quantity in self.quantities}
        return {
            quantity.symbol: float(self._values[layer, number, place, cell])
            for number, quantity in enumerate(self.quantities)
        }

    def expected(self, place: int) -> list[Expected]:
        """Return what the network expected after a character, likeliest first."""
        return [
            Expected(self._vocabulary[one], float(probability))
            for one, probability in zip(self._expected[place], self._probabilities[place], strict=True)
        ]

    def given(self, place: int) -> float | None:
        """Return the probability that it gave to the character that did follow; None at the end."""
        probability = float(self._given[place])
        return None if np.isnan(probability) else probability

    def cells(self, layer: int, symbol: str, follow: str | None = None) -> Cells:
        """Order the cells of a layer: by how closely they follow a property of the text, or by how much they change.

        The measure is Pearson's r, the largest of either sign first; or the deviation over the text.
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
        """Return the property of the text that one of a layer's cells follows best; None for a text too short to tell.

        In a short text chance alone makes some of many cells follow anything.
        """
        if self.read < MIN_TO_FOLLOW:
            return None
        values, text = self.values(layer, symbol), self.text[: self.read]
        best = {name: np.abs(correlations(values, of(text))).max(initial=0.0) for name, of in PROPERTIES.items()}
        name = max(best, key=lambda one: best[one])
        return name if best[name] > 0 else None

    def to_csv(self, layer: int, symbol: str) -> bytes:
        """Return a quantity of every cell of a layer as a table: a line a character, with its place."""
        written = io.StringIO()
        table = csv.writer(written, lineterminator="\n")
        values = self.values(layer, symbol)
        table.writerow(["place", "character", *(f"{symbol}{cell}" for cell in range(values.shape[1]))])
        for place, row in enumerate(values):
            table.writerow([place, self.text[place], *(f"{value:.6g}" for value in row)])
        return written.getvalue().encode("utf-8")

    def _number(self, symbol: str) -> int:
        return [quantity.symbol for quantity in self.quantities].index(symbol)
