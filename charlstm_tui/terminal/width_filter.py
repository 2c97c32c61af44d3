"""Emoji and other sequences take as many cells as the screens are laid out for, whatever the terminal makes of them."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from charlstm_tui.formatting.characters import settled


class WidthFilter(LineFilter):
    """Draws less of a sequence whose width depends on the terminal, in as many cells as Textual has for it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Change a line."""
        return [
            segment if segment.text.isascii() else Segment(settled(segment.text), segment.style, segment.control)
            for segment in segments
        ]
