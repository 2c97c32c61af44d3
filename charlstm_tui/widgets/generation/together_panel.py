"""Writing together: the panel next to the text, with the choices for the next character and the figures.

While it has the focus, it takes every character that is typed. The other keys are bindings of the screen, so that the
footer, the help and the palette name them.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from charlstm_tui.jobs.generation import Writer, Written
from charlstm_tui.jobs.job import WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.jobs.writing_together import AuthorFigures, Begun, Offered, TakenBack, WritingTogether
from charlstm_tui.state.job_events import Doing, Prompted
from charlstm_tui.widgets.common.next_char_bars import TITLE_ROWS, NextCharBars
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.generation.text_panes import TextPanes

_CHOOSE = Binding.Group("Choose", compact=True)

KEYS: list[BindingType] = [
    Binding("escape", "together('escape')", "Leave", key_display="Esc", id="together.leave"),
    Binding("right", "together('take')", "Take", key_display="→", id="together.take"),
    Binding("up", "together('up')", "Choice above", key_display="↑", group=_CHOOSE, id="together.choice-above"),
    Binding("down", "together('down')", "Choice below", key_display="↓", group=_CHOOSE, id="together.choice-below"),
    Binding("tab", "together('model')", "Model writes a line", key_display="Tab", id="together.model"),
    Binding("backspace", "together('back')", "Take back", key_display="⌫", id="together.take-back"),
    Binding("enter", "together('newline')", "Type a new line", show=False, id="together.newline"),
    Binding("pageup", "together('pageup')", "Scroll the text up", show=False, id="together.page-up"),
    Binding("pagedown", "together('pagedown')", "Scroll the text down", show=False, id="together.page-down"),
]
"""Keys of the screen while the person and the model write together.

Tab is a key of every keyboard, which each terminal and browser passes on: Ctrl+W closes a browser's window, and the
function keys need a second key on many laptops.
"""
TITLE = "writing together"


class TogetherPanel(Vertical, can_focus=True):
    """Shows the choices and the figures, and has the job of writing together."""

    DEFAULT_CSS: ClassVar[str] = """
    TogetherPanel {
        width: 30; height: 1fr; padding: 0 0 0 1;
        & NextCharBars { width: 100%; padding: 0; }
        & PlainText { width: 100%; height: auto; }
        & PlainText { padding: 0 0 0 1; }
        & #together-figures { margin-top: 1; }
        & #together-doing { color: $accent; display: none; margin-top: 1; }
        &.-doing #together-doing { display: block; }
    }
    """

    class Left(Message):
        """The person has left the mode. `error` is empty unless the job failed."""

        def __init__(self, error: str) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._job = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._together: WritingTogether | None = None
        self._panes: TextPanes | None = None

    def compose(self) -> ComposeResult:
        """Lay out the choices and the figures."""
        yield NextCharBars(id="choices")
        yield PlainText(id="together-doing")
        yield PlainText(id="together-figures")

    def on_unmount(self) -> None:
        """Stop the job."""
        self._job.drop()

    @property
    def is_active(self) -> bool:
        """Whether the person and the model are writing together."""
        return self._job.running

    def begin(self, writer: Writer, panes: TextPanes) -> None:
        """Begin to write the text of a writer, which is shown in these panes."""
        self._together, self._panes = WritingTogether(writer), panes
        self._bars.show(())
        self._bars.chosen = 0
        self._tell(AuthorFigures(0, None), AuthorFigures(0, None))
        self._say("loading")
        pane = panes.panes[0]
        pane.tinted, pane.has_caret, pane.can_focus = False, True, False
        pane.border_title = TITLE
        self._job.start(self._together.work, name="together", interval=WRITING_INTERVAL)
        self.focus()

    def leave(self) -> None:
        """Leave the mode at once."""
        self._job.stop()

    def do(self, what: str) -> None:
        """Do what a key of `KEYS` asks for."""
        if self._together is None or self._panes is None:
            return
        pane, bars = self._panes.panes[0], self._bars
        match what:
            case "up" | "down":
                bars.chosen = ((bars.chosen or 0) + (1 if what == "down" else -1)) % max(bars.count, 1)
                return
            case "pageup" | "pagedown":
                page = max(pane.scrollable_content_region.height, 1) * (1 if what == "pagedown" else -1)
                pane.scroll_to(y=pane.scroll_y + page, animate=False, immediate=True, force=True)
                return
            case "escape":
                self._together.escape()
                return
            case "take":
                self._together.take(bars.chosen or 0)
            case "model":
                self._together.let_model_write()
            case "back":
                self._together.take_back()
            case "newline":
                self._together.type("\n")
        self._go_to_end()

    # --- characters

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Take every character that can be typed, so that letters and digits are no keys."""
        return character is not None and character.isprintable()

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character is not None:
            event.stop()
            event.prevent_default()
            self._type(event.character)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._type(event.text)

    def on_click(self, event: events.Click) -> None:
        """Take the choice under the mouse."""
        place = event.screen_y - self._bars.content_region.y - TITLE_ROWS
        if event.widget is self._bars and 0 <= place < self._bars.count:
            self._bars.chosen = place
            self.do("take")

    def _type(self, text: str) -> None:
        if self._together is not None and text:
            self._together.type(text)
            self._go_to_end()

    def _go_to_end(self) -> None:
        """Show the end of the text, which is changed now, and choose the most likely character."""
        self._bars.chosen = 0
        if self._panes is not None and not self._panes.panes[0].following:
            self._panes.panes[0].scroll_end(animate=False, immediate=True)

    # --- the job

    def _follow(self, items: Sequence[object]) -> None:
        if self._panes is None:
            return
        pane = self._panes.panes[0]
        for item in items:
            match item:
                case Doing(what=what):
                    self._say(what)
                case Prompted(notice=notice) if notice:
                    self.notify(notice)
                case Begun(prompt=prompt):
                    pane.replace_prompt(prompt)  # it may have had characters that the model does not know
                case Written():
                    pane.append(item.text, item.levels)
                case TakenBack(text=text):
                    pane.take_back(text)
                case Offered():
                    self._say("the model writes: any key stops it" if item.model_writes else "")
                    self._bars.show(item.choices)
                    self._bars.chosen = None if item.model_writes else self._bars.chosen or 0
                    self._tell(item.person, item.model)

    def _end(self, ending: Ending) -> None:
        self._together = None
        if self._panes is not None:
            pane = self._panes.panes[0]
            pane.has_caret, pane.can_focus = False, True
            pane.border_title = ""
        self.post_message(self.Left(ending.error))

    @property
    def _bars(self) -> NextCharBars:
        return self.query_one(NextCharBars)

    def _say(self, what: str) -> None:
        self.query_one("#together-doing", PlainText).update(what)
        self.set_class(bool(what), "-doing")

    def _tell(self, person: AuthorFigures, model: AuthorFigures) -> None:
        """Show how many characters each author has written, and how surprising they are to the model."""
        rows = [Content.styled("mean surprisal, nats/char", "$text-muted")]
        for name, figures in (("you", person), ("model", model)):
            mean = "–" if figures.surprise is None else f"{figures.surprise:.2f}"
            rows.append(Content(f"{name:<7}{mean:>5}{f'{figures.characters:,} char.':>15}"))
        self.query_one("#together-figures", PlainText).update(Content("\n").join(rows))
