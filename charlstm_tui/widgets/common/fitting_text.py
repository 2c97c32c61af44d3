"""A line of text that is never cut off, because it has shorter versions for narrow windows."""

from textual.widgets import Static

from charlstm_tui.formatting.characters import fitting
from charlstm_tui.formatting.outside_text import plain


class FittingText(Static):
    """Shows the longest of its versions that fits, and nothing if none fits."""

    DEFAULT_CSS = "FittingText { height: 1; text-wrap: nowrap; }"

    def __init__(self, *versions: str, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._versions = versions
        self._chosen = ""

    def show(self, *versions: str) -> None:
        """Show the first of these versions that fits, given longest first; they may come from outside."""
        self._versions = versions
        self._choose()

    def on_resize(self) -> None:
        """Choose the version for the new width."""
        self._choose()

    def _choose(self) -> None:
        room = self.content_size.width
        if not room:
            return
        chosen = fitting(room, *self._versions)
        if chosen != self._chosen:
            self._chosen = chosen
            self.update(plain(chosen), layout=False)
