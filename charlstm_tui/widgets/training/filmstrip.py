"""The samples of a run as a filmstrip: one line per epoch, with its loss."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.characters import in_a_line
from core.events import EpochCompleted, SampleDrawn

ROWS_FOR_HEADING = 4


def epochs_to_show(there: Sequence[int], room: int) -> list[int]:
    """Return which of the epochs to show in so many lines: 0, 1, 2, 4, 8, … and the last.

    Where one of these has no sample, the next that has one stands for it. With less room the first and the last stay,
    and of those between every second one goes.
    """
    if not there or room < 1:
        return []
    wanted, power = [0], 1
    while power < there[-1]:
        wanted.append(power)
        power *= 2
    nearest = (min((epoch for epoch in there if epoch >= one), default=there[-1]) for one in wanted)
    chosen = sorted({*nearest, there[-1]})
    while len(chosen) > room:
        between = chosen[1:-1]
        if not between:
            return chosen[-room:]
        chosen = [chosen[0], *(between[1::2] if len(chosen) - room > 1 else between[1:]), chosen[-1]]
    return chosen


class Filmstrip(Static):
    """Draws as many lines as there is room for."""

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
        """Draw for the room there is now."""
        self._draw()

    def _draw(self) -> None:
        width, height = self.content_size
        if width and height:
            self.update(Content("\n").join(self.lines(width, height)), layout=False)

    @property
    def kind(self) -> str:
        """The kind of loss shown with each sample: validation, or train in a run without validation."""
        return "train" if any(epoch.val_loss is None for epoch in self._epochs) else "validation"

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the lines for so many columns and rows: a heading where there is room, then an epoch each."""
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
    """Return as much of a text as fits: each line shows how a sample begins."""
    return text if cell_len(text) <= columns else set_cell_size(text, max(columns, 0))
