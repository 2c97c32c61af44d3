"""A dialog for a model whose corpus is not downloaded yet: fetch the corpus, or use the bundled play."""

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from charlstm_tui.formatting.numbers import size_in_bytes
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.screens.dialogs import ARROWS, DIALOG_CSS
from core.data.known_texts import MOLIERE, PLAY

Answer = Literal["fetch", "play"]


class AskForText(FitsWindow, ModalScreen[Answer | None]):
    """Asks which text to evaluate on. Answers "fetch", "play" or None."""

    DEFAULT_CSS: ClassVar[str] = f"AskForText {{ {DIALOG_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "dismiss('fetch')", "Fetch"),
        Binding("p", "dismiss('play')", "Bundled play"),
        Binding("escape", "dismiss(None)", "Back"),
        *ARROWS,
    ]

    def compose(self) -> ComposeResult:
        """Lay out the question and the buttons."""
        with Vertical():
            yield Static(
                Content(
                    f"The model was trained on {MOLIERE.title}, which are not on this machine. They can be fetched "
                    f"({size_in_bytes(MOLIERE.size)}). Or evaluate it on {PLAY.title.partition(',')[0]}, the bundled "
                    "play: another author's text."
                ),
                id="question",
            )
            with Horizontal():
                yield Button("f  Fetch, then evaluate", id="fetch", variant="primary", compact=True)
                yield Button("p  Bundled play", id="play", compact=True)
                yield Button("Esc  Back", id="back", compact=True)

    def on_mount(self) -> None:
        """Set the dialog's title."""
        self.query_one(Vertical).border_title = "the text is missing"

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.dismiss({"fetch": "fetch", "play": "play"}.get(event.button.id or ""))  # type: ignore[arg-type]
