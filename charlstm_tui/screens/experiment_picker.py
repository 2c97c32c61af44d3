"""The list of experiments: open one, or delete it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from charlstm_tui.formatting.characters import shorten_middle
from charlstm_tui.screens.base import ListScreen
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from core.errors import UserError
from core.experiments.experiment_store import ExperimentStore
from core.text import count_of, in_one_line


class ExperimentPicker(ListScreen[str | None]):
    """Screen that lists the experiments, newest first. It returns the name of the chosen one, or None."""

    DEFAULT_CSS: ClassVar[str] = """
    ExperimentPicker #picker-hint { color: $text-muted; padding: 0 1; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="experiment-list.open"),
        Binding("f1", "app.explain", "Help", key_display="F1", id="app.help"),
        Binding("escape,l", "leave", "Back", key_display="Esc", id="experiment-list.back"),
    ]

    def __init__(self, experiments: ExperimentStore) -> None:
        super().__init__()
        self._experiments = experiments
        self._names: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical():
            yield OptionList(id="experiments")
            yield PlainText(id="picker-hint")
            yield KeyBar()

    def on_mount(self) -> None:
        """Read the experiments' settings; their trials are read when one is opened."""
        names = self.query_one(OptionList)
        names.border_title = "experiments"
        try:
            found = self._experiments.all()
        except UserError as error:
            self.query_one("#picker-hint", PlainText).update(str(error))
            return
        for name in found:
            try:
                experiment = self._experiments.get(name).experiment
            except UserError:
                continue
            self._names.append(name)
            varied = ", ".join(each.shown for each in experiment.varied)
            names.add_option(Option(Content(in_one_line(
                f"{shorten_middle(name, 30):30}  {count_of(experiment.runs, 'run'):>10}  {varied}"
            ))))  # fmt: skip
        if self._names:
            names.highlighted = 0
        hint = "Enter opens an experiment." if self._names else "There is no experiment yet. Esc, then n, sets one up."
        self.query_one("#picker-hint", PlainText).update(hint)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        return bool(self._names) if action == "open" else True

    def action_leave(self) -> None:
        """Close the list without a choice."""
        self.dismiss(None)

    def action_open(self) -> None:
        """Open the experiment under the cursor."""
        place = self.query_one(OptionList).highlighted
        if place is not None and self._names:
            self.dismiss(self._names[place])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the chosen experiment."""
        self.action_open()
