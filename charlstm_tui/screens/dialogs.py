"""Small dialogs: stop the current run, delete a run, rename a run, save to a file."""

from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.text_input import TextInput
from core.errors import UserError
from core.files import here
from core.runs.store import check_name

EndOfRun = Literal["save", "discard", "continue"]

DIALOG_CSS = """
    align: center middle;
    background: $background 60%;
    & > Vertical {
        width: 64; max-width: 100%; height: auto; padding: 1 2;
        border: round $accent; border-title-color: $foreground; border-title-style: bold; background: $background;
    }
    & #question { height: auto; margin-bottom: 1; }
    & Horizontal { height: 1; align-horizontal: left; }
    & Button { margin-right: 2; min-width: 0; }
    &.-tiny > Vertical { padding: 0 1; }
    &.-tiny Horizontal { layout: vertical; height: auto; }
"""
ARROWS = (
    Binding("left", "app.focus_previous", show=False, id="dialog.previous"),
    Binding("right", "app.focus_next", show=False, id="dialog.next"),
)
"""Keys that move the focus between the buttons."""


class AskAboutRun(FitsWindow, ModalScreen[EndOfRun]):
    """Dialog that asks what to do with the current run. It continues meanwhile; the dialog closes when it ends."""

    DEFAULT_CSS: ClassVar[str] = f"AskAboutRun {{ {DIALOG_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "answer('save')", "Stop and save", id="stop-run.save"),
        Binding("d", "answer('discard')", "Discard", id="stop-run.discard"),
        Binding("escape,g", "answer('continue')", "Keep training", id="stop-run.keep"),
        *ARROWS,
    ]

    def __init__(self, title: str, *, then: str) -> None:
        super().__init__()
        self._title = title
        self._then = then

    def compose(self) -> ComposeResult:
        """Lay out the question and the buttons."""
        with Vertical():
            yield Static("A saved run can be resumed later from this step. Discard deletes its folder.", id="question")
            with Horizontal():
                yield Button(f"s  Stop, save{self._then}", id="save", variant="primary", compact=True)
                yield Button("d  Discard", id="discard", variant="error", compact=True)
                yield Button("Esc  Keep training", id="go-on", compact=True)

    def on_mount(self) -> None:
        """Set the title, and watch the run."""
        self.query_one(Vertical).border_title = plain_title(self._title)
        self.watch(self.app, "training", self._see, init=False)

    def _see(self, training: TrainingView) -> None:
        if not training.alive and self.is_active:
            self.dismiss("continue")

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_answer({"save": "save", "discard": "discard"}.get(event.button.id or "", "continue"))  # type: ignore[arg-type]

    def action_answer(self, answer: EndOfRun) -> None:
        """Close the dialog with this answer."""
        self.dismiss(answer)


class AskAboutExperiment(FitsWindow, ModalScreen[bool]):
    """Dialog that asks whether to quit during an experiment."""

    DEFAULT_CSS: ClassVar[str] = f"AskAboutExperiment {{ {DIALOG_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "dismiss(True)", "Stop and leave", id="leave-experiment.stop"),
        Binding("escape,g", "dismiss(False)", "Keep training", id="leave-experiment.keep"),
        *ARROWS,
    ]

    def compose(self) -> ComposeResult:
        """Lay out the question and the buttons."""
        with Vertical():
            yield Static("The runs of the experiment are saved, and it can be resumed later.", id="question")
            with Horizontal():
                yield Button("s  Stop, save and leave", id="stop", variant="primary", compact=True)
                yield Button("Esc  Keep training", id="keep", compact=True)

    def on_mount(self) -> None:
        """Set the title."""
        self.query_one(Vertical).border_title = plain_title("leave during an experiment?")

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "stop")


class Confirm(FitsWindow, ModalScreen[bool]):
    """Dialog that asks for confirmation of an action that cannot be undone."""

    DEFAULT_CSS: ClassVar[str] = f"Confirm {{ {DIALOG_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "dismiss(True)", "Delete", id="delete.delete"),
        Binding("escape", "dismiss(False)", "Keep", id="delete.keep"),
    ]

    def __init__(self, title: str, question: str) -> None:
        super().__init__()
        self._title = title
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out the question and the buttons."""
        with Vertical():
            yield PlainText(self._question, id="question")
            with Horizontal():
                yield Button("Esc  Keep", id="keep", compact=True)
                yield Button("d  Delete", id="delete", variant="error", compact=True)

    def on_mount(self) -> None:
        """Set the title."""
        self.query_one(Vertical).border_title = plain_title(self._title)

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "delete")


class AskName(FitsWindow, ModalScreen[str | None]):
    """Dialog that asks for a run's new name."""

    DEFAULT_CSS: ClassVar[str] = f"AskName {{ {DIALOG_CSS} & #reason {{ height: auto; color: $text-error; }} }}"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", id="name.back")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._old = name

    def compose(self) -> ComposeResult:
        """Lay out the input box."""
        with Vertical():
            yield Static("Letters, digits, dots, dashes, underscores. Enter renames, Esc cancels.", id="question")
            yield TextInput(self._old, compact=True, select_on_focus=True)
            yield PlainText(id="reason")

    def on_mount(self) -> None:
        """Set the title."""
        self.query_one(Vertical).border_title = plain_title(f"rename {self._old}")

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        self.query_one("#reason", PlainText).update(_why_refused(event.value))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        reason = _why_refused(event.value)
        self.query_one("#reason", PlainText).update(reason)
        if not reason:
            self.dismiss(event.value.strip())


def _why_refused(name: str) -> str:
    """Return why a run cannot have this name; empty if it can."""
    try:
        check_name(name.strip())
    except UserError as error:
        return str(error)
    return ""


class AskFile(FitsWindow, ModalScreen[str | None]):
    """Dialog that asks for the file to save to. It proposes a name that does not exist yet."""

    DEFAULT_CSS: ClassVar[str] = f"AskFile {{ {DIALOG_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", id="file.back")]

    def __init__(self, name: str, *, title: str = "save the text") -> None:
        super().__init__()
        self._title = title
        self._proposed, number = Path(name), 2
        while self._proposed.exists():
            self._proposed = Path(name).with_stem(f"{Path(name).stem}-{number}")
            number += 1

    def compose(self) -> ComposeResult:
        """Lay out the input box."""
        with Vertical():
            yield PlainText(f"A file in {here()}, or a path. Enter saves.", id="question")
            yield TextInput(str(self._proposed), compact=True, select_on_focus=True)

    def on_mount(self) -> None:
        """Set the title."""
        self.query_one(Vertical).border_title = plain_title(self._title)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
