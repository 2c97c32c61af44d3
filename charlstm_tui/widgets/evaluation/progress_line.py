"""The progress of an evaluation."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import ProgressBar

from charlstm_tui.widgets.common.plain_text import PlainText


class ProgressLine(Horizontal):
    """A progress bar and the name of the present stage."""

    def compose(self) -> ComposeResult:
        """Lay out the bar and the words."""
        yield ProgressBar(show_eta=False)
        yield PlainText(id="doing")

    def begin(self) -> None:
        """Show that nothing is known yet."""
        self.query_one(PlainText).update("")
        self.query_one(ProgressBar).update(total=None, progress=0)

    def show(self, doing: str, done: float | None) -> None:
        """Show what is done, and its share, 0 to 1; None where that is not known."""
        self.query_one(PlainText).update(doing)
        self.query_one(ProgressBar).update(
            total=None if done is None else 100, progress=0 if done is None else 100 * done
        )
