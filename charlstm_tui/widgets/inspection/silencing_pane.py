"""The effect of silenced cells in a frame that scrolls."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from charlstm_tui.formatting.characters import fitting
from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.formatting.silencing_content import effect_content, named
from charlstm_tui.widgets.common.plain_text import PlainText
from core.settings.cell_kinds import MEMORY, QUANTITIES
from core.text import count_of

if TYPE_CHECKING:
    from charlstm_tui.jobs.silencing import Subject
    from core.reports.silencing import CellId, Clamp, SilencingEffect

LEAST_WIDTH = 23
"""Least width in columns that the lines are made for."""


class SilencingPane(VerticalScroll):
    """Shows which cells are silenced, and the effect on the text once it is known."""

    DEFAULT_CSS: ClassVar[str] = """
    SilencingPane {
        border: round $foreground 30%; border-title-color: $text-muted; padding: 0 1; scrollbar-size: 1 1;
        scrollbar-gutter: stable;
        &:focus { border: round $accent; background-tint: $foreground 0%; }
        & > PlainText { height: auto; }
    }
    """

    def __init__(self, subject: "Subject", *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._subject = subject
        self._cells: tuple[CellId, ...] = ()
        self._clamp: Clamp | None = None
        self._effect: SilencingEffect | None = None

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        yield PlainText()

    def show(self, cells: tuple["CellId", ...], clamp: "Clamp", effect: "SilencingEffect | None") -> None:
        """Show the effect of these cells; None while it is not known."""
        self._cells, self._clamp, self._effect = cells, clamp, effect
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._clamp is None:
            return
        config, room = self._subject.config, self.size.width - 4
        quantity = next(one.name for one in QUANTITIES[config.cell] if one.symbol == MEMORY[config.cell])
        cells = named(self._cells, layers=config.num_layers)
        what = f"{quantity} of {cells} set to {self._clamp.shown}"
        whole = f"{self._subject.name}, {count_of(len(self._subject.text), 'character')}: {what}"
        versions = [whole, what, f"{cells} set to {self._clamp.shown}", f"{cells} silenced", "silenced cells"]
        self.border_title = plain_title(fitting(room, *versions))
        lines = self.query_one(PlainText)
        if not self._cells:
            lines.update(Content.styled("No cell is silenced.", "$text-muted"))
        elif self._effect is None:
            lines.update("")
        else:
            width = self.scrollable_content_region.width
            lines.update(effect_content(self._effect, self._subject.text, max(width, LEAST_WIDTH)))
