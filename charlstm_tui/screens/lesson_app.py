"""The part of the app that conducts a lesson: it collects the facts, answers the panel, and remembers the progress."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.events import Resize

from charlstm_tui.lessons.collect import facts_of_run, facts_of_runs, facts_of_settings
from charlstm_tui.lessons.derived import characters_to_test
from charlstm_tui.lessons.facts import Value
from charlstm_tui.lessons.languages import words_of
from charlstm_tui.screens.base import ModeScreen, shown_page
from charlstm_tui.screens.lesson_panels import LessonPanels
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
    from charlstm_tui.lessons.lesson import Lesson
    from charlstm_tui.lessons.session import LessonSession

_STAYING = ("next", "skip", "back", "repeat", "answer")
"""What is asked for while the panel keeps the focus."""


def _text_of(config: RunConfig | None) -> tuple[tuple[str, ...], int | None] | None:
    """Return what decides how many characters a run has, as the preview of the text is asked for them."""
    return (config.corpus.sources, config.corpus.limit) if config is not None else None


class LessonApp(PersonalApp):
    """An app in which a lesson can be open, whichever screen is shown."""

    first_lesson: str = ""
    """Number or file of the lesson to open at the start; empty for none."""
    session: "LessonSession | None" = None
    """The lesson in progress; None if there is none."""
    _left: "Lesson | None" = None
    """The lesson that is offered: it was open when the program was left."""
    store: RunStore
    _of_next: Mapping[str, Value] = dict.fromkeys(("next.characters", "next.distinct", "next.parameters"))
    """What was found out about the next run, with its present settings."""

    def __init__(self, lose_terminal: Callable[[], None], *, glyphs: Glyphs | None, language: str | None) -> None:
        super().__init__(lose_terminal, glyphs=glyphs, language=language)
        self.panels = LessonPanels(self)

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

            same = next((one for one in course(self.language) if one.is_same(self.session.lesson)), None)
            if same is not None:
                self.session.translate(same)
                self._show()

    # --- opening and closing

    async def begin_lessons(self) -> None:
        """Open the lesson that was named at the start, or offer the lessons the first time."""
        from charlstm_tui.lessons.course import lesson_named

        if not self.first_lesson:
            await self._offer()
            return
        try:
            await self.open_lesson(lesson_named(self.first_lesson, self.language))
        except UserError as error:
            self.notify(str(error), severity="error", timeout=20)

    async def _offer(self) -> None:
        """Offer, in one line, the lessons at the very first start; later the lesson that was open at the end."""
        from charlstm_tui.lessons.course import course
        from charlstm_tui.lessons.progress import is_first_time, load_progress, save_progress

        progress, words = load_progress(), words_of(self.language)
        key = shown_key(self, "app.lesson", "F7")
        text = ""
        if is_first_time():
            save_progress(msgspec.structs.replace(progress, offered=True))
            text = words.offer.format(key=key)
        elif progress.open:
            self._left = next((one for one in course(self.language) if one.id == progress.open), None)
            if (left := self._left) is not None:
                step, steps = progress.session_of(left).place + 1, len(left.steps)
                text = words.unfinished.format(key=key, title=left.title, step=step, steps=steps)
        if text and isinstance(self.screen, ModeScreen):
            await self.screen.mount(LessonOffer(text), before=self.screen.query_one(KeyBar))

    @on(LessonOffer.Accepted)
    async def _accept(self) -> None:
        await self.action_lesson()

    @on(LessonOffer.Declined)
    def _decline(self) -> None:
        """Remove the line that offers the lessons, or a lesson, and do not offer that again."""
        if self._left is not None:
            self._forget_open()
        self.withdraw_offer()

    def withdraw_offer(self) -> None:
        """Remove the line that offers the lessons, or a lesson."""
        self._left = None
        for screen in self.panels.all_screens():
            if offers := screen.query(LessonOffer):
                offers.remove()
                screen.call_after_refresh(screen.refresh_bindings)  # Esc had removed the line

    async def action_lesson(self) -> None:
        """Open the list of lessons; during a lesson, move the focus to its panel, or back to the screen."""
        if self.session is None:
            await self.open_lesson(self._left) if self._left is not None else self._open_list()
            return
        self.panels.leave() if self.panels.is_used else self.panels.enter()
        self._show()

    def _open_list(self, over: str = "") -> None:
        """Open the list of lessons, under what is said of the lesson that is over."""
        self.withdraw_offer()
        from charlstm_tui.lessons.course import course
        from charlstm_tui.lessons.progress import load_progress
        from charlstm_tui.screens.lesson_list import LessonList

        if not isinstance(self.screen, LessonList):
            self.push_screen(LessonList(course(self.language), load_progress(), self.store, over), self._take_lesson)

    async def _take_lesson(self, lesson: "Lesson | None") -> None:
        if lesson is not None:
            await self.open_lesson(lesson)

    async def open_lesson(self, lesson: "Lesson") -> None:
        """Open a lesson, at the first step that is not done; one that is over, from its beginning."""
        from charlstm_tui.lessons.progress import load_progress

        self.withdraw_offer()
        await self._close_lesson()
        session = self.session = load_progress().session_of(lesson)
        self.has_lesson = True
        run = facts_of_run(self.training)
        if self.training.started is None:
            run |= facts_of_runs(self.store, session.earlier_runs)
        session.learn(facts_of_settings(self.next_run) | run | self._facts_of_next())
        self._save()
        await self._show_on_screen()

    async def _close_lesson(self) -> None:
        self._save()
        if self.session is not None:
            self._forget_open()
        self.session, self.has_lesson = None, False
        await self.panels.remove()

    def _forget_open(self) -> None:
        """Do not offer the open lesson at the next start."""
        from charlstm_tui.lessons.progress import load_progress, save_progress

        save_progress(msgspec.structs.replace(load_progress(), open=""))

    async def _show_on_screen(self) -> None:
        """Show the panel on the present screen."""
        await self.panels.attach(self.screen)
        self.learn({"app.screen": shown_page(self.screen)})

    # --- facts

    def _facts_of_next(self) -> dict[str, Value]:
        """Return what was found out about the next run."""
        found = characters_to_test(self.next_run, self._of_next["next.characters"])
        return {**self._of_next, "next.test_characters": found}

    @on(FactsKnown)
    async def _take_facts(self, message: FactsKnown) -> None:
        self._of_next = {name: message.facts.get(name, value) for name, value in self._of_next.items()}
        if "app.screen" not in message.facts:
            self.learn(message.facts, counting=message.counting)
        elif self.session is not None:
            await self._show_on_screen()

    def learn(self, facts: Mapping[str, Value], *, counting: tuple[str, ...] = ()) -> None:
        """Tell the lesson what is known now."""
        if self.session is None:
            return
        if "next.characters" in facts:
            facts = {**facts, **self._facts_of_next()}
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

    def watch_next_run(self, before: RunConfig | None, config: RunConfig | None) -> None:
        """Tell the lesson of the settings; what was found out about other settings is unknown now."""
        same_text = config is not None and _text_of(before) == _text_of(config)
        self._of_next = {
            name: value if same_text and name == "next.characters" else None for name, value in self._of_next.items()
        }
        if self.session is not None:
            self.learn(facts_of_settings(config) | self._facts_of_next())

    # --- the panel

    def on_resize(self, event: Resize) -> None:
        """Move the panel to the place for the new size."""
        if self.session is not None:
            self.call_after_refresh(self._show)

    def _show(self) -> None:
        if self.session is not None:
            self.panels.show(self.session)

    @on(LessonPanel.Asked)
    async def _do_in_lesson(self, message: LessonPanel.Asked) -> None:
        if (session := self.session) is None:
            return
        words = words_of(session.lesson.language)
        # Enter on a question that is answered rightly leads on.
        what = "next" if message.what == "answer" and session.result.right else message.what
        was_used = self.panels.is_used
        is_last = session.place + 1 == len(session.lesson.steps)
        match what:
            case "next" if not session.result.over:
                self.notify(words.not_yet)
            case "next" if not is_last:
                session.move(1)
                if not session.result.done:  # what is to be done now is on the screen
                    self.panels.leave()
                    was_used = False
            case "skip":
                session.skip()
            case "back":
                session.move(-1)
            case "repeat":
                session.repeat()
            case "answer":
                session.answer(message.choice)
            case "fold":
                self.panels.folded = not self.panels.folded
                if self.panels.folded:  # an answer that is not seen must not be given
                    self.panels.leave()
            case "leave":
                self.panels.leave()
        self._save()
        if what == "close":
            self.panels.leave()
            self.notify(words.closed.format(key=shown_key(self, "app.lesson", "F7")))
            await self._close_lesson()
        elif what == "list":
            self._open_list()
        elif is_last and (what == "skip" or (what == "next" and session.result.over)):
            await self._end_lesson(session)
        else:
            self._show()
            if what in _STAYING and was_used:
                self.panels.enter()

    async def _end_lesson(self, session: "LessonSession") -> None:
        """End the lesson after its last step, or return to the first step that is not done."""
        if not session.is_over:
            session.go_to_first_open()
            self._show()
            return
        self.panels.leave()
        over = words_of(session.lesson.language).over.format(
            title=session.lesson.title,
            right=session.answered,
            at_once=session.answered_at_once,
            asked=session.questions,
        )
        await self._close_lesson()
        self._open_list(over)

    def _save(self) -> None:
        if self.session is not None:
            from charlstm_tui.lessons.progress import load_progress, save_progress

            save_progress(load_progress().having(self.session))
