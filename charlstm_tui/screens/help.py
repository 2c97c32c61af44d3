"""F1: the help page of a screen and the list of its keys."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from charlstm_tui.lessons.languages import words_of
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.keys import Key
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.unbroken_markdown import UnbrokenMarkdown

PAGES = Path(__file__).parent.parent / "help"


class HelpScreen(FitsWindow, ModalScreen[None]):
    """Screen that shows the help page of a mode, or of a screen that has one of its own, and the keys."""

    DEFAULT_CSS: ClassVar[str] = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 100%; max-width: 110; height: 100%; padding: 1 2; background: $background;
            scrollbar-size-vertical: 1;
        }
        & > VerticalScroll:focus { background-tint: $foreground 0%; }
        & Markdown { padding: 0; background: $background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Back", key_display="Esc", id="help.back")
    ]

    def __init__(self, page: str, keys: list[Key], language: str = "en") -> None:
        """Set it up for a page of `PAGES`, by its name without the suffix, in a language."""
        super().__init__()
        self._language = language
        self._name_of_page = page
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay out the help page."""
        here, everywhere = (
            "\n".join(f"- `{key.shown}`  {key.does}" for key in self._keys if key.of_screen is of_screen)
            for of_screen in (True, False)
        )
        words = words_of(self._language)
        keys = f"## {words.keys_here}\n\n{here}\n\n## {words.keys_everywhere}\n\n{everywhere}\n- `^p`  {words.palette}"
        with VerticalScroll():
            yield UnbrokenMarkdown(f"{self._page}\n\n{keys}\n", open_links=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Focus the page, so that the arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()

    @property
    def _page(self) -> str:
        folder = PAGES if self._language == "en" else PAGES / self._language
        return (folder / f"{self._name_of_page}.md").read_text(encoding="utf-8")
