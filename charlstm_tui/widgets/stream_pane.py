"""A scrolling pane in which text grows character by character.

The text is kept as rows already wrapped to the width. What arrives can change only the last row, so only that one is
wrapped again: appending costs the same after a million characters as after ten.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.text import sanitise

_A_CELL_EACH = re.compile("[ -~\u00a0-\u00ac\u00ae-\u02ff]*")
"""Latin letters, accents included: a hundred times quicker to measure than text that may hold wide characters."""


class Row(NamedTuple):
    """A row of the pane: a stretch of the text, without the space or newline at which it was broken."""

    start: int
    """Where it begins in the text."""
    text: str


def wrap(text: str, start: int, width: int) -> Iterator[Row]:
    r"""Wrap text that begins at `start` in the whole to `width` cells, at spaces where it can, and at every `\n`."""
    for paragraph in text.split("\n"):
        a_cell_each = _A_CELL_EACH.fullmatch(paragraph) is not None
        begin = 0  # of the row
        space = 0  # the last place where it may be broken
        for place, character in enumerate(paragraph):
            if character == " ":
                space = place  # one that does not fit hangs over the edge, unseen
                continue
            while place > begin:
                cells = place + 1 - begin if a_cell_each else cell_len(paragraph[begin : place + 1])
                if cells <= width:
                    break  # else break the row, and look whether what is left fits: "´ a日" takes two breaks
                cut = space if space > begin else place
                while cut > begin + 1 and cell_len(paragraph[cut]) == 0:
                    cut -= 1  # an accent or a joiner stays with its letter
                yield Row(start + begin, paragraph[begin:cut])
                begin = cut + (paragraph[cut] == " ")
        yield Row(start + begin, paragraph[begin:])
        start += len(paragraph) + 1


class StreamPane(ScrollView, can_focus=True):
    """Shows a text that grows. It follows the end until the reader scrolls up, and again once they return to it."""

    DEFAULT_CSS = """
    StreamPane {
        height: 1fr;
        border: round $foreground 30%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        &:focus { border: round $accent; }
        & > .stream-pane--prompt { color: $accent; text-style: bold; }
        & > .stream-pane--hint { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"stream-pane--prompt", "stream-pane--hint"}

    def __init__(self, hint: str = "", *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self.following = True
        self._hint = hint
        self._pieces: list[str] = []
        self._length = 0
        self._prompt_length = 0
        self._rows: list[Row] = []

    @property
    def text(self) -> str:
        """All that was written, safe to show."""
        return "".join(self._pieces)

    def begin(self, prompt: str) -> None:
        """Start a new text with a prompt."""
        self._pieces, self._length, self._rows = [], 0, []
        self.following = True
        self.border_subtitle = ""
        self.append(prompt)
        self._prompt_length = self._length

    def append(self, text: str) -> None:
        """Add to the end of the text."""
        text = sanitise(text).replace("\t", "    ")
        self._pieces.append(text)
        self._length += len(text)
        last = self._rows.pop() if self._rows else Row(0, "")
        self._rows.extend(wrap(last.text + text, last.start, self._width))
        self._show()

    def rewrap(self) -> None:
        """Wrap everything anew, to the width there is now."""
        self._rows = list(wrap(self.text or self._hint, 0, self._width))
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the text to the new width."""
        self.rewrap()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end exactly while the view is at it."""
        super().watch_scroll_y(old_value, new_value)
        self.following = new_value >= self.max_scroll_y
        self.border_subtitle = "" if self.following else "the text goes on below: End"

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        place = round(self.scroll_offset.y) + y
        width = self.scrollable_content_region.width
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[place]
        if not self._length:
            style = self.get_component_rich_style("stream-pane--hint")
            return Strip([Segment(row.text, style)]).adjust_cell_length(width, self.rich_style)
        cut = min(max(self._prompt_length - row.start, 0), len(row.text))
        strip = Strip(
            [
                Segment(row.text[:cut], self.get_component_rich_style("stream-pane--prompt")),
                Segment(row.text[cut:], self.rich_style),
            ]
        )
        return strip.adjust_cell_length(width, self.rich_style)

    @property
    def _width(self) -> int:
        return max(self.scrollable_content_region.width, 1)

    def _show(self) -> None:
        following = self.following
        self.virtual_size = Size(self._width, len(self._rows))
        if following:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)  # before its bar shows
        self.refresh()
