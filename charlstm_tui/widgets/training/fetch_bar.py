"""A line that offers to download Molière's plays if they are missing, and shows the progress of the download."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import ProgressBar

from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.jobs import texts
from charlstm_tui.jobs.job import TRAINING_INTERVAL, Ending, LatestJob
from charlstm_tui.widgets.common.fitting_text import FittingText
from core.data.known_texts import MOLIERE

_ABOUT = f"({size_in_bytes(MOLIERE.size)}, {MOLIERE.licence})"
OFFERS = (
    f"f fetches Molière's plays {_ABOUT}; until then, our own play.",
    f"f fetches Molière's plays {_ABOUT}.",
    "f fetches Molière's plays.",
)
"""Versions for windows of different widths, the longest first."""
WHILE_FETCHING = "fetching Molière's plays; f stops it"


class FetchBar(Horizontal):
    """Downloads the plays when `fetch` is called. Sends `Changed` when the download begins and when it ends."""

    class Changed(Message):
        """Sent when the download has begun or ended."""

    DEFAULT_CSS: ClassVar[str] = """
    FetchBar {
        height: 1;
        color: $text-muted;
        & > FittingText { width: 1fr; }
        & > ProgressBar { display: none; width: 1fr; }
        & Bar { width: 1fr; }
        & Bar > .bar--bar, & Bar > .bar--complete { color: $accent; }
        &.-fetching > FittingText { width: auto; min-width: 36; margin-right: 2; }
        &.-fetching > ProgressBar { display: block; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._job = LatestJob(self, on_items=self._follow, on_end=self._end)

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield FittingText(*OFFERS)
        yield ProgressBar(total=1.0, show_eta=False)

    def on_mount(self) -> None:
        """Show the offer unless the plays are downloaded."""
        self._show()

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self.stop()

    @property
    def fetching(self) -> bool:
        """Whether the download is running."""
        return self._job.running

    @property
    def offering(self) -> bool:
        """Whether the plays are missing and not being downloaded."""
        return not self._job.running and not MOLIERE.here

    def fetch(self) -> None:
        """Start the download, if it is offered."""
        if self.offering:
            self._job.start(texts.fetch_moliere, name="fetch", interval=TRAINING_INTERVAL)
            self.query_one(ProgressBar).update(progress=0)
            self._show()

    def stop(self) -> None:
        """Stop the download and discard what was received."""
        self._job.stop()

    def _follow(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, texts.Fetching):
                self.query_one(ProgressBar).update(progress=item.done)

    def _end(self, ending: Ending) -> None:
        if ending.error and not ending.stopped:
            self.app.notify(ending.error, severity="error", timeout=10)
        elif MOLIERE.here:
            self.app.notify(f"{MOLIERE.title} are ready.")
        self._show()

    def _show(self) -> None:
        self.set_class(self.fetching, "-fetching")
        self.query_one(FittingText).show(*((WHILE_FETCHING,) if self.fetching else OFFERS))
        self.display = self.fetching or self.offering
        self.post_message(self.Changed())
