"""Bars for the probabilities of the next character."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.bars import bar
from charlstm_tui.formatting.characters import shown


class NextCharBars(Static):
    """Shows characters and their probabilities, the most probable first, as many as fit."""

    DEFAULT_CSS = """
    NextCharBars { width: 30; height: 1fr; padding: 0 0 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._alternatives: Sequence[tuple[str, float]] = ()

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
        for character, probability in self._alternatives[: max(self.size.height - 2, 0)]:
            name = shown(character)
            drawn = bar(probability, width)
            lines.append(
                Content.assemble(
                    (f" {name}{' ' * (2 - cell_len(name))}", "bold"), (drawn, "$accent"), " " * (width - len(drawn)),
                    (f"{100 * probability:5.1f} %", "$text-muted"),
                )
            )  # fmt: skip
        return Content("\n").join(lines)
