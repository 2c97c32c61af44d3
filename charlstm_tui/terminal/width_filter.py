"""A filter that makes emoji and other sequences as wide in every terminal as Textual lays them out."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from charlstm_tui.formatting.characters import settled


class WidthFilter(LineFilter):
    """Simplifies sequences whose width depends on the terminal, and pads them to the width that Textual assumes."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line with a fixed width in every terminal."""
        return [
            segment if segment.text.isascii() else Segment(settled(segment.text), segment.style, segment.control)
            for segment in segments
        ]
