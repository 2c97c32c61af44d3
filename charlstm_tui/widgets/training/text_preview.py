"""Preview of the beginning of the chosen text, decoded as a run will read it."""

from functools import partial
from typing import ClassVar

from textual.message import Message

from charlstm_tui.formatting.characters import with_wide_tabs
from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.jobs import texts
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.widgets.common.plain_text import PlainText
from core.data.preview import Preview
from core.text import count_of

_PATIENCE = 0.3
"""Seconds without a change of the source before the text is read."""


class TextPreview(PlainText):
    """Reads the text passed to `consider` in a worker thread; a new text replaces the one before."""

    DEFAULT_CSS: ClassVar[str] = "TextPreview { color: $text-muted; }"

    class Refused(Message):
        """Sent with the reason why the text cannot be read."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Looked(Message):
        """Sent with the number of characters of a text of many files."""

        def __init__(self, characters: int) -> None:
            super().__init__()
            self.characters = characters

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._job = LatestJob(self, on_items=self._show, on_end=self._end)
        self._wanted: tuple[tuple[str, ...], int | None] | None = None
        self._looked_at: tuple[tuple[str, ...], int | None] | None = None

    def consider(self, sources: tuple[str, ...], limit: int | None) -> None:
        """Preview another text after a short delay."""
        self._wanted = (sources, limit)
        self.set_timer(_PATIENCE, partial(self._look, self._wanted))

    def on_mount(self) -> None:
        """Set the title."""
        self.border_title = "the text"

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self._job.drop()

    def _look(self, wanted: tuple[tuple[str, ...], int | None]) -> None:
        if wanted != self._wanted or wanted == self._looked_at:
            return
        self._looked_at = wanted
        sources, limit = wanted
        read = partial(texts.preview_text, source=sources, limit=limit, validation=0.0)
        self._job.start(read, name="text", interval=1 / 20)

    def _show(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, Preview):
                about = "" if item.exact else "about "
                limit = self._wanted[1] if self._wanted is not None else None
                used = float(min(item.characters, limit or item.characters))
                self.app.post_message(FactsKnown({"next.characters": used}))
                files = f"{count_of(len(item.files), 'file')} · " if item.files else ""
                figures = f"{item.name} · {files}{item.encoding} · {about}{item.characters:,} characters"
                if item.files:
                    self.post_message(self.Looked(item.characters))
                self.border_title = plain_title(figures)
                self.update(with_wide_tabs(item.beginning))

    def _end(self, ending: Ending) -> None:
        if ending.error and not ending.stopped:
            self.border_title = "the text"
            self.update("")
            self.post_message(self.Refused(ending.error))
