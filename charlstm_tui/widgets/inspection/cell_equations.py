"""One cell at one character: its gates, and its equations with the numbers inserted."""

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import shown

if TYPE_CHECKING:
    from charlstm_tui.jobs.inspection import Activations

ROOMY = 74
"""Minimum columns of a window for the long form of the three lines."""
BAR = 8
"""Width of the bar that shows how far a gate is open, in columns."""


class CellEquations(Static):
    """Shows the computation of a cell: one value a line or, in small windows, in three lines."""

    _lines = 0

    def show(self, activations: "Activations", place: int, layer: int, cell: int) -> None:
        """Show a cell after the character at a place."""
        if self.screen.has_class("-wide") and self.screen.has_class("-tall"):
            lines = below_each_other(activations, place, layer, cell)
        else:
            lines = in_three_lines(activations, place, layer, cell, short=self.app.size.width < ROOMY)
        as_many = len(lines) == self._lines
        self._lines = len(lines)
        self.update(Content("\n").join(lines), layout=not as_many)  # a new layout of the screen takes 10 ms


def below_each_other(activations: "Activations", place: int, layer: int, cell: int) -> list[Content]:
    """Return the lines for a panel of about thirty columns: each value, the equations, and the next character."""
    values = activations.at(place, layer, cell)
    lines = [
        Content.assemble(
            ("after ", "$text-muted"), (shown(activations.text[place]), "bold"), _count(activations, place)
        ),
        Content.styled(f"cell {cell}, layer {layer + 1}", "$text-muted"),
        Content(""),
    ]
    for quantity in activations.quantities:
        value = values[quantity.symbol]
        opened = bar(min(max(value, 0), 1), BAR).ljust(BAR) if quantity.is_gate else " " * BAR
        name = Content.styled(f"  {quantity.name:<13}", "$text-muted")
        lines.append(Content.assemble((quantity.symbol, "bold"), name, f"{number(value):>6} ", (opened, "$accent")))
    lines.append(Content(""))
    for equation in equations(activations, place, layer, cell):
        first, *others = equation
        lines.append(Content.styled(first, "$text-muted"))
        lines += [Content(f"  = {other}") for other in others]
    return [*lines, Content(""), _given(activations, place)]


def in_three_lines(
    activations: "Activations", place: int, layer: int, cell: int, *, short: bool = False
) -> list[Content]:
    """Return three lines for a panel below the text: gates, equations, and the most probable next characters."""
    values = activations.at(place, layer, cell)
    gates = Content(" " if short else "  ").join(
        Content.assemble((symbol, "bold"), f" {number(value)}") for symbol, value in values.items()
    )
    reading = Content.assemble(
        ("" if short else "after ", "$text-muted"), (shown(activations.text[place]), "bold"),
        "" if short else _count(activations, place),
    )  # fmt: skip
    sums = [[letters.partition(" = ")[0], *then] for letters, *then in equations(activations, place, layer, cell)]
    if short:  # the results are in the line above
        sums = [[name, then.replace(" × ", "×")] for name, then, *_ in sums]
    following = "  ".join(
        f"{shown(one)} {100 * p:.0f} %" for one, p in activations.expected(place)[: 3 if short else 4]
    )
    return [
        Content.assemble(reading, "   ", gates),
        Content("   ".join(" = ".join(one) for one in sums)),
        Content.assemble(("next  ", "$text-muted"), following, "   ", _given(activations, place)),
    ]


def equations(activations: "Activations", place: int, layer: int, cell: int) -> list[list[str]]:
    """Return each equation as a list: in letters, with the numbers inserted (LSTM and GRU), and the result."""
    now, before = activations.at(place, layer, cell), activations.at(place - 1, layer, cell)
    match activations.config.cell:
        case "lstm":
            inserted = f"{number(now['f'])} × {number(before['c'])} + {number(now['i'])} × {number(now['g'])}"
            return [
                ["c = f × c before + i × g", inserted, number(now["c"])],
                ["h = o × tanh c", f"{number(now['o'])} × tanh {number(now['c'])}", number(now["h"])],
            ]
        case "gru":
            inserted = f"{number(1 - now['z'])} × {number(now['n'])} + {number(now['z'])} × {number(before['h'])}"
            return [["h = (1 − z) × n + z × h before", inserted, number(now["h"])]]
        case "rnn":
            return [["h = tanh(W x + U h before + b)", number(now["h"])]]


def number(value: float) -> str:
    """Return a value with two decimals, and a minus sign as wide as a plus."""
    written = f"{value:.2f}"
    return "0.00" if written == "-0.00" else written.replace("-", "−")


def _count(activations: "Activations", place: int) -> Content:
    return Content.styled(f" · {place + 1:,} of {activations.read:,}", "$text-muted")


def _given(activations: "Activations", place: int) -> Content:
    probability = activations.given(place)
    if probability is None or place + 1 >= activations.read:
        return Content("")
    following = activations.text[place + 1]
    return Content.assemble(
        ("followed by ", "$text-muted"), (shown(following), "bold"), f" · {100 * probability:.1f} %"
    )
