"""The help dialog (F1): explains what a screen shows, each number in a sentence, and lists all its keys."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Markdown

from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.keys import Key
from charlstm_tui.widgets.common.key_bar import KeyBar

PAGES = Path(__file__).parent.parent / "help"


class HelpScreen(FitsWindow, ModalScreen[None]):
    """Shows the help page of one mode and the keys that are available there."""

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
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss", "Back", key_display="Esc")]

    def __init__(self, mode: str, keys: list[Key]) -> None:
        super().__init__()
        self._mode = mode
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay out the page and the lists of keys."""
        here, everywhere = (
            "\n".join(f"- `{key.shown}`  {key.does}" for key in self._keys if key.of_screen is of_screen)
            for of_screen in (True, False)
        )
        keys = f"{here}\n\n## Keys of every screen\n\n{everywhere}\n- `^p`  Palette: these keys by name, and themes"
        with VerticalScroll():
            yield Markdown(f"{self._page}\n\n## Keys of this screen\n\n{keys}\n", open_links=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Focus the page, so that the arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()

    @property
    def _page(self) -> str:
        return (PAGES / f"{self._mode}.md").read_text(encoding="utf-8")
