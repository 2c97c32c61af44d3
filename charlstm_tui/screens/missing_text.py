"""Dialog for a model whose text is not downloaded: fetch it, or evaluate on the bundled play."""

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
    """Dialog that asks which text to evaluate on."""

    DEFAULT_CSS: ClassVar[str] = f"AskForText {{ {DIALOG_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "dismiss('fetch')", "Fetch", id="missing-text.fetch"),
        Binding("p", "dismiss('play')", "Bundled play", id="missing-text.play"),
        Binding("escape", "dismiss(None)", "Back", id="missing-text.back"),
        *ARROWS,
    ]

    def compose(self) -> ComposeResult:
        """Lay out the question and the buttons."""
        with Vertical():
            yield Static(
                Content(
                    f"The model was trained on {MOLIERE.title}, which are not on this computer. Fetch them "
                    f"({size_in_bytes(MOLIERE.size)}), or evaluate the model on {PLAY.title.partition(',')[0]}, "
                    "the bundled play, by another author."
                ),
                id="question",
            )
            with Horizontal():
                yield Button("f  Fetch, then evaluate", id="fetch", variant="primary", compact=True)
                yield Button("p  Bundled play", id="play", compact=True)
                yield Button("Esc  Back", id="back", compact=True)

    def on_mount(self) -> None:
        """Set the title."""
        self.query_one(Vertical).border_title = "the text is missing"

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.dismiss({"fetch": "fetch", "play": "play"}.get(event.button.id or ""))  # type: ignore[arg-type]
