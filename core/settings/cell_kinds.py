"""The quantities that each kind of cell computes, with the symbols of its equations.

The symbols are those of `torch.nn`: i, f, g, o, c, h for an LSTM; r, z, n, h for a GRU; h for a plain RNN.
"""

from msgspec import Struct

from core.settings.config import Cell


class Quantity(Struct, frozen=True):
    """A quantity that each cell computes for each character."""

    symbol: str
    name: str
    is_gate: bool = False
    """Whether its values are between 0 and 1; otherwise they have a sign."""


HIDDEN = Quantity("h", "hidden state")

QUANTITIES: dict[Cell, tuple[Quantity, ...]] = {
    "lstm": (
        Quantity("i", "input gate", is_gate=True),
        Quantity("f", "forget gate", is_gate=True),
        Quantity("g", "candidate"),
        Quantity("o", "output gate", is_gate=True),
        Quantity("c", "cell state"),
        HIDDEN,
    ),
    "gru": (
        Quantity("r", "reset gate", is_gate=True),
        Quantity("z", "update gate", is_gate=True),
        Quantity("n", "candidate"),
        HIDDEN,
    ),
    "rnn": (HIDDEN,),
}
"""Quantities of each kind of cell, in the order in which they are computed."""

MEMORY: dict[Cell, str] = {"lstm": "c", "gru": "h", "rnn": "h"}
"""Symbol of the quantity that a cell carries from one character to the next, before any output gate. Inspect shows it
first."""

GATES: dict[Cell, int] = {"lstm": 4, "gru": 3, "rnn": 1}
"""Number of gates of each kind of cell, counting the candidate."""
