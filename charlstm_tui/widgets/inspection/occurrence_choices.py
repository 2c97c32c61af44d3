"""The choices of the screen "Where else": the part of the text, the threshold, and what is around a place."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Select

from charlstm_tui.widgets.common.text_input import TextInput
from core.data.splits import PARTS, Part

AROUND = [("any", False), ("off", True)]
"""Whether the cells may be on right before and right after a place."""


class OccurrenceChoices(Horizontal):
    """A row of boxes; the screen listens to their messages."""

    def __init__(self, threshold: float, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._threshold = threshold

    def compose(self) -> ComposeResult:
        """Lay out the boxes."""
        yield Label("part")
        yield Select([(part, part) for part in PARTS], value="test", allow_blank=False, compact=True, id="part")
        yield Label("threshold")
        yield TextInput(f"{self._threshold:g}", compact=True, id="threshold", select_on_focus=True)
        yield Label("before, after")
        yield Select(AROUND, value=False, allow_blank=False, compact=True, id="around-it")

    @property
    def part(self) -> Part:
        """The part of the text that is searched."""
        return str(self.query_one("#part", Select).value)  # type: ignore[return-value]

    @property
    def bounded(self) -> bool:
        """Whether the cells must be off right before and right after a place."""
        return bool(self.query_one("#around-it", Select).value)

    def turn_part(self) -> None:
        """Choose the next part."""
        self.query_one("#part", Select).value = PARTS[(PARTS.index(self.part) + 1) % len(PARTS)]

    def turn_around(self) -> None:
        """Choose the other option for what is around a place."""
        self.query_one("#around-it", Select).value = not self.bounded

    def focus_threshold(self) -> None:
        """Focus the box of the threshold."""
        self.query_one("#threshold", Input).focus()
