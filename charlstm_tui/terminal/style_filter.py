"""A filter that gives every segment a style: Textual's NO_COLOR filter fails at segments without, as in the chart."""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class StyleFilter(LineFilter):
    """Gives segments without a style the null style. It must be the first filter."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line with a style in every segment."""
        return [
            segment if segment.style is not None else Segment(segment.text, Style.null(), segment.control)
            for segment in segments
        ]
