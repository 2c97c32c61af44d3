"""The panel of a lesson: what to do now and why, whether it was done, and the question on what came out."""

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from charlstm_tui.formatting.lesson_text import marked, wrapped
from charlstm_tui.lessons.languages import Words, words_of
from charlstm_tui.state.modes import DEFAULT_KEYS, MODES

if TYPE_CHECKING:
    from charlstm_tui.lessons.session import LessonSession

WIDTH = 42
"""Columns of the panel at the side."""
HEIGHT = 10
"""Rows of the panel at the bottom, unfolded."""
FOLDED = 2
"""Rows of the panel at the bottom, folded."""
BARS = 3
"""Rows of the lines at the top and at the bottom of the window."""
SIDE_FROM = 100
"""Columns of the window from which the panel is at the side."""


class Answers(OptionList):
    """The answers to a question. Keys that would leap among so few of them scroll the panel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "scroll_panel(1)", "Scroll down", show=False, id="lesson.scroll-down"),
        Binding("pageup", "scroll_panel(-1)", "Scroll up", show=False, id="lesson.scroll-up"),
    ]

    def action_scroll_panel(self, by: int) -> None:
        """Scroll the panel by half of its height."""
        self.query_ancestor(LessonPanel).action_scroll(by)


class LessonPanel(Vertical, can_focus=True):
    """Shows a step of a lesson. It asks the app, by `Asked`, for what its keys do."""

    DEFAULT_CSS: ClassVar[str] = """
    LessonPanel {
        dock: right; width: 42; margin: 2 0 1 0; padding: 0 1; background: $surface;
        border-left: outer $foreground 20%;
        &:focus-within { border-left: outer $accent; }
        & #lesson-title { height: auto; text-style: bold; color: $accent; }
        & VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
        & #lesson-say { height: auto; margin-top: 1; }
        & #lesson-state { height: auto; margin-top: 1; }
        & #lesson-ask { height: auto; margin-top: 1; text-style: bold; }
        & OptionList { height: auto; background: $surface; border: none; padding: 0; }
        & OptionList:focus { border: none; background-tint: $foreground 0%; }
        & #lesson-why { height: auto; }
        & #lesson-keys { height: auto; color: $text-muted; }
        &.-bottom {
            dock: bottom; width: 100%; height: 10; margin: 0 0 1 0; border-left: none;
            border-top: solid $foreground 20%;
            &:focus-within { border-top: solid $accent; }
            & #lesson-say, & #lesson-state, & #lesson-ask { margin-top: 0; }
        }
        &.-folded { height: 2; & VerticalScroll, & #lesson-keys { display: none; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "ask('next')", "Next step", id="lesson.next"),
        Binding("n", "ask('skip')", "Skip", tooltip="go to the next step without doing this one", id="lesson.skip"),
        Binding("b", "ask('back')", "Back", id="lesson.back"),
        Binding("r", "ask('repeat')", "Repeat", id="lesson.repeat"),
        Binding("f", "ask('fold')", "Fold", id="lesson.fold"),
        Binding("l", "ask('list')", "Lessons", id="lesson.list"),
        Binding("x", "ask('close')", "End lesson", id="lesson.close"),
        Binding("escape", "ask('leave')", "To the screen", key_display="Esc", id="lesson.leave"),
        Binding("pagedown", "scroll(1)", "Scroll down", show=False, id="lesson.scroll-down"),
        Binding("pageup", "scroll(-1)", "Scroll up", show=False, id="lesson.scroll-up"),
    ]

    PASSED_BY_TAB = True
    """The panel has a key of its own, and Tab leads through the fields of the screen only."""

    class Asked(Message):
        """A key or a click asks for something: next, skip, back, repeat, fold, list, close, leave or answer."""

        def __init__(self, what: str, choice: int = -1) -> None:
            super().__init__()
            self.what = what
            self.choice = choice
            """The chosen answer, from 0, where `what` is answer."""

    def __init__(self) -> None:
        super().__init__(id="lesson")
        self._hints = Content(""), Content("")  # which keys there are, from outside and from inside
        self._asked: object = None  # the question whose choices are listed
        self._seen: tuple[object, ...] | None = None  # the step and its result on screen, and whether it has the focus

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield Static(id="lesson-title")
        with VerticalScroll(can_focus=False):
            yield Static(id="lesson-say")
            yield Static(id="lesson-state")
            yield Static(id="lesson-ask")
            yield Answers(id="lesson-choices", compact=True)
            yield Static(id="lesson-why")
        yield Static(id="lesson-keys")

    @property
    def is_used(self) -> bool:
        """Whether the panel, or a part of it, has the focus."""
        focused = self.screen.focused
        return focused is not None and self in focused.ancestors_with_self

    def action_scroll(self, by: int) -> None:
        """Scroll the text by half of its height."""
        scroll = self.query_one(VerticalScroll)
        scroll.scroll_relative(y=by * max(scroll.size.height // 2, 1), animate=False)

    def action_ask(self, what: str) -> None:
        """Ask the app for what a key does."""
        self.post_message(self.Asked(what))

    @on(OptionList.OptionSelected)
    def _answer(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Asked("answer", event.option_index))

    def on_mount(self) -> None:
        """Keep Tab within the panel while it has the focus."""
        self.trap_focus()

    def place(self, width: int, height: int, *, folded: bool) -> None:
        """Stand at the side of a window of this size if it is wide, otherwise, or folded, at its bottom."""
        self.set_class(width < SIDE_FROM or folded, "-bottom")
        self.set_class(folded, "-folded")
        self.styles.height = None if self.has_class("-bottom") else max(height - BARS, 1)

    @property
    def takes(self) -> tuple[int, int]:
        """Columns and rows of the window that the panel takes."""
        if not self.has_class("-bottom"):
            return WIDTH, 0
        return 0, FOLDED if self.has_class("-folded") else HEIGHT

    def show(self, session: "LessonSession", key: str) -> None:
        """Show the current step; `key` is the key that leads to this panel."""
        lesson, step, result = session.lesson, session.step, session.result
        number = f"{lesson.number} · " if lesson.number else ""
        place = f"{session.place + 1}/{len(lesson.steps)}"
        unfolds = (" · ", (key, "bold")) if self.has_class("-folded") else ()
        self._write("title", Content.assemble(f"{number}{lesson.title} · {place}", *unfolds))
        self._write("say", marked(session.shown(step.say)))
        words = words_of(lesson.language)
        self._write("state", _state(session, words))
        question = step.question
        asks = session.asks
        choices = self.query_one(OptionList)
        choices.display = asks
        self._write("ask", marked(session.shown(question.ask)) if question is not None and asks else Content(""))
        if (question, asks) != self._asked and question is not None and asks:
            choices.clear_options()
            choices.add_options(
                Option(wrapped(Content(f"· {session.shown(choice.text)}"), self._columns))
                for choice in question.choices
            )
            choices.highlighted = 0
            self.call_after_refresh(choices.refresh, layout=True)  # its height was computed while it was hidden
        self._asked = (question, asks)
        why = Content("")
        if question is not None and asks and result.answers:
            chosen = question.choices[result.answers[-1]]
            mark = ("✓ ", "bold $text-success") if result.right else ("✗ ", "bold $text-error")
            why = Content.assemble(mark, marked(session.shown(chosen.why)))
        self._write("why", why)
        # Inside, the line at the bottom of the window has the keys, except those of the list of answers.
        is_open = asks and not result.right
        inside = words.how_to_answer if is_open else words.how_to_continue if result.over else ""
        leads = words.leads_here_below if self.has_class("-bottom") else words.leads_here
        self._hints = marked(leads.format(key=key)), marked(inside)
        self._show_hint()
        if (step, result, asks, self.is_used) != self._seen:  # facts arrive all the time, and must not scroll it
            is_new = self._seen is None or self._seen[0] != step
            self._seen = (step, result, asks, self.is_used)
            self.call_after_refresh(self._scroll, answered=bool(why.plain), is_new=is_new)
        if asks and self.has_focus:
            choices.focus()

    @on(events.Focus)
    @on(events.Blur)
    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _show_hint(self) -> None:
        """Show which keys there are, from outside and from inside."""
        self._write("keys", self._hints[self.is_used])

    def _scroll(self, *, answered: bool, is_new: bool) -> None:
        """Show the beginning of a step that is new here; then the explanation of an answer, or the question."""
        scroll = self.query_one(VerticalScroll)
        if is_new:
            scroll.scroll_home(animate=False)
        elif answered:
            scroll.scroll_end(animate=False)
        elif self.query_one("#lesson-ask").display:
            scroll.scroll_to_widget(self.query_one("#lesson-ask"), top=True, animate=False)
        else:
            scroll.scroll_home(animate=False)

    def go_to_question(self) -> None:
        """Focus the choices if a question is asked, otherwise the panel."""
        choices = self.query_one(OptionList)
        (choices if choices.display else self).focus()

    @property
    def _columns(self) -> int:
        """Columns of a line of text: those of the panel without its frame, its padding and a scrollbar."""
        return (self.app.size.width if self.has_class("-bottom") else WIDTH - 1) - 3

    def _write(self, part: str, content: Content) -> None:
        widget = self.query_one(f"#lesson-{part}", Static)
        widget.update(wrapped(content, self._columns))
        widget.display = bool(content.plain)


def _state(session: "LessonSession", words: Words) -> Content:
    if session.result.done:
        return Content.assemble(("✓ ", "bold $text-success"), words.done)
    where = session.step.screen
    elsewhere = (
        f" · {DEFAULT_KEYS[where]} {MODES[where]}" if where in MODES and where != session.known("app.screen") else ""
    )
    return Content.styled((words.skipped if session.result.skipped else words.not_done) + elsewhere, "$text-muted")
