"""The model's prediction of one character of the text: its probability, and the most probable alternatives."""

import math
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import fitting, shown

if TYPE_CHECKING:
    from charlstm_tui.jobs.evaluation import CharacterLoss

_QUIET = "$text-muted"


def explained(moment: "CharacterLoss", width: int, *, in_a_line: bool) -> Content:
    """Return the probability and loss of a character and the most probable ones, in two lines or in a column."""
    name = shown(moment.character)
    if moment.loss is None:
        return Content.assemble((f"‘{name}’", "bold"), " is unknown to the model and is not scored")
    probability = _percent(math.exp(-moment.loss)).strip()
    given = Content.assemble((f"‘{name}’", "bold"), f" had {probability}", (f"  {moment.loss:.2f} nats", _QUIET))
    if in_a_line:
        alternatives = [f"{shown(one.character)} {_percent(one.probability).strip()}" for one in moment.expected]
        fewer = ("  ".join(alternatives[:count]) for count in range(len(alternatives), 0, -1))
        return Content("\n").join([given, Content.assemble(("expected ", _QUIET), fitting(width - 14, *fewer))])
    room = max(width - 13, 4)
    lines = [given, Content(""), Content.styled("expected", _QUIET)]
    for one in moment.expected:
        drawn = bar(one.probability, room)
        hit = one.character == moment.character
        lines.append(
            Content.assemble(
                (f" {shown(one.character)}", "bold reverse" if hit else "bold"),
                " " * (3 - cell_len(shown(one.character))), (drawn, "$accent"),
                " " * (room - len(drawn)), (f"{_percent(one.probability):>8}", _QUIET),
            )
        )  # fmt: skip
    return Content("\n").join(lines)


def _percent(share: float) -> str:
    """Return a share as a percentage, padded to six cells so that a column of them aligns."""
    return f"{100 * share:4.1f} %" if share >= 0.0005 else "<0.1 %"
