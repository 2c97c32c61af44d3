"""Filmstrip of a run's samples: one line per epoch with its loss and the start of its sample."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.characters import in_a_line
from core.events import EpochCompleted, SampleDrawn

ROWS_FOR_HEADING = 4


def epochs_to_show(epochs: Sequence[int], room: int) -> list[int]:
    """Return which of the epochs to show in at most `room` lines: 0, 1, 2, 4, 8, … and the last.

    An epoch without a sample is replaced by the next one that has a sample. If there are too many for the room, the
    first and the last stay and every second one between them is dropped, until they fit.
    """
    if not epochs or room < 1:
        return []
    wanted, power = [0], 1
    while power < epochs[-1]:
        wanted.append(power)
        power *= 2
    nearest = (min((epoch for epoch in epochs if epoch >= one), default=epochs[-1]) for one in wanted)
    chosen = sorted({*nearest, epochs[-1]})
    while len(chosen) > room:
        between = chosen[1:-1]
        if not between:
            return chosen[-room:]
        chosen = [chosen[0], *(between[1::2] if len(chosen) - room > 1 else between[1:]), chosen[-1]]
    return chosen


class Filmstrip(Static):
    """Shows as many lines as fit its size."""

    DEFAULT_CSS: ClassVar[str] = "Filmstrip { text-wrap: nowrap; }"

    def __init__(self) -> None:
        super().__init__()
        self._samples: Sequence[SampleDrawn] = ()
        self._epochs: Sequence[EpochCompleted] = ()

    def show(self, samples: Sequence[SampleDrawn], epochs: Sequence[EpochCompleted]) -> None:
        """Show these samples, with the losses of these epochs."""
        self._samples, self._epochs = samples, epochs
        self._draw()

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        if width and height:
            self.update(Content("\n").join(self.lines(width, height)), layout=False)

    @property
    def kind(self) -> str:
        """Kind of loss shown for each sample: validation, or train if the run has no validation."""
        return "train" if any(epoch.val_loss is None for epoch in self._epochs) else "validation"

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the lines for an area of width × height cells: a heading if it fits, then one line per epoch."""
        drawn = {sample.epoch: sample for sample in self._samples if not sample.asked}
        losses = {
            epoch.epoch: epoch.train_loss if self.kind == "train" else epoch.val_loss or 0.0 for epoch in self._epochs
        }
        heading = height >= ROWS_FOR_HEADING
        chosen = epochs_to_show(sorted(drawn), height - heading)
        first = max([len("epoch"), *(len(f"{epoch:,}") for epoch in chosen)])
        room = width - first - len(self.kind) - 4
        lines = [Content.styled(f"{'epoch':>{first}}  {self.kind}  sample", "$text-muted")] if heading else []
        for epoch in chosen:
            loss = f"{losses[epoch]:.3f}" if epoch in losses else "–"
            text = _cut(in_a_line(drawn[epoch].text.lstrip("\n")), room)
            number = (f"{epoch:>{first},}  ", "bold")
            lines.append(Content.assemble(number, (f"{loss:>{len(self.kind)}}  ", "$text-accent"), text))
        return lines


def _cut(text: str, columns: int) -> str:
    """Return the beginning of a text that fits into this many columns."""
    return text if cell_len(text) <= columns else set_cell_size(text, max(columns, 0))
