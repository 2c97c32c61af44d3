"""Form for the text of a run: its name or path, the number of characters, and the split."""

import contextlib
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Select

from charlstm_tui.widgets.common.fitting_text import FittingText
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.text_input import FieldInput
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE, PLAY
from core.data.splits import SPLITS, Split
from core.data.text_files import named
from core.errors import UserError
from core.settings.number_parsing import UnclearNumberError, read_number
from core.text import shortened

SPLIT_MEANS: dict[Split, str] = {
    "tail": "test: the last tenth",
    "interleaved": "test: every 10th block",
    "files": "test: every 10th file",
}
MAX_LIMIT = 10**15
"""More characters than any text has."""


class TextSettings(Vertical):
    """Fields for the text in `SettingsForm`, which styles their lines; also offers to download Molière's plays."""

    DEFAULT_CSS: ClassVar[str] = """
    TextSettings {
        height: auto;
        & #corpus { width: 1fr; }
        & #limit { width: 12; }
        & #split { width: 16; }
        & .line > #split-label { width: auto; margin: 0 1 0 2; }
        & .text-reason { display: none; height: auto; color: $text-error; padding-left: 17; }
        & .text-reason.-shown { display: block; }
        & #more-sources { color: $text-muted; }
    }
    """

    class Changed(Message):
        """Sent when the text or the number of characters has changed."""

    class SplitChanged(Message):
        """Sent when the split has changed."""

    def __init__(self, corpus: CorpusConfig) -> None:
        super().__init__()
        self._begin = corpus
        self._taken = corpus.sources  # the text that was put into the box, with its further sources

    def compose(self) -> ComposeResult:
        """Lay out the fields, each with a hidden line below it for an error."""
        limit = _shown(self._begin.limit)
        with Horizontal(classes="line"):
            yield Label("text")
            yield FieldInput(
                self._begin.source, id="corpus", placeholder="the name or the path of a text", compact=True
            )
        yield PlainText(_others(self._taken), id="more-sources", classes=f"text-reason {_shown_if(self._taken[1:])}")
        yield PlainText(id="text-reason", classes="text-reason")
        yield FetchBar()
        with Horizontal(classes="line"):
            yield Label("characters")
            yield FieldInput(limit, id="limit", placeholder="all of it", compact=True)
            yield Label("split", id="split-label")
            yield Select(
                [(split, split) for split in SPLITS],
                value=self._begin.split, allow_blank=False, compact=True, id="split",
            )  # fmt: skip
            yield FittingText(SPLIT_MEANS[self._begin.split], id="split-means", classes="quiet")
        yield PlainText(id="limit-reason", classes="text-reason")

    @property
    def source(self) -> str:
        """Name or path of the text, as typed."""
        return self.query_one("#corpus", Input).value

    @property
    def sources(self) -> tuple[str, ...]:
        """The text, as typed, and the further files and folders of one that was taken with them."""
        return self._taken if self.source == self._taken[0] else (self.source,)

    @property
    def split(self) -> Split:
        """The chosen split."""
        return self.query_one("#split", Select).value  # type: ignore[return-value]

    @property
    def limit(self) -> int | None:
        """Number of characters to take from the start of the text; None for all.

        Raises:
            UserError: the typed value is not a valid number of characters.
        """
        typed = self.query_one("#limit", Input).value.strip()
        if not typed:
            return None
        limit = 0
        try:
            limit = read_number(typed, int)
        except UnclearNumberError as error:
            raise UserError(f"characters: {error}") from None
        except UserError:
            pass
        if not 1 <= limit < MAX_LIMIT:
            raise UserError(
                f"characters must be a whole number from 1, or empty for the whole text, not {shortened(typed)}."
            )
        return limit

    @property
    def limit_or_none(self) -> int | None:
        """Number of characters to take; None for all, and also if the typed value is not valid."""
        with contextlib.suppress(UserError):
            return self.limit
        return None

    @property
    def limit_reason(self) -> str:
        """Error in the number of characters; empty if it is valid."""
        try:
            _ = self.limit
        except UserError as error:
            return str(error)
        return ""

    def show(self, corpus: CorpusConfig) -> None:
        """Put another text, limit and split into the fields."""
        self.take_text(*corpus.sources)
        self.query_one("#limit", Input).value = _shown(corpus.limit)
        with self.prevent(Select.Changed):
            self.query_one("#split", Select).value = corpus.split
        self.query_one("#split-means", FittingText).show(SPLIT_MEANS[corpus.split])

    def take_text(self, source: str, *more: str) -> None:
        """Put a text's name or path into the box, and show further ones below it."""
        self._taken = (source, *more)
        self.query_one("#corpus", Input).value = source
        self._show_others()

    def _show_others(self) -> None:
        line = self.query_one("#more-sources", PlainText)
        line.update(_others(self.sources))
        line.set_class(len(self.sources) > 1, "-shown")

    def complain_about_text(self, reason: str) -> None:
        """Show an error below the text's box; an empty reason removes it."""
        self._complain("#text-reason", reason)

    def _complain(self, selector: str, reason: str) -> None:
        line = self.query_one(selector, PlainText)
        line.update(reason)
        line.set_class(bool(reason), "-shown")

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        event.stop()
        self._complain("#limit-reason", self.limit_reason)
        if event.input.id == "corpus":
            self.complain_about_text("")
            self._show_others()
        self.post_message(self.Changed())

    @on(Select.Changed)
    def _explain_split(self, event: Select.Changed) -> None:
        event.stop()
        self.query_one("#split-means", FittingText).show(SPLIT_MEANS[self.split])
        self.post_message(self.SplitChanged())

    @on(FetchBar.Changed)
    def _take_moliere(self) -> None:
        """Choose Molière's plays after the download, unless another text was chosen."""
        if MOLIERE.here and self.source == PLAY.name:
            self.take_text(MOLIERE.name)


def _others(sources: tuple[str, ...]) -> str:
    """Return a sentence about the further sources of a text; empty if there are none."""
    others = [shortened(Path(source).name or source, 30) for source in sources[1:]]
    return f"and {named(others, len(others))}; another text in the box replaces all" if others else ""


def _shown_if(shown: object) -> str:
    return "-shown" if shown else ""


def _shown(limit: int | None) -> str:
    return str(limit) if limit else ""
