"""The part of the app that conducts a lesson: it collects the facts, shows the panel, and remembers the progress."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.app import ScreenStackError
from textual.css.query import NoMatches
from textual.events import Resize
from textual.screen import Screen

from charlstm_tui.lessons.collect import facts_of_run, facts_of_settings
from charlstm_tui.lessons.derived import characters_to_test
from charlstm_tui.lessons.facts import Value
from charlstm_tui.lessons.languages import WORDS, Words
from charlstm_tui.lessons.places import PLACES
from charlstm_tui.screens.base import FitsWindow, ModeScreen
from charlstm_tui.screens.personal_app import PersonalApp
from charlstm_tui.state.keys import shown_key
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.state.preferences import Glyphs
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.lessons.lesson_offer import LessonOffer
from charlstm_tui.widgets.lessons.lesson_panel import LessonPanel
from core.errors import UserError
from core.runs.run import RunConfig
from core.runs.store import RunStore

if TYPE_CHECKING:
    from textual.widget import Widget

    from charlstm_tui.lessons.lesson import Lesson
    from charlstm_tui.lessons.session import LessonSession

_STAYING = ("next", "skip", "back", "repeat", "answer")
"""What is asked for while the panel keeps the focus."""
POINTED = "-pointed"
"""Class of the widget that a step points at."""


class LessonApp(PersonalApp):
    """An app in which a lesson can be open, whichever screen is shown."""

    first_lesson: str = ""
    """Number or file of the lesson to open at the start; empty for none."""
    session: "LessonSession | None" = None
    """The lesson in progress; None if there is none."""
    store: RunStore
    _folded = False
    _characters: Value = None  # number of characters that the next run uses
    _forecast: Mapping[str, Value] = {"next.distinct": None, "next.parameters": None}

    def __init__(self, lose_terminal: Callable[[], None], *, glyphs: Glyphs | None, language: str | None) -> None:
        super().__init__(lose_terminal, glyphs=glyphs, language=language)
        self._before: dict[int, Widget | None] = {}  # by screen: the widget that had the focus before the panel

    @property
    def language(self) -> str:
        """Language of the lessons and the help pages."""
        from charlstm_tui.lessons.languages import language_of_user

        return language_of_user(self.preferences.language)

    def change_language(self, language: str) -> None:
        """Use another language for the lessons and the help pages from now on."""
        self._remember(language=language)
        if self.session is not None:
            from charlstm_tui.lessons.course import course

            same = next((one for one in course(self.language) if one.id == self.session.lesson.id), None)
            if same is not None:
                self.session.translate(same)
                self._show()

    # --- opening and closing

    async def _offer_lessons(self) -> None:
        """Offer the lessons in one line on the screen, the first time that the program is opened."""
        from charlstm_tui.lessons.progress import is_first_time, load_progress, save_progress

        if is_first_time() and isinstance(self.screen, ModeScreen):
            save_progress(msgspec.structs.replace(load_progress(), offered=True))
            offer = LessonOffer(shown_key(self, "app.lesson", "F7"), self.language)
            await self.screen.mount(offer, before=self.screen.query_one(KeyBar))

    @on(LessonOffer.Accepted)
    async def _accept(self) -> None:
        await self.action_lesson()

    def withdraw_offer(self) -> bool:
        """Remove the line that offers the lessons; return whether it was there."""
        offers = [offer for screen in self._all_screens() for offer in screen.query(LessonOffer)]
        for offer in offers:
            offer.remove()
        return bool(offers)

    async def begin_lessons(self) -> None:
        """Open the lesson that was named at the start."""
        if not self.first_lesson:
            await self._offer_lessons()
            return
        from charlstm_tui.lessons.course import lesson_named

        try:
            await self.open_lesson(lesson_named(self.first_lesson, self.language))
        except UserError as error:
            self.notify(str(error), severity="error", timeout=20)

    async def action_lesson(self) -> None:
        """Open the list of lessons; during a lesson, move the focus to its panel, or back to the screen."""
        if self.session is None:
            self._open_list()
        elif (panel := self._panel) is not None:
            if panel.is_used:
                self._leave_panel()
            else:
                self._before[id(self.screen)] = self.screen.focused
                panel.go_to_question()
            self._show()

    def _leave_panel(self) -> None:
        """Give the focus back to the widget of the screen that had it."""
        before = self._before.pop(id(self.screen), None)
        takes = before is not None and before.is_attached and before.screen is self.screen and before.focusable
        self.screen.set_focus(before if takes else None)

    def _open_list(self) -> None:
        self.withdraw_offer()
        from charlstm_tui.lessons.course import course
        from charlstm_tui.lessons.progress import load_progress
        from charlstm_tui.screens.lesson_list import LessonList

        if not isinstance(self.screen, LessonList):
            self.push_screen(LessonList(course(self.language), load_progress(), self.store), self._take_lesson)

    async def _take_lesson(self, lesson: "Lesson | None") -> None:
        if lesson is not None:
            await self.open_lesson(lesson)

    async def open_lesson(self, lesson: "Lesson") -> None:
        """Open a lesson, at the first step that is not done."""
        from charlstm_tui.lessons.progress import load_progress
        from charlstm_tui.lessons.session import LessonSession

        self.withdraw_offer()
        await self._leave_lesson()
        results = load_progress().of(lesson.id)
        over = results and all(step.id in results and results[step.id].over for step in lesson.steps)
        self.session = LessonSession(lesson, None if over else results)
        self.session.learn(facts_of_settings(self.next_run) | facts_of_run(self.training) | self._facts_of_text())
        await self.attach_lesson(self.screen)

    async def _leave_lesson(self) -> None:
        self._save()
        self._point_at(None)
        self.session = None
        for screen in self._all_screens():
            for panel in screen.query(LessonPanel):
                await panel.remove()
            if isinstance(screen, FitsWindow):
                screen.fit_panel(0, 0)

    def _all_screens(self) -> Iterable[Screen[object]]:
        return {id(screen): screen for stack in self._screen_stacks.values() for screen in stack}.values()

    async def attach_lesson(self, screen: Screen[object]) -> None:
        """Show the panel on a screen on which one can work on a lesson."""
        if self.session is None or not isinstance(screen, FitsWindow) or not screen.TAKES_LESSONS:
            return
        if not screen.query(LessonPanel):
            await screen.mount(LessonPanel())
        elif (panel := self._panel) is not None and panel.is_used:  # since this screen was left
            self._leave_panel()
        self.learn({"app.screen": getattr(screen, "HELP_PAGE", None) or self.current_mode} | self._facts_of_runs())
        self._show()

    def _facts_of_runs(self) -> dict[str, Value]:
        """Return the facts on the saved runs that have a checkpoint."""
        cells = []
        with contextlib.suppress(UserError):
            for run in self.store.all():
                if run.checkpoint_path.exists():
                    with contextlib.suppress(UserError):
                        cells.append(run.config().model.cell)
        return {"runs.count": float(len(cells)), "runs.rnn": "rnn" in cells, "runs.lstm": "lstm" in cells}

    # --- facts

    def _facts_of_text(self) -> dict[str, Value]:
        """Return the facts on the text of the next run."""
        found = characters_to_test(self.next_run, self._characters)
        return {"next.characters": self._characters, "next.test_characters": found, **self._forecast}

    @on(FactsKnown)
    def _take_facts(self, message: FactsKnown) -> None:
        self.learn(message.facts, counting=message.counting)
        if "app.screen" in message.facts and self.session is not None:
            self.call_later(self.attach_lesson, self.screen)

    def learn(self, facts: Mapping[str, Value], *, counting: tuple[str, ...] = ()) -> None:
        """Tell the lesson what is known now."""
        if "next.characters" in facts:
            self._characters = facts["next.characters"]
        if self._forecast.keys() <= facts.keys():
            self._forecast = {name: facts[name] for name in self._forecast}
        if self.session is None:
            if "app.screen" in facts and self._panel is not None:
                self.call_later(self._leave_lesson)
            return
        done = self.session.learn(facts)
        done = (self.session.count(counting) if counting else False) or done
        if done:
            self._save()
        self._show()

    def watch_training(self, training: TrainingView) -> None:
        """Tell the lesson of the run."""
        if training.alive:
            self.withdraw_offer()
        if self.session is not None:
            self.learn(facts_of_run(training))

    def watch_next_run(self, config: RunConfig | None) -> None:
        """Tell the lesson of the settings; what was forecast for other settings is unknown now."""
        self._forecast = dict.fromkeys(self._forecast)
        if self.session is not None:
            self.learn(facts_of_settings(config) | self._facts_of_text())

    # --- the panel

    def on_resize(self, event: Resize) -> None:
        """Move the panel to the place for the new size."""
        if self.session is None:
            return
        self.call_after_refresh(self._show)

    @property
    def _panel(self) -> LessonPanel | None:
        try:
            return self.screen.query_one(LessonPanel)
        except (NoMatches, ScreenStackError):  # no screens: the app is closing
            return None

    @on(LessonPanel.Asked)
    async def _do_in_lesson(self, message: LessonPanel.Asked) -> None:
        session = self.session
        if session is None:
            return
        match message.what:
            case "next" | "answer" if message.what == "next" or session.result.right:
                if not session.result.over:
                    self.notify(self._words.not_yet)
                elif session.place + 1 == len(session.lesson.steps):
                    await self._end_lesson(session)
                    return
                else:
                    session.move(1)
                    if not session.result.done:  # what is to be done now is on the screen
                        self._leave_panel()
                        self._save()
                        self._show()
                        return
            case "skip":
                last = session.place + 1 == len(session.lesson.steps)
                session.skip()
                if last:
                    await self._end_lesson(session)
                    return
            case "back":
                session.move(-1)
            case "repeat":
                session.repeat()
            case "answer":
                session.answer(message.choice)
            case "fold":
                self._folded = not self._folded
            case "leave":
                self._leave_panel()
            case "list":
                self._save()
                self._open_list()
            case "close":
                self._leave_panel()
                self.notify(self._words.closed.format(key=shown_key(self, "app.lesson", "F7")))
                await self._leave_lesson()
                return
        self._save()
        self._show()
        if (panel := self._panel) is not None and panel.is_used and message.what in _STAYING:
            panel.go_to_question()

    @property
    def _words(self) -> Words:
        language = self.session.lesson.language if self.session is not None else self.language
        return WORDS.get(language, WORDS["en"])

    async def _end_lesson(self, session: "LessonSession") -> None:
        """End the lesson after its last step, or return to the first step that is not done."""
        if session.is_over:
            self._leave_panel()
            figures = {"title": session.lesson.title, "right": session.answered, "asked": session.questions}
            self.notify(self._words.over.format(**figures))
            await self._leave_lesson()
            self._open_list()
            return
        open_steps = [n for n, step in enumerate(session.lesson.steps) if not session.results[step.id].over]
        session.move(open_steps[0] - session.place)
        self._show()

    def _show(self) -> None:
        """Show the current step in the panel of the screen, and highlight what it points at."""
        panel, session = self._panel, self.session
        if panel is None or session is None or not panel.is_mounted:
            return
        panel.place(*self.size)
        panel.set_class(self._folded, "-folded")
        panel.show(session, shown_key(self, "app.lesson", "F7"))
        if isinstance(self.screen, FitsWindow):
            self.screen.fit_panel(*panel.takes)
        self._point_at(None if session.result.over else session.step.point)

    def _point_at(self, name: str | None) -> None:
        place = PLACES.get(name or "")
        for screen in self._all_screens():
            for widget in screen.query(f".{POINTED}"):
                widget.remove_class(POINTED)
        if place is not None and place.screen == (getattr(self.screen, "HELP_PAGE", None) or self.current_mode):
            for widget in self.screen.query(place.selector):
                widget.add_class(POINTED)

    def _save(self) -> None:
        if self.session is not None:
            from charlstm_tui.lessons.progress import load_progress, save_progress

            save_progress(load_progress().having(self.session))
