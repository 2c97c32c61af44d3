"""Bars for the probabilities of the next character."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import shown

TITLE_ROWS = 2
"""Number of rows above the first bar."""


class NextCharBars(Static):
    """Shows characters and their probabilities, the most probable first, as many as fit."""

    DEFAULT_CSS = """
    NextCharBars { width: 30; height: 1fr; padding: 0 0 0 2; }
    """

    chosen: reactive[int | None] = reactive(None)
    """Index of the character that is marked as chosen; None if there is nothing to choose."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._alternatives: Sequence[tuple[str, float]] = ()

    @property
    def count(self) -> int:
        """Number of characters that are shown."""
        return min(len(self._alternatives), max(self.size.height - TITLE_ROWS, 0))

    def show(self, alternatives: Sequence[tuple[str, float]]) -> None:
        """Show these characters and probabilities; none before a text has begun."""
        self._alternatives = alternatives
        self.refresh()

    def render(self) -> Content:
        """Return the title and the bars."""
        title = Content.styled("next character", "$text-muted")
        if not self._alternatives:
            return title
        width = max(self.size.width - 12, 4)
        lines = [title, Content("")]
        for place, (character, probability) in enumerate(self._alternatives[: self.count]):
            name = shown(character)
            drawn = bar(probability, width)
            lines.append(
                Content.assemble(
                    ("▸" if place == self.chosen else " ", "$accent"),
                    (f"{name}{' ' * (2 - cell_len(name))}", "bold reverse" if place == self.chosen else "bold"),
                    (drawn, "$accent"), " " * (width - len(drawn)),
                    (f"{100 * probability:5.1f} %", "$text-muted"),
                )
            )  # fmt: skip
        return Content("\n").join(lines)
