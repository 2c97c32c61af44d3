"""How many more epochs a finished run is to have, and what that does to its learning rate."""

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
    """Asks for a number of epochs, and answers with how many the run is to have in all; None leaves it as it is."""

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
        """Lay out the box."""
        with Vertical():
            yield Static(
                Content(f"It had {count_of(self._done, 'epoch')}. How many more? Enter resumes it, Esc does not."),
                id="question",
            )
            yield TextInput(str(max(self._done // 2, 1)), compact=True, select_on_focus=True)
            yield PlainText(id="consequence")
        yield KeyBar()

    def on_mount(self) -> None:
        """Say what it is about."""
        self.query_one(Vertical).border_title = plain_title(f"more epochs for {self._name}")
        self._tell()

    @on(Input.Changed)
    def _tell(self) -> None:
        """Say what these epochs would do, or what is wrong with what was typed."""
        said = self.query_one("#consequence", PlainText)
        try:
            text, trouble = self.consequence(self._more()), False
        except UserError as error:
            text, trouble = str(error), True
        said.update(text)
        said.set_class(trouble, "-trouble")

    def consequence(self, more: int) -> str:
        """Return what so many more epochs mean for the learning rate."""
        training, total = self._training, self._done + more
        text = f"With {more:,} more it will have had {total:,}. "
        if training.seconds:
            return f"{text}The schedule of the learning rate, which went by time, then goes by these epochs."
        from core.training.schedule import rate_share

        before = 100 * rate_share(min(self._done / training.epochs, 1.0), training)
        begins, ends = (100 * rate_share(progress, training) for progress in (self._done / total, 1.0))
        if before == begins == ends:
            return f"{text}The learning rate stays as it is: it is constant."
        text += (
            f"The schedule of the learning rate is stretched over all of them: the rate, last at {before:.2g} % of its "
            f"full size, continues at {begins:.2g} % and falls to {ends:.2g} %."
        )
        return f"{text} The loss may rise at first." if begins > before else text

    def action_submit(self) -> None:
        """Answer, if what was typed will do."""
        try:
            more = self._more()
        except UserError:
            return  # it is said beneath the box
        self.dismiss(self._done + more)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def _more(self) -> int:
        """Return what was typed.

        Raises:
            UserError: it is no number of epochs.
        """
        more = int(_EPOCHS.parse(self.query_one(Input).value))
        _EPOCHS.check(self._done + more)
        return more


def with_epochs(training: TrainingConfig, epochs: int) -> TrainingConfig:
    """Return the settings of a run that is resumed to have so many epochs in all, also where it went by time."""
    return structs.replace(training, epochs=epochs, seconds=0.0)
