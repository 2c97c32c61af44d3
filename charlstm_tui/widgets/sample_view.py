"""What the model wrote at the end of each epoch, from the same prompt: noise that turns into language."""

import re
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core.events import SampleDrawn
from core.text import sanitise, shortened, with_escapes


class SampleView(Vertical):
    """Shows one of a run's samples: the newest, until the reader steps back."""

    DEFAULT_CSS: ClassVar[str] = """
    SampleView {
        & > .heading {
            height: 1;
            & > .which { width: auto; }
            & > .prompt {
                width: 1fr; text-align: right; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
            }
        }
        & > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
        & > VerticalScroll > Static { padding-left: 1; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._samples: Sequence[SampleDrawn] = ()
        self._chosen: int | None = None
        """The place of the sample to show; None follows the newest."""
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Lay out the heading and the text."""
        with Horizontal(classes="heading"):
            yield Static(classes="which")
            yield Static(classes="prompt")
        with VerticalScroll(can_focus=False):
            yield Static(classes="text")

    @property
    def shown(self) -> SampleDrawn | None:
        """The sample that is on screen."""
        if not self._samples:
            return None
        return self._samples[-1 if self._chosen is None else min(self._chosen, len(self._samples) - 1)]

    def show(self, samples: Sequence[SampleDrawn]) -> None:
        """Show the newest of these, or stay at the one the reader went to."""
        if len(samples) < len(self._samples):  # another run, or some were let go
            self._chosen = None
        self._samples = samples
        self._draw()

    def step(self, by: int) -> None:
        """Go to an earlier or a later sample."""
        last = len(self._samples) - 1
        place = (last if self._chosen is None else self._chosen) + by
        self._chosen = None if place >= last else max(place, 0)
        self._draw()

    def on_resize(self) -> None:
        """Leave out empty lines where there is little room."""
        self._draw()

    def _draw(self) -> None:
        sample, tight = self.shown, self.size.height < 8
        what = (sample, tight, self._chosen, len(self._samples))
        if what == self._drawn:
            return
        self._drawn = what
        if sample is None:
            self.query_one(".which", Static).update(Content.styled("What it writes", "$text-muted"))
            self.query_one(".text", Static).update(Content.styled("Nothing yet.", "$text-muted"))
            return
        when = "before the first step" if not sample.total_steps else f"epoch {sample.epoch}"
        if sample.asked:
            when = f"step {sample.total_steps:,}, asked for"
        earlier = "◂" if sample is not self._samples[0] else " "
        later = "▸" if sample is not self._samples[-1] else " "
        self.query_one(".which", Static).update(
            Content.assemble(("What it writes  ", "$text-muted"), f"{earlier} ", (when, "bold"), f" {later}")
        )
        prompt, text = (sanitise(part).replace("\t", "    ") for part in (sample.prompt, sample.text))
        typed = shortened(with_escapes(sample.prompt), 40)
        self.query_one(".prompt", Static).update(Content(f"from “{typed}”" if typed else "from nothing"))
        if tight:
            prompt, text = (re.sub(r"\n\s*\n", "\n", part) for part in (prompt, text))
        text = text if prompt else text.lstrip("\n")
        self.query_one(".text", Static).update(Content.assemble((prompt, "bold $text-accent"), text))
        self.query_one(VerticalScroll).scroll_home(animate=False)
