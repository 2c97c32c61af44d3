"""The list of lessons: what each is about, how long it takes, and how far one has come."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from charlstm_tui.formatting.versions import version_line
from charlstm_tui.lessons.languages import words_of
from charlstm_tui.lessons.lesson import Lesson
from charlstm_tui.lessons.progress import Progress
from charlstm_tui.lessons.report import report_page
from charlstm_tui.screens.base import ListScreen, save_file
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from core.runs.store import RunStore


class LessonList(ListScreen[Lesson | None]):
    """Screen that lists the lessons. It returns the chosen one, or None."""

    DEFAULT_CSS: ClassVar[str] = """
    LessonList {
        & #lesson-goal { padding: 0 1; height: auto; min-height: 3; }
        & #lesson-over { padding: 1 1 0 1; height: auto; color: $text-success; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="lesson-list.open"),
        Binding("s", "save", "Save report", id="lesson-list.save"),
        Binding("escape,f7", "dismiss(None)", "Back", key_display="Esc", id="lesson-list.back"),
    ]

    def __init__(self, lessons: Sequence[Lesson], progress: Progress, store: RunStore, over: str = "") -> None:
        super().__init__()
        self._store = store
        self._over = over
        self._lessons = lessons
        self._words = words_of(lessons[0].language if lessons else "en")
        self._progress = progress

    def compose(self) -> ComposeResult:
        """Lay out the list and the goal of the lesson under the cursor."""
        with Vertical():
            if self._over:
                yield PlainText(self._over, id="lesson-over")
            yield OptionList(*(Option(self._line(lesson)) for lesson in self._lessons), id="lessons")
            yield Static(id="lesson-goal")
            yield KeyBar()

    def on_mount(self) -> None:
        """Highlight the lesson that was begun, or the first one after those that are over."""
        lessons = self.query_one(OptionList)
        lessons.border_title = self._words.lessons
        done = [self._progress.steps_over(lesson) for lesson in self._lessons]
        begun = [number for number, lesson in enumerate(self._lessons) if 0 < done[number] < len(lesson.steps)]
        over = [number for number, lesson in enumerate(self._lessons) if done[number] == len(lesson.steps)]
        following = (over[-1] + 1) % len(self._lessons) if over else 0
        if self._lessons:
            lessons.highlighted = begun[-1] if begun else following

    def _line(self, lesson: Lesson) -> Content:
        done, steps = self._progress.steps_over(lesson), len(lesson.steps)
        mark = "✓" if done == steps else "◐" if done else "·"
        far = self._words.steps_over.format(done=done, steps=steps) if 0 < done < steps else ""
        return Content(f"{mark} {lesson.number} {lesson.title:42}{lesson.minutes:3} min  {far}")

    def action_save(self) -> None:
        """Ask for a file and save the report page on the lessons to it."""
        self.app.push_screen(AskFile("lesson-report.md", title="save the report on the lessons: .md"), self._save)

    def _save(self, name: str | None) -> None:
        if name is not None:
            save_file(self, name, self._page)

    def _page(self) -> bytes:
        return report_page(self._progress, self._lessons, self._store, version_line()).encode("utf-8", "replace")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to save a report once a lesson was opened."""
        return bool(self._progress.lessons) if action == "save" else True

    @on(OptionList.OptionHighlighted)
    def _show_goal(self, event: OptionList.OptionHighlighted) -> None:
        lesson = self._lessons[event.option_index]
        self.query_one("#lesson-goal", Static).update(Content.assemble((f"{lesson.title}. ", "bold"), lesson.goal))

    @on(OptionList.OptionSelected)
    def action_open(self) -> None:
        """Open the lesson under the cursor."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self.dismiss(self._lessons[place])
