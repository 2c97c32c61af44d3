"""Dialog that adds epochs to a finished run and shows the effect on the learning rate."""

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
    """Dialog that asks for more epochs. It returns the run's total number of epochs, or None if cancelled."""

    DEFAULT_CSS: ClassVar[str] = f"""
    AskMoreEpochs {{
        {DIALOG_CSS}
        & #consequence {{ height: auto; margin-top: 1; color: $text-muted; }}
        & #consequence.-trouble {{ color: $text-error; }}
    }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Train on", show=True, key_display="Enter", id="epochs.train"),
        Binding("escape", "dismiss(None)", "Back", key_display="Esc", id="epochs.back"),
    ]

    def __init__(self, name: str, training: TrainingConfig, done: int) -> None:
        super().__init__()
        self._name = name
        self._training = training
        self._done = done

    def compose(self) -> ComposeResult:
        """Lay out the input box."""
        with Vertical():
            yield Static(
                Content(f"The run has {count_of(self._done, 'epoch')}. How many more? Enter resumes it, Esc cancels."),
                id="question",
            )
            yield TextInput(str(max(self._done // 2, 1)), compact=True, select_on_focus=True)
            yield PlainText(id="consequence")
        yield KeyBar()

    def on_mount(self) -> None:
        """Set the title."""
        self.query_one(Vertical).border_title = plain_title(f"more epochs for {self._name}")
        self._tell()

    @on(Input.Changed)
    def _tell(self) -> None:
        """Show the effect of these epochs, or the error in the input."""
        said = self.query_one("#consequence", PlainText)
        try:
            text, trouble = self.consequence(self._more()), False
        except UserError as error:
            text, trouble = str(error), True
        said.update(text)
        said.set_class(trouble, "-trouble")

    def consequence(self, more: int) -> str:
        """Return the effect of `more` additional epochs on the learning rate."""
        training, total = self._training, self._done + more
        text = f"With {more:,} more it will have {total:,}. "
        if training.seconds:
            return f"{text}The learning rate schedule, which followed the time, then follows the epochs."
        from core.training.schedule import rate_share

        before = 100 * rate_share(min(self._done / training.epochs, 1.0), training)
        begins, ends = (100 * rate_share(progress, training) for progress in (self._done / total, 1.0))
        if before == begins == ends:
            return f"{text}The learning rate stays the same: it is constant."
        text += (
            f"The learning rate schedule is stretched over all of them: the rate, last at {before:.2g} % of its "
            f"maximum, continues at {begins:.2g} % and falls to {ends:.2g} %."
        )
        return f"{text} The loss may rise at first." if begins > before else text

    def action_submit(self) -> None:
        """Close the dialog with the total number of epochs, if the input is valid."""
        try:
            more = self._more()
        except UserError:
            return  # the error is shown below the box
        self.dismiss(self._done + more)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def _more(self) -> int:
        """Return the number of additional epochs.

        Raises:
            UserError: the input is not a valid number of epochs.
        """
        more = int(_EPOCHS.parse(self.query_one(Input).value))
        _EPOCHS.check(self._done + more)
        return more


def with_epochs(training: TrainingConfig, epochs: int) -> TrainingConfig:
    """Return the settings of a resumed run with this total number of epochs and without a time limit."""
    return structs.replace(training, epochs=epochs, seconds=0.0)
