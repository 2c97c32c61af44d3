"""A scrolling pane for a text that grows character by character.

The text is stored as rows that are already wrapped to the width. New text can change only the last row, so only that
row is wrapped again: appending costs the same after a million characters as after ten.
"""

from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Offset, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from charlstm_tui.formatting.characters import WIDE_TAB, drawn, fitting, with_wide_tabs
from charlstm_tui.formatting.surprisal import CSS, PERSON, legend
from charlstm_tui.widgets.common.wrapping import Row, wrap
from core.text import sanitise

MARK = "underlined: yours"
"""Note of a pane in which characters of a person are underlined."""


class StreamPane(ScrollView, can_focus=True):
    """Shows a text that grows. It follows the end, except while the user has scrolled up from it."""

    DEFAULT_CSS = f"""
    StreamPane {{
        height: 1fr;
        border: round $foreground 30%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        &:focus {{ border: round $accent; }}
        & > .stream-pane--prompt {{ color: $accent; text-style: bold; }}
        & > .stream-pane--hint {{ color: $text-muted; }}
        & > .stream-pane--person {{ color: $accent; text-style: underline; }}
        {CSS}
        &:ansi {{  /* sixteen colours, which cannot be blended, and whose brightness is unknown */
            & > .stream-pane--1 {{ color: ansi_yellow; background: ansi_default; }}
            & > .stream-pane--2 {{ color: ansi_black; background: ansi_yellow; }}
            & > .stream-pane--3, & > .stream-pane--4 {{ color: ansi_black; background: ansi_red; }}
        }}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"stream-pane--{name}" for name in ("prompt", "hint", "person", 0, 1, 2, 3, 4)),
    }  # fmt: skip

    note: reactive[str] = reactive("", init=False)
    """The note about the text in the frame."""
    tinted: reactive[bool] = reactive(False)
    """Whether each character is tinted by its surprisal; if not, those of a person are underlined."""
    has_caret: reactive[bool] = reactive(False)
    """Whether the place where the next character will be is marked."""

    def __init__(self, hint: str = "", *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self.following = True
        self.name_of_text = ""
        """Name that distinguishes this pane from the panes next to it; shown in the frame if it fits."""
        self._short_name = ""
        self._hint = hint
        self._begun = False  # until then the hint is shown
        self._pieces: list[str] = []
        self._length = 0
        self._prompt_length = 0
        # Plain tuples: the garbage collector skips them, but visits every Row: 0.05 s at a million characters.
        self._rows: list[tuple[int, str]] = []
        self._levels = bytearray()  # one byte per character
        self._has_marks = False  # whether a person has typed into the text
        self._styles: dict[str, Style] = {}  # looked up once per theme: a row may have eighty pieces
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(96)  # cache of drawn rows

    @property
    def text(self) -> str:
        """The whole text, sanitised."""
        return "".join(self._pieces)

    def call(self, name: str, short: str = "") -> None:
        """Set the name of the text, and a short one for a narrow frame."""
        self.name_of_text, self._short_name = name, short
        self._show_name()

    def _show_name(self) -> None:
        if self.name_of_text:
            self.border_title = fitting(self.size.width - 4, self.name_of_text, self._short_name)

    def begin(self, prompt: str) -> None:
        """Start a new text with a prompt."""
        self._pieces, self._length, self._rows, self._levels, self._has_marks = [], 0, [], bytearray(), False
        self._strips.clear()
        self._begun = True
        self.following = True
        self.note = ""
        self.border_subtitle = ""
        self.append(prompt)
        self._prompt_length = self._length

    def replace_prompt(self, prompt: str) -> None:
        """Put another prompt in place of the present one; the text after it stays."""
        text, place = self.text, self._prompt_length
        if with_wide_tabs(sanitise(prompt)) != text[:place]:
            levels = bytes(self._levels[place:])
            self.begin(prompt)
            self.append(text[place:], levels)

    def append(self, text: str, levels: bytes | None = None) -> None:
        """Append to the text; `levels` are its characters' surprisal levels (0 to 4), with `PERSON` if typed."""
        text = sanitise(text)
        levels = levels or bytes(len(text))
        if "\t" in text:
            counts = [len(WIDE_TAB) if character == "\t" else 1 for character in text]
            levels = b"".join(levels[place : place + 1] * count for place, count in enumerate(counts))
            text = with_wide_tabs(text)
        self._pieces.append(text)
        self._levels += levels
        self._length += len(text)
        if not self._has_marks and max(levels, default=0) >= PERSON:
            self._has_marks = True
            self._tell()
        before = len(self._rows)
        start, begun = self._rows.pop() if self._rows else (0, "")
        self._rows.extend((row.start, row.text) for row in wrap(begun + drawn(text), start, self._width))
        if len(self._rows) == before > 0:
            self.refresh_lines(before - 1 - round(self.scroll_offset.y))  # only the last row: thirty times less to draw
        else:
            self._show()

    def take_back(self, text: str) -> None:
        """Remove the end of the text, which was appended as `text`."""
        removed = len(with_wide_tabs(text))
        whole = self.text
        self._length = max(self._length - removed, 0)
        whole = whole[: self._length]
        self._pieces = [whole]
        del self._levels[self._length :]
        self._prompt_length = min(self._prompt_length, self._length)
        begin = whole.rfind("\n") + 1  # the last paragraph is wrapped again: a shorter word may fit into the row above
        while self._rows and self._rows[-1][0] >= begin:
            self._rows.pop()
        self._rows.extend((row.start, row.text) for row in wrap(drawn(whole[begin:]), begin, self._width))
        self._has_marks = max(self._levels, default=0) >= PERSON
        self._strips.clear()
        self._show()
        self._tell()

    def rewrap(self) -> None:
        """Wrap the whole text again, to the present width."""
        text = drawn(self.text) if self._begun else self._hint
        self._rows = [(row.start, row.text) for row in wrap(text, 0, self._width)]
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the text to the new width."""
        self.rewrap()
        self._show_name()
        self._tell()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end if the view is at the end."""
        super().watch_scroll_y(old_value, new_value)
        self.following = new_value >= self.max_scroll_y
        self._tell()

    def watch_tinted(self) -> None:
        """Show the legend of the tint."""
        self._tell()

    def watch_note(self) -> None:
        """Show the note about the text."""
        self._tell()

    def _tell(self) -> None:
        note = self.note if self.following else "the text continues below: End"
        marks = legend(self.size.width - 6).markup if self.tinted else MARK if self._has_marks else ""
        self.border_subtitle = note or marks

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        place = round(self.scroll_offset.y) + y
        width = self.scrollable_content_region.width
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = Row(*self._rows[place])
        if not self._begun:
            style = self._style("hint")
            return Strip([Segment(row.text, style)]).adjust_cell_length(width, self.rich_style)
        span = self.text_selection.get_span(place) if self.text_selection is not None else None
        key = (place, row, width, self.tinted, span, self._prompt_length, self.rich_style)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(place, row, width, span)
        if self.has_caret and place == len(self._rows) - 1:
            strip = with_caret(strip, min(cell_len(row.text), width - 1))
        return strip

    def _draw(self, place: int, row: Row, width: int, span: tuple[int, int] | None) -> Strip:
        cut = min(max(self._prompt_length - row.start, 0), len(row.text))
        segments = [Segment(row.text[:cut], self._style("prompt"))]
        begin = cut
        for level, run in groupby(self._levels[row.start + cut : row.start + len(row.text)]):
            end = begin + len(list(run))
            segments.append(Segment(row.text[begin:end], self._style_of(level)))
            begin = end
        strip = Strip(segments)
        if span is not None:
            strip = selected(strip, span, self.screen.get_component_rich_style("screen--selection"))
        return strip.adjust_cell_length(width, self.rich_style).apply_offsets(0, place)

    def _style_of(self, level: int) -> Style:
        if self.tinted:
            return self._style(str(level % PERSON))
        return self._style("person") if level >= PERSON else self.rich_style

    def notify_style_update(self) -> None:
        """Discard the cached styles and rows when the theme changes."""
        self._styles.clear()
        self._strips.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"stream-pane--{name}")
        return self._styles[name]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text without the line breaks of the wrapping."""
        start = 0 if selection.start is None else self._place_of(selection.start)
        end = self._length if selection.end is None else self._place_of(selection.end)
        return self.text[start:end], "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Redraw with the selection."""
        self.refresh()

    def _place_of(self, offset: Offset) -> int:
        """Return the index of the character in a cell of the pane."""
        if offset.y >= len(self._rows):
            return self._length
        row = Row(*self._rows[max(offset.y, 0)])
        cells = 0
        for place, character in enumerate(row.text):
            if cells >= offset.x:
                return row.start + place
            cells += cell_len(character)
        return row.start + len(row.text)

    @property
    def _width(self) -> int:
        return max(self.scrollable_content_region.width, 1)

    def _show(self) -> None:
        following = self.following
        self.virtual_size = Size(self._width, len(self._rows))
        if following:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)  # before its bar appears
            self.vertical_scrollbar.position = self.scroll_y  # Textual omits this if the bar was hidden
        self.refresh()


def with_caret(strip: Strip, cell: int) -> Strip:
    """Return a strip with one cell in reverse, where the next character will be."""
    before, under, after = strip.divide([cell, cell + 1, max(strip.cell_length, cell + 1)])
    return Strip.join([before, Strip(Segment.apply_style(under, post_style=Style(reverse=True)), 1), after])


def selected(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """Return a strip with the cells from `span[0]` up to `span[1]` (-1: to the end) shown as selected."""
    start, end = span[0], strip.cell_length if span[1] == -1 else min(span[1], strip.cell_length)
    if start >= end:
        return strip
    before, inside, after = strip.divide([start, end, strip.cell_length])[:3] if end < strip.cell_length else (
        *strip.divide([start, end])[:2], Strip([])
    )  # fmt: skip
    ground = Style(bgcolor=style.bgcolor)  # only the background changes; the text keeps its colour
    shown = Strip(Segment.apply_style(inside, post_style=ground), inside.cell_length)
    return Strip.join([before, shown, after])
