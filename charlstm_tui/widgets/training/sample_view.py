"""Samples of a run: the text generated from the same prompt at the end of each epoch."""

import re
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.characters import with_wide_tabs
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.widgets.common.fitting_text import FittingText
from charlstm_tui.widgets.training.filmstrip import Filmstrip
from core.events import EpochCompleted, SampleDrawn
from core.text import in_one_line, sanitise, shortened, with_escapes

SIDE_BY_SIDE = (110, 8)
"""Minimum columns and rows of the view for showing the sample and the filmstrip side by side."""


class SampleView(Vertical):
    """Shows one sample of a run, the newest unless the user chose an earlier one, and the filmstrip of all samples."""

    DEFAULT_CSS: ClassVar[str] = """
    SampleView {
        & .heading { height: 1; }
        & .which { width: auto; }
        & .prompt { width: 1fr; text-align: right; color: $text-muted; }
        & .texts { height: 1fr; }
        & VerticalScroll { width: 1fr; height: 1fr; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { padding-left: 1; }
        & Filmstrip { display: none; width: 1fr; height: 1fr; }
        &.-side-by-side Filmstrip { display: block; margin-left: 2; }
        &.-filmstrip Filmstrip { display: block; margin-left: 1; }
        &.-filmstrip VerticalScroll { display: none; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._samples: Sequence[SampleDrawn] = ()
        self._epochs: Sequence[EpochCompleted] = ()
        self._chosen: int | None = None
        """Index of the chosen sample; None always shows the newest."""
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Lay out the heading and the text."""
        with Horizontal(classes="heading"):
            yield Static(classes="which")
            yield FittingText(classes="prompt")
        with Horizontal(classes="texts"):
            with VerticalScroll(can_focus=False):
                yield Static(classes="text")
            yield Filmstrip()

    @property
    def shown(self) -> SampleDrawn | None:
        """The sample on screen; None if there is none."""
        if not self._samples:
            return None
        return self._samples[-1 if self._chosen is None else min(self._chosen, len(self._samples) - 1)]

    @property
    def shows_filmstrip(self) -> bool:
        """Whether the filmstrip replaces the sample."""
        return self.has_class("-filmstrip")

    def show(self, samples: Sequence[SampleDrawn], epochs: Sequence[EpochCompleted] = ()) -> None:
        """Show the newest of these samples, or the chosen one; the filmstrip adds the losses of the epochs."""
        if len(samples) < len(self._samples):  # another run, or old samples were dropped
            self._chosen = None
        self._samples, self._epochs = samples, epochs
        self._draw()

    def step(self, by: int) -> None:
        """Show an earlier or a later sample."""
        self.remove_class("-filmstrip")
        last = len(self._samples) - 1
        place = (last if self._chosen is None else self._chosen) + by
        self._chosen = None if place >= last else max(place, 0)
        self._draw()

    def can_step(self, by: int) -> bool:
        """Return whether there is an earlier (-1) or a later (1) sample to show."""
        last = len(self._samples) - 1
        place = last if self._chosen is None else min(self._chosen, last)
        return last >= 0 and (self.shows_filmstrip or 0 <= place + by <= last)

    def toggle_filmstrip(self) -> None:
        """Switch between the sample and the filmstrip."""
        self.toggle_class("-filmstrip")
        self._draw()

    def on_resize(self) -> None:
        """Choose the layout for the new size; a low view omits empty lines of the sample."""
        columns, rows = SIDE_BY_SIDE
        self.set_class(self.size.width >= columns and self.size.height >= rows, "-side-by-side")
        self._draw()

    def _draw(self) -> None:
        sample, tight = self.shown, self.size.height < 8
        what = (sample, tight, self._chosen, len(self._samples), len(self._epochs), self.shows_filmstrip)
        if what == self._drawn:
            return
        self._drawn = what
        self.query_one(Filmstrip).show(self._samples, self._epochs)
        which, box = self.query_one(".which", Static), self.query_one(".text", Static)
        if sample is None:
            self.query_one(".prompt", FittingText).show("")
            which.update(Content.styled("Sample", "$text-muted"))
            box.update(Content.styled("None yet.", "$text-muted"))
            return
        if self.shows_filmstrip:
            kind = self.query_one(Filmstrip).kind
            which.update(Content.styled(f"Samples, one per epoch, with their {kind} loss", "$text-muted"))
        else:
            which.update(self._heading(sample))
        self._show_prompt(sample)
        prompt, text = (with_wide_tabs(sanitise(part)) for part in (sample.prompt, sample.text))
        if tight:
            prompt, text = (re.sub(r"\n\s*\n", "\n", part) for part in (prompt, text))
        text = text if prompt else text.lstrip("\n")
        box.update(Content.assemble((prompt, "bold $text-accent"), text))
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self.app.post_message(FactsKnown({"run.sample_epoch": float(sample.epoch)}))

    def _heading(self, sample: SampleDrawn) -> Content:
        when = "before the first step" if not sample.total_steps else f"epoch {sample.epoch}"
        if sample.asked:
            when = f"step {sample.total_steps:,}, requested"
        earlier = "◂" if sample is not self._samples[0] else " "
        later = "▸" if sample is not self._samples[-1] else " "
        return Content.assemble(("Sample  ", "$text-muted"), f"{earlier} ", (when, "bold"), f" {later}")

    def _show_prompt(self, sample: SampleDrawn) -> None:
        typed = in_one_line(with_escapes(sample.prompt))
        versions = [f"prompt “{shortened(typed, length)}”" for length in (40, 20)] if typed else ["no prompt"]
        self.query_one(".prompt", FittingText).show(*versions)
