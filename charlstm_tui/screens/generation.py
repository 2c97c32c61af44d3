"""Generate: a prompt, and what the model makes of it, character by character."""

from functools import partial
from typing import Annotated, ClassVar

from msgspec import Meta, Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ItemGrid, Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.screen import Screen
from textual.widgets import Footer, Input, Label, Static

from charlstm_tui import bridge
from charlstm_tui.bridge import Doing, Job, Prompted
from charlstm_tui.widgets.model_select import ModelSelect
from charlstm_tui.widgets.setting_input import SettingInput
from charlstm_tui.widgets.stream_pane import StreamPane
from charlstm_tui.widgets.text_input import TextInput
from charlstm_tui.widgets.top_line import TopLine
from core.config import SamplingConfig, Value, configure, fields_of
from core.errors import UserError
from core.runs import RunStore
from core.text import sanitise

HINT = (
    "Type a beginning below and press Enter: the model goes on from it.\n"
    "Nothing at all will do, too. \\n stands for a new line, as in HARPAGON.\\n\\n"
)


class WritingConfig(Struct, frozen=True, kw_only=True):
    """How a text is shown, beside how it is drawn."""

    length: Annotated[int, Meta(ge=1, le=10_000_000, description="Characters to write.")] = 1000
    pace: Annotated[float, Meta(ge=0.1, le=1_000_000, description="Characters a second, at most.")] = 60.0


class GenerationScreen(Screen[None]):
    """Type a prompt, watch the text grow, stop it."""

    CSS_PATH = "generation.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "Write"),
        Binding("escape", "stop", "Stop"),
        Binding("escape", "leave_field", "Leave the field", show=False),
        Binding("i", "prompt", "Prompt"),
    ]

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._job: Job | None = None
        self._written = 0

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopLine("generate")
        with Vertical(id="body"):
            with Horizontal(classes="row"):
                yield Label("model")
                yield ModelSelect(self._store, id="model")
            with ItemGrid(min_column_width=24, id="settings"):
                for config in (SamplingConfig, WritingConfig):
                    for field in fields_of(config):
                        yield SettingInput(field)
            yield StreamPane(HINT, id="text")
            with Horizontal(id="bottom"):
                yield Label("prompt ▸")
                yield TextInput(id="prompt", placeholder="HARPAGON.\\n\\n", compact=True)
                yield Static("Enter writes", id="status")
        yield Footer()

    def on_screen_resume(self) -> None:
        """Look which runs there are."""
        self.query_one(ModelSelect).refresh_runs()

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.action_stop()

    def action_write(self) -> None:
        """Write from the prompt."""
        if self._job is not None:
            return
        try:
            path = self.query_one(ModelSelect).checkpoint_path
            sampling = configure(SamplingConfig(), self._settings(SamplingConfig))
            writing = configure(WritingConfig(), self._settings(WritingConfig))
        except UserError as error:
            self.notify(sanitise(str(error)), severity="warning", markup=False)
            return
        prompt = self.query_one("#prompt", Input).value.replace("\\n", "\n")
        self.query_one(StreamPane).begin(prompt)
        self._written = 0
        self._job = Job(
            self,
            partial(bridge.write, path=path, prompt=prompt, config=sampling, length=writing.length, pace=writing.pace),
            name="write",
            interval=bridge.WRITING_INTERVAL,
        )
        self.refresh_bindings()

    def choose(self, run: str) -> None:
        """Choose a run to write from, and go to the prompt."""
        self.query_one(ModelSelect).choose(run)
        self.action_prompt()

    def action_stop(self) -> None:
        """Stop the text under way."""
        if self._job is not None:
            self._job.stop()

    def action_leave_field(self) -> None:
        """Stop typing, so that letters are keys again."""
        self.set_focus(None)

    def action_prompt(self) -> None:
        """Go to the prompt."""
        self.query_one("#prompt", Input).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        match action:
            case "write":
                return self._job is None
            case "stop":
                return self._job is not None
            case "prompt":
                return not isinstance(self.focused, Input)
        return True

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _explain(self) -> None:
        """Say in the pane's frame what the focused setting means."""
        setting = next((setting for setting in self.query(SettingInput) if setting.has_focus_within), None)
        explanation = setting.explanation if setting is not None else ""
        self.query_one(StreamPane).border_title = Content(sanitise(explanation)).markup

    @on(Input.Submitted)
    def _submit(self) -> None:
        self.action_write()

    @on(Job.Said)
    def _listen(self, message: Job.Said) -> None:
        for item in message.items:
            match item:
                case Doing(what=what):
                    self._say(what)
                case Prompted(notice=notice) if notice:
                    self.notify(sanitise(notice), markup=False)
        characters = "".join(item for item in message.items if isinstance(item, str))
        if characters:
            self.query_one(StreamPane).append(characters)
            self._written += len(characters)
            self._say(f"{self._written:,} characters")

    @on(Job.Ended)
    def _end(self, message: Job.Ended) -> None:
        self._job = None
        if message.error:
            self._say("")
            self.notify(sanitise(message.error), severity="error", markup=False, timeout=10)
        self.refresh_bindings()

    def _settings(self, config: type[Struct]) -> dict[str, Value]:
        names = [field.name for field in fields_of(config)]
        settings = {setting.field.name: setting for setting in self.query(SettingInput)}
        return {name: settings[name].value for name in names}

    def _say(self, text: str) -> None:
        self.query_one("#status", Static).update(text)
