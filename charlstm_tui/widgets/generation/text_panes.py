"""One or three generated texts side by side, and the probabilities of the next character."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.formatting.text_statistics import TextFigures
from charlstm_tui.jobs.generation import Expecting, Written
from charlstm_tui.jobs.job import TRAINING_INTERVAL, LatestJob
from charlstm_tui.jobs.training_words import TrainingWords, words_of_training_text
from charlstm_tui.widgets.common.next_char_bars import NextCharBars
from charlstm_tui.widgets.common.stream_pane import StreamPane

HINT = (
    "Type a prompt below and press Enter: the model continues it.\n"
    "The prompt may be empty. \\n is a new line, as in HARPAGON.\\n\\n\n"
    "Esc, then w: you and the model write a text together."
)


class TextPanes(Horizontal):
    """Shows one pane per text. With three texts, each frame shows the temperature and the figures."""

    DEFAULT_CSS: ClassVar[str] = """
    TextPanes {
        height: 1fr;
        & StreamPane { width: 1fr; height: 100%; }
        & NextCharBars { display: none; }
    }
    """

    def __init__(self, hint: str = HINT, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._hint = hint
        self._prompt = ""
        self._figures: list[TextFigures] = []  # of each of three texts
        self._words_job = LatestJob(self, on_items=self._take_words, on_end=lambda _: None)  # on failure: no figure

    def compose(self) -> ComposeResult:
        """Lay out one pane, with the bars next to it."""
        yield StreamPane(self._hint, id="text")
        yield NextCharBars(id="bars")

    @property
    def panes(self) -> list[StreamPane]:
        """A pane for each text, from left to right."""
        return list(self.query(StreamPane))

    @property
    def text(self) -> str:
        """The generated text; several texts follow each other, each under its temperature."""
        if len(self.panes) == 1:
            return self.panes[0].text
        return "\n\n".join(f"--- {pane.name_of_text} ---\n{pane.text}" for pane in self.panes)

    async def begin(self, prompt: str, temperatures: Sequence[float]) -> None:
        """Begin one text per temperature."""
        self._words_job.drop()
        three = len(temperatures) > 1
        await self._lay_out(temperatures, three=three)
        for pane in self.panes:
            pane.begin(prompt)
        self._prompt = prompt
        self._figures = [TextFigures() for _ in temperatures] if three else []

    async def _lay_out(self, temperatures: Sequence[float], *, three: bool) -> None:
        """Make one pane per text."""
        panes = self.panes
        for pane in panes[len(temperatures) :]:
            await pane.remove()
        for number in range(len(panes), len(temperatures)):
            pane = StreamPane(id=f"text-{number}")
            pane.tinted = panes[0].tinted
            await self.mount(pane, before="#bars")
        self.set_class(three, "-three")
        for pane, temperature in zip(self.panes, temperatures, strict=True):
            pane.border_title = ""
            pane.call(*(f"temperature {temperature:.3g}", f"{temperature:.3g}") if three else ("",))

    def append(self, written: Sequence[Written]) -> None:
        """Append the new characters to each text."""
        texts: list[list[Written]] = [[] for _ in self.panes]
        for one in written:
            texts[one.lane].append(one)
        for pane, parts in zip(self.panes, texts, strict=True):
            if parts:
                pane.append("".join(part.text for part in parts), b"".join(part.levels for part in parts))
        for figures, parts in zip(self._figures, texts, strict=False):
            figures.add("".join(part.text for part in parts), sum(part.surprise for part in parts))
        self._tell_figures()

    def count_known_words(self, path: Path) -> None:
        """Count, from now on, how many words of each text occur in the training text of a checkpoint."""
        read_words = partial(words_of_training_text, path=path)
        self._words_job.start(read_words, name="words", interval=TRAINING_INTERVAL)

    def _take_words(self, items: tuple[object, ...]) -> None:
        for words in items:
            if isinstance(words, TrainingWords):
                for figures in self._figures:
                    figures.know(words.count_in(self._prompt))
                self._tell_figures()

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self._words_job.drop()

    def expect(self, expecting: Expecting) -> None:
        """Show the probabilities of the first text's next character."""
        self.query_one(NextCharBars).show(expecting.alternatives)

    def explain(self, explanation: str) -> None:
        """Show the explanation of a setting in the frame of a single text."""
        if not self.has_class("-three"):
            self.panes[0].border_title = plain_title(explanation)

    def toggle_tint(self) -> None:
        """Switch the tint by surprisal on or off."""
        tinted = not self.panes[0].tinted
        for pane in self.panes:
            pane.tinted = tinted

    def focus_text(self) -> None:
        """Give the focus to the first text."""
        self.panes[0].focus()

    def on_resize(self) -> None:
        """Show the figures again for the present width."""
        self.call_after_refresh(self._tell_figures)

    def _tell_figures(self) -> None:
        """Show in each frame the mean surprisal and the share of words that occur in the training text."""
        panes = self.panes
        room = min(pane.size.width for pane in panes) - 4  # the same words in each frame
        for pane, figures in zip(panes, self._figures, strict=False):
            pane.note = figures.line(room)
