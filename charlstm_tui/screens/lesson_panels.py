"""The panels of a lesson: one on each screen that was shown during it, and what its step points at."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from textual.app import ScreenStackError
from textual.css.query import NoMatches
from textual.screen import Screen

from charlstm_tui.lessons.places import PLACES
from charlstm_tui.lessons.session import LessonSession
from charlstm_tui.screens.base import FitsWindow, shown_page
from charlstm_tui.state.app_state import AppState
from charlstm_tui.state.keys import shown_key
from charlstm_tui.widgets.lessons.lesson_panel import LessonPanel

if TYPE_CHECKING:
    from textual.widget import Widget

POINTED = "-pointed"
"""Class of the widget that a step points at."""


class LessonPanels:
    """Shows a lesson on the screens of an app."""

    def __init__(self, app: AppState) -> None:
        self._app = app
        self._before: WeakKeyDictionary[Screen[Any], Widget | None] = WeakKeyDictionary()
        """By screen: the widget that had the focus before its panel."""
        self.folded = False
        self._pointed: list[Widget] = []
        """What the current step points at, and is highlighted."""
        self._where = "", 0
        """Selector of that, and the screen."""

    @property
    def current(self) -> LessonPanel | None:
        """The panel of the screen that is shown; None if it has none."""
        try:
            return self._app.screen.query_one(LessonPanel)
        except (NoMatches, ScreenStackError):  # no screens: the app is closing
            return None

    @property
    def is_used(self) -> bool:
        """Whether the focus is in the panel."""
        panel = self.current
        return panel is not None and panel.is_used

    async def attach(self, screen: Screen[Any]) -> None:
        """Put a panel on the screen that is shown, unless it has one or takes none."""
        if screen is not self._app.screen or not isinstance(screen, FitsWindow) or not screen.TAKES_LESSONS:
            return
        if not screen.query(LessonPanel):
            await screen.mount(LessonPanel())
        elif self.is_used:  # since this screen was left
            self.leave()

    async def remove(self) -> None:
        """Remove the panels from all screens."""
        self._point_at(None)
        for screen in self.all_screens():
            for panel in screen.query(LessonPanel):
                await panel.remove()
            if isinstance(screen, FitsWindow):
                screen.fit_panel(0, 0)

    def enter(self) -> None:
        """Move the focus to the panel."""
        if (panel := self.current) is not None:
            self.folded = False
            if not panel.is_used:
                self._before[self._app.screen] = self._app.screen.focused
            panel.go_to_question()

    def leave(self) -> None:
        """Give the focus back to the widget of the screen that had it before."""
        screen = self._app.screen
        before = self._before.pop(screen, None)
        takes = before is not None and before.is_attached and before.screen is screen and before.focusable
        screen.set_focus(before if takes else None)

    def show(self, session: LessonSession) -> None:
        """Show the current step in the panel of the screen, and highlight what it points at."""
        panel, screen = self.current, self._app.screen
        if panel is None or not panel.is_mounted:
            return
        panel.place(*self._app.size, folded=self.folded)
        panel.show(session, shown_key(self._app, "app.lesson", "F7"))
        if isinstance(screen, FitsWindow):
            screen.fit_panel(*panel.takes)
        self._point_at(None if session.result.over else session.step.point)

    def _point_at(self, name: str | None) -> None:
        """Highlight the widgets of a place, if it is on the screen that is shown, and no others."""
        place = PLACES.get(name or "")
        selector = place.selector if place is not None and place.screen == shown_page(self._app.screen) else ""
        where = selector, id(self._app.screen)
        if where == self._where and self._pointed and all(widget.is_attached for widget in self._pointed):
            return  # facts arrive all the time, and a search visits each widget
        self._where = where
        for widget in self._pointed:
            widget.remove_class(POINTED)
        self._pointed = list(self._app.screen.query(selector)) if selector else []
        for widget in self._pointed:
            widget.add_class(POINTED)

    def all_screens(self) -> Iterable[Screen[Any]]:
        """Return the screens of all modes, each once."""
        return {id(screen): screen for stack in self._app._screen_stacks.values() for screen in stack}.values()
