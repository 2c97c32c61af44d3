"""The line of the form that chooses a preset, and says what it is for or which settings differ from it."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Label, Select, Static

from core.settings.presets import ALL_PRESETS, Preset, preset_named
from core.text import joined

MOST_NAMED = 3
"""Maximum number of changed settings that are named."""


class PresetRow(Horizontal):
    """Chooses a preset. Sends `Changed` when the user, or `choose`, has chosen another one."""

    DEFAULT_CSS: ClassVar[str] = """
    PresetRow {
        &.line { height: auto; min-height: 1; }
        & #preset { width: 16; }
        & #purpose { height: auto; }
    }
    """

    class Changed(Message):
        """Another preset was chosen."""

    def __init__(self, preset: Preset) -> None:
        super().__init__(classes="line")
        self._first = preset

    def compose(self) -> ComposeResult:
        """Lay out the label, the box and the sentence."""
        yield Label("preset")
        names = [(name, name) for name in ALL_PRESETS]
        yield Select(names, value=self._first.name, allow_blank=False, compact=True, id="preset")
        yield Static(self._first.purpose, id="purpose", classes="quiet")

    @property
    def preset(self) -> Preset:
        """The chosen preset; until the box exists, the first one."""
        chosen = [box.value for box in self.query(Select) if box.value is not Select.NULL]
        return preset_named(str(chosen[0])) if chosen else self._first

    def choose(self, name: str) -> None:
        """Choose a preset."""
        self.query_one(Select).value = name

    def show(self, name: str) -> None:
        """Show that a preset is chosen, without a message."""
        with self.prevent(Select.Changed):
            self.choose(name)

    def tell_purpose(self, changed: Sequence[str]) -> None:
        """Say what the preset is for or, if settings were changed, which ones."""
        named = changed if len(changed) <= MOST_NAMED else [*changed[: MOST_NAMED - 1], "others"]
        words = f"changed: {joined(named)}" if changed else self.preset.purpose
        self.query_one("#purpose", Static).update(words)

    @on(Select.Changed)
    def _pass_on(self, event: Select.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())
