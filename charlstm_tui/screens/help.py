"""F1: the help page of a screen and the list of its keys."""

import tomllib
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
from charlstm_tui.widgets.common.key_list import KeyList
from charlstm_tui.widgets.common.unbroken_markdown import NO_BREAK, UnbrokenMarkdown

PAGES = Path(__file__).parent.parent / "help"
EVERYWHERE, LISTS = "everywhere", "lists"
"""Sections of the keys of every screen, and of lists, in a language's file of keys; the others are named as the pages.
"""


def keys_in(language: str) -> dict[str, dict[str, str]]:
    """Return what the keys do in a language, by section and by their English description; none for English."""
    path = PAGES / language / "keys.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if language != "en" else {}


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
        self._translations = keys_in(language)
        self._name_of_page = page
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay out the help page."""
        here, everywhere = (
            [(key.shown, self._described(key)) for key in self._keys if key.of_screen is of_screen]
            for of_screen in (True, False)
        )
        words = words_of(self._language)
        with VerticalScroll():
            yield UnbrokenMarkdown(f"{self._page}\n\n## {words.keys_here}\n", open_links=False)
            yield KeyList(here)
            yield UnbrokenMarkdown(f"## {words.keys_everywhere}\n", open_links=False)
            yield KeyList([*everywhere, ("^p", words.palette)])
        yield KeyBar()

    def on_mount(self) -> None:
        """Focus the page, so that the arrow keys scroll it."""
        self.query_one(VerticalScroll).focus()

    def _described(self, key: Key) -> str:
        """Return what a key does; in another language than that of the screens, after its name on them."""
        sections = (self._name_of_page, LISTS) if key.of_screen else (EVERYWHERE,)
        found = [self._translations.get(section, {}).get(key.does) for section in sections]
        translation = next(filter(None, found), None)
        return f"{key.does.partition(':')[0]}{NO_BREAK}: {translation}" if translation else key.does

    @property
    def _page(self) -> str:
        folder = PAGES if self._language == "en" else PAGES / self._language
        return (folder / f"{self._name_of_page}.md").read_text(encoding="utf-8")
