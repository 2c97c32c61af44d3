"""A style for every piece of a line: the chart has pieces without, and Textual's NO_COLOR filter trips on them."""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class StyleFilter(LineFilter):
    """Gives pieces that have no style the one that changes nothing. To come before all others."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Change a line."""
        return [
            segment if segment.style is not None else Segment(segment.text, Style.null(), segment.control)
            for segment in segments
        ]
