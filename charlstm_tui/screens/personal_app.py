"""What the user, or the terminal, chooses about the app: theme, characters, colours and keys."""

import os
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from textual import on
from textual.binding import Binding
from textual.filter import LineFilter

from charlstm_tui.formatting.key_names import key_in_words
from charlstm_tui.state.app_state import AppState
from charlstm_tui.state.keymap import Action, keymap_path, load_keymap
from charlstm_tui.state.messages import ChangePreferences
from charlstm_tui.state.preferences import Glyphs, load_preferences, save_preferences
from charlstm_tui.terminal.ascii_filter import AsciiFilter
from charlstm_tui.terminal.background import Background
from charlstm_tui.terminal.capabilities import draws_more_than_ascii
from charlstm_tui.terminal.contrast import ContrastFilter, readable_variables
from charlstm_tui.terminal.driver import driver_class
from charlstm_tui.terminal.style_filter import StyleFilter
from charlstm_tui.terminal.width_filter import WidthFilter
from core.errors import UserError

_CONTRAST, _WIDTHS = ContrastFilter(), WidthFilter()


class PersonalApp(AppState):
    """The part of the app that remembers preferences and applies them."""

    def __init__(self, lose_terminal: Callable[[], None], *, glyphs: Glyphs | None, language: str | None) -> None:
        """Apply the preferences; `glyphs` and `language` replace the remembered ones."""
        self._background = Background(lambda light: self.call_later(self._fit_background, light))
        self._fits_background = False  # while the theme is set that fits the terminal's background
        super().__init__(driver_class=driver_class(lose_terminal, self._background))
        remembered = load_preferences()
        if glyphs is not None:
            remembered = msgspec.structs.replace(remembered, glyphs=glyphs)
        if language is not None:
            remembered = msgspec.structs.replace(remembered, language=language)
        self.set_reactive(PersonalApp.preferences, remembered)
        if remembered.theme in self.available_themes:
            self.theme = remembered.theme
        elif self.console.color_system == "standard":
            self.theme = "ansi-dark"  # the terminal's own sixteen colours: those of a theme would be rounded to them
        elif self.console.color_system and not self.no_color and "TEXTUAL_THEME" not in os.environ:
            self._background.wanted = True
        self._ascii = AsciiFilter(enabled=self._draws_ascii)

    @property
    def _draws_ascii(self) -> bool:
        return self.preferences.glyphs == "ascii" or not draws_more_than_ascii()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters that change each line before it is written to the terminal, in order."""
        first = [StyleFilter()] if self.no_color else []
        last = [self._ascii] if self._ascii.enabled else []
        return [*first, *super().get_line_filters(), _CONTRAST, _WIDTHS, *last]

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables, with enough contrast for lines and scrollbars."""
        self.theme_variables = readable_variables(super().get_css_variables())
        return self.theme_variables

    def use_own_keys(self) -> None:
        """Use the keys of the user's file, if there is one. If it has an error, all keys stay as they are."""

        def all_actions() -> list[Action]:
            from charlstm_tui.screens import all_keys  # imports all screens

            return all_keys.all_actions()

        try:
            own = load_keymap(keymap_path(), all_actions)
        except UserError as error:
            self.notify(f"Your keys are not used. {error}", severity="error", timeout=20)
        else:
            self.set_keymap({name: ",".join(keys) for name, keys in own.items()})

    def get_key_display(self, binding: Binding) -> str:
        """Return a key as it is displayed."""
        return key_in_words(binding.key) if binding.id in self._keymap else super().get_key_display(binding)

    @on(ChangePreferences)
    def _change_preferences(self, message: ChangePreferences) -> None:
        self._remember(**message.changes)

    def _remember(self, **changes: object) -> None:
        self.preferences = msgspec.structs.replace(self.preferences, **changes)
        if "glyphs" in changes:
            self._ascii.enabled = self._draws_ascii
            self.refresh(layout=True)
        save_preferences(self.preferences)

    def _fit_background(self, light: bool) -> None:
        """Use the theme for a light or a dark terminal, unless the user has chosen a theme."""
        if self.preferences.theme not in self.available_themes:
            self._fits_background = True
            self.theme = "textual-light" if light else "textual-dark"
            self._fits_background = False

    def _watch_theme(self, theme_name: str) -> None:
        super()._watch_theme(theme_name)
        if self.is_running and theme_name != self.preferences.theme and not self._fits_background:
            # Later, when the new colours are in force: charts read them.
            self.call_next(partial(self._remember, theme=theme_name))
