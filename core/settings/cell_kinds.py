"""What can be looked at inside a layer, by the kind of its cells: the letters are those of the equations.

Letters as in `torch.nn`: LSTM i, f, g, o, c, h; GRU r, z, n, h; a plain RNN has nothing but h.
"""

from msgspec import Struct

from core.settings.config import Cell


class Quantity(Struct, frozen=True):
    """One number a cell and a character."""

    symbol: str
    name: str
    is_gate: bool = False
    """Whether it is a share, 0 to 1; else it has a sign."""


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
"""In the order in which they are computed."""

MEMORY: dict[Cell, str] = {"lstm": "c", "gru": "h", "rnn": "h"}
"""What a cell keeps from character to character, untouched by the gate that lets it out: what is shown at first."""
