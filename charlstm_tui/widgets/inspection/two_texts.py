"""Two generated texts side by side, from the same seed: without and with silenced cells."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from charlstm_tui.formatting.silencing_content import lines_figures, named
from charlstm_tui.widgets.common.stream_pane import StreamPane

if TYPE_CHECKING:
    from charlstm_tui.jobs.silencing import Grown, TextsBegun

SHOWN_OF_PROMPT = 200
"""Number of characters of the text that are shown before the generated ones."""


class TwoTexts(Horizontal):
    """Shows one pane per text; each frame tells how long the generated lines are."""

    DEFAULT_CSS: ClassVar[str] = "TwoTexts { & > StreamPane { width: 1fr; height: 100%; } }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self.texts = ["", ""]
        """The generated characters, without and with silenced cells."""

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        yield StreamPane(id="without")
        yield StreamPane(id="silenced")

    def begin(self, begun: "TextsBegun", prompt: str, *, layers: int) -> None:
        """Begin two texts that continue a prompt; `layers` is the network's number of layers."""
        self.texts = ["", ""]
        cells = named(begun.cells, layers=layers, most=2)
        names = (
            (f"without silencing · seed {begun.seed}", "without"),
            (f"{cells} set to {begun.clamp.shown} · seed {begun.seed}", "silenced"),
        )
        for pane, versions in zip(self._panes, names, strict=True):
            pane.call(*versions)
            pane.begin(prompt[-SHOWN_OF_PROMPT:])

    def grow(self, grown: Sequence["Grown"]) -> None:
        """Append generated characters to both."""
        for number, pane in enumerate(self._panes):
            more = "".join((one.without, one.silenced)[number] for one in grown)
            if more:
                self.texts[number] += more
                pane.append(more)
        self._tell()

    def focus_text(self) -> None:
        """Give the focus to the first text."""
        self._panes[0].focus()

    def on_resize(self) -> None:
        """Tell the figures in the new width."""
        self.call_after_refresh(self._tell)

    @property
    def _panes(self) -> list[StreamPane]:
        return list(self.query(StreamPane))

    def _tell(self) -> None:
        for pane, text in zip(self._panes, self.texts, strict=True):
            pane.note = lines_figures(text, pane.size.width - 4)
