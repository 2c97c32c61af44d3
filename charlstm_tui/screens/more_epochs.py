"""A dialog that asks how many more epochs to train a finished run, and shows the effect on its learning rate."""

from typing import ClassVar

from msgspec import structs
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.screens.dialogs import DIALOG_CSS
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.text_input import TextInput
from core.errors import UserError
from core.settings.config import TrainingConfig, fields_of
from core.text import count_of

_EPOCHS = next(field for field in fields_of(TrainingConfig) if field.name == "epochs")


class AskMoreEpochs(FitsWindow, ModalScreen[int | None]):
    """Asks for a number of additional epochs. Answers with the total number of epochs, or None for no change."""

    DEFAULT_CSS: ClassVar[str] = f"""
    AskMoreEpochs {{
        {DIALOG_CSS}
        & #consequence {{ height: auto; margin-top: 1; color: $text-muted; }}
        & #consequence.-trouble {{ color: $text-error; }}
    }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Train on", show=True, key_display="Enter"),
        Binding("escape", "dismiss(None)", "Back", key_display="Esc"),
    ]

    def __init__(self, name: str, training: TrainingConfig, done: int) -> None:
        super().__init__()
        self._name = name
        self._training = training
        self._done = done

    def compose(self) -> ComposeResult:
        """Lay out the question, the input and the consequence."""
        with Vertical():
            yield Static(
                Content(f"Trained for {count_of(self._done, 'epoch')}. How many more? Enter resumes, Esc cancels."),
                id="question",
            )
            yield TextInput(str(max(self._done // 2, 1)), compact=True, select_on_focus=True)
            yield PlainText(id="consequence")
        yield KeyBar()

    def on_mount(self) -> None:
        """Set the dialog's title and show the consequence of the proposed number."""
        self.query_one(Vertical).border_title = plain_title(f"more epochs for {self._name}")
        self._show_consequence()

    @on(Input.Changed)
    def _show_consequence(self) -> None:
        """Show what the typed number of epochs does to the learning rate, or why the number is invalid."""
        line = self.query_one("#consequence", PlainText)
        try:
            text, trouble = self.consequence(self._more()), False
        except UserError as error:
            text, trouble = str(error), True
        line.update(text)
        line.set_class(trouble, "-trouble")

    def consequence(self, more: int) -> str:
        """Return a sentence on how this number of additional epochs changes the learning rate schedule."""
        training, total = self._training, self._done + more
        text = f"With {more:,} more, the total is {total:,}. "
        if training.seconds:
            return f"{text}The learning rate schedule followed time; now it follows these epochs."
        from core.training.schedule import rate_share

        before = 100 * rate_share(min(self._done / training.epochs, 1.0), training)
        begins, ends = (100 * rate_share(progress, training) for progress in (self._done / total, 1.0))
        if before == begins == ends:
            return f"{text}The learning rate is constant and does not change."
        text += (
            f"The learning rate schedule is stretched over all epochs: the rate, last at {before:.2g} % of its "
            f"maximum, continues at {begins:.2g} % and falls to {ends:.2g} %."
        )
        return f"{text} The loss may rise at first." if begins > before else text

    def action_submit(self) -> None:
        """Close the dialog with the total number of epochs, if the typed number is valid."""
        try:
            more = self._more()
        except UserError:
            return  # the reason is already shown below the input
        self.dismiss(self._done + more)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def _more(self) -> int:
        """Return the typed number of additional epochs.

        Raises:
            UserError: the text is not a valid number of epochs.
        """
        more = int(_EPOCHS.parse(self.query_one(Input).value))
        _EPOCHS.check(self._done + more)
        return more


def with_epochs(training: TrainingConfig, epochs: int) -> TrainingConfig:
    """Return the training settings for `epochs` epochs in total; a limit in seconds is removed."""
    return structs.replace(training, epochs=epochs, seconds=0.0)
