"""Progress of an evaluation."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import ProgressBar

from charlstm_tui.widgets.common.plain_text import PlainText


class ProgressLine(Horizontal):
    """A progress bar with the current step in words."""

    def compose(self) -> ComposeResult:
        """Lay out the bar and the words."""
        yield ProgressBar(show_eta=False)
        yield PlainText(id="doing")

    def begin(self) -> None:
        """Show an indeterminate bar without words."""
        self.query_one(PlainText).update("")
        self.query_one(ProgressBar).update(total=None, progress=0)

    def show(self, doing: str, done: float | None) -> None:
        """Show the current step and its progress, between 0 and 1; None if the progress is unknown."""
        self.query_one(PlainText).update(doing)
        self.query_one(ProgressBar).update(
            total=None if done is None else 100, progress=0 if done is None else 100 * done
        )
