"""Train: settings before a run, the run while it goes and after."""

import contextlib
import re
from pathlib import Path
from typing import ClassVar

from msgspec import Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Input, Label, Select, Static

from charlstm_tui.messages import PauseTraining, ResumeTraining, StartTraining, StopTraining
from charlstm_tui.screens.run_picker import RunPicker
from charlstm_tui.screens.text_picker import TextPicker
from charlstm_tui.training_view import TrainingView
from charlstm_tui.widgets.fetch_line import FetchLine
from charlstm_tui.widgets.run_view import RunView
from charlstm_tui.widgets.setting_input import SettingInput
from charlstm_tui.widgets.text_input import TextInput
from charlstm_tui.widgets.top_line import TopLine
from core.catalogue import MOLIERE, PLAY, default_name
from core.config import Field, ModelConfig, TrainingConfig, configure, fields_of
from core.corpus import SPLITS, CorpusConfig, Split
from core.errors import UserError
from core.presets import PRESETS, preset_for, preset_named
from core.runs import RunConfig, RunStore
from core.text import sanitise, shortened

HOW_TO_START = (
    "s starts the training, o chooses another text, r goes on with a run. "
    "Tab goes from field to field; Esc leaves them, and letters are keys again."
)

SPLIT_MEANS: dict[Split, str] = {
    "tail": "tests on the last tenth",
    "interleaved": "tests on every 10th block",
}

SHOWN = (
    "embedding_size", "hidden_size", "num_layers",
    "epochs", "seconds", "streams", "window", "learning_rate", "gradient_clip", "validation", "seed",
)  # fmt: skip
"""The settings on screen; the others are the preset's."""


def _fields_shown(config: type[Struct]) -> list[Field]:
    return [field for field in fields_of(config) if field.name in SHOWN]


def _size_of(source: str) -> int | None:
    """Return about how many characters a text has; None for one that cannot be told."""
    with contextlib.suppress(UserError, OSError, ValueError):
        return CorpusConfig.typed(source).path.stat().st_size
    return None


class TrainingScreen(Screen[None]):
    """Choose a text and settings, start, watch the loss fall, stop."""

    CSS_PATH = "training.tcss"
    AUTO_FOCUS = ""  # else each return to this screen would focus a field, and the keys of the run go into it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start"),
        Binding("enter", "start", "Start", show=False),
        Binding("o", "choose_text", "Text"),
        Binding("f", "fetch", "Fetch", show=False),  # the line about it names the key
        Binding("f", "stop_fetching", "Stop fetching"),
        Binding("p", "pause", "Pause"),
        Binding("x", "stop", "Stop"),
        Binding("n", "new", "New run"),
        Binding("r", "resume", "Resume"),
        Binding("escape", "leave_field", "Leave the field", show=False),
    ]

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store

    training = TrainingView()
    _suited = ""  # the preset that was taken because it suits the text; empty once another was chosen
    _complaint = ""  # why the last start did not succeed, until something is changed

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        name = default_name()
        base = preset_for(_size_of(name) or 0)
        self._suited = base.name
        yield TopLine("train")
        with ContentSwitcher(initial="settings"):
            with Vertical(id="settings"):
                with VerticalScroll(can_focus=False):
                    with Horizontal(classes="row", id="text-row"):
                        yield Label("text")
                        yield TextInput(name, id="corpus", placeholder="the name or the path of a text", compact=True)
                    yield FetchLine()
                    with Horizontal(classes="row"):
                        yield Label("characters")
                        yield TextInput(id="limit", placeholder="all of it", compact=True)
                        yield Label("split", id="split-label")
                        yield Select(
                            [(split, split) for split in SPLITS],
                            value=SPLITS[0],
                            allow_blank=False,
                            compact=True,
                            id="split",
                        )
                        yield Static(SPLIT_MEANS[SPLITS[0]], id="split-means", classes="quiet")
                    with Horizontal(classes="row"):
                        yield Label("preset")
                        yield Select(
                            [(name, name) for name in PRESETS],
                            value=base.name,
                            allow_blank=False,
                            compact=True,
                            id="preset",
                        )
                        yield Static(base.purpose, id="purpose", classes="quiet")
                    with Horizontal(id="columns"):
                        for title, config in (("The network", base.model), ("Its training", base.training)):
                            with Vertical(classes="column"):
                                yield Static(title, classes="title")
                                for field in _fields_shown(type(config)):
                                    yield SettingInput(field, getattr(config, field.name))
                yield Static(HOW_TO_START, id="hint")
                yield Button("Start training", id="start", compact=True)
            yield RunView(id="run")
        yield Footer()

    def on_mount(self) -> None:
        """Follow the app's training run."""
        self.watch(self.app, "training", self._show)

    # --- what the keys do

    def action_start(self) -> None:
        """Start a run with the settings on screen."""
        try:
            config = self._read_settings()
        except UserError as error:
            wrong = next((setting for setting in self.query(SettingInput) if not setting.input.is_valid), None)
            self._complain(str(error), wrong.input if wrong else self.query_one("#corpus", Input))
            return
        self.post_message(StartTraining(config))

    def action_stop(self) -> None:
        """Stop the run under way."""
        self.post_message(StopTraining())

    def action_pause(self) -> None:
        """Hold the run under way, or let it go on."""
        self.post_message(PauseTraining())

    def action_new(self) -> None:
        """Show the settings again, for another run."""
        self._switch("settings")

    def action_resume(self) -> None:
        """Go on with the run that was just stopped, or choose one that can go on."""
        if self.query_one(ContentSwitcher).current == "run" and self.training.started is not None:
            self._go_on_with(self.training.started.run)
        else:
            self.app.push_screen(RunPicker(self._store), self._go_on_with)

    def action_choose_text(self) -> None:
        """Choose a text from a list, or from the folders of this machine."""
        typed = Path(self.query_one("#corpus", Input).value).expanduser().absolute()
        with contextlib.suppress(UserError):
            self.app.push_screen(
                TextPicker(
                    folder=typed.parent if typed.is_file() else Path.cwd(),
                    limit=self._read_limit_or_none(),
                    validation=self._read_validation_or_default(),
                ),
                self._take_text,
            )

    def action_fetch(self) -> None:
        """Fetch Molière's plays."""
        self.query_one(FetchLine).fetch()

    def action_stop_fetching(self) -> None:
        """Stop fetching; nothing of it is kept."""
        self.query_one(FetchLine).stop()

    def action_leave_field(self) -> None:
        """Stop typing, so that letters are keys again."""
        self.set_focus(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        try:
            on_settings = self.query_one(ContentSwitcher).current == "settings"
        except NoMatches:  # asked before the screen is laid out
            on_settings = True
        match action:
            case "start":
                return on_settings and not self.training.alive
            case "choose_text":
                return on_settings
            case "fetch":
                return on_settings and self.query_one(FetchLine).offering
            case "stop_fetching":
                return on_settings and self.query_one(FetchLine).fetching
            case "new":
                return not on_settings and not self.training.alive
            case "resume":
                return (on_settings and not self.training.alive) or self.training.can_go_on
            case "stop":
                return self.training.alive
            case "pause":
                return self.training.phase in ("training", "paused")
        return True

    # --- what the widgets say

    @on(Button.Pressed, "#start")
    @on(Input.Submitted)
    def _start(self) -> None:
        self.action_start()

    @on(Select.Changed, "#preset")
    def _show_preset(self, event: Select.Changed) -> None:
        preset = preset_named(str(event.value))
        if preset.name != self._suited:
            self._suited = ""
        self.query_one("#purpose", Static).update(preset.purpose)
        self._explain()
        for config in (preset.model, preset.training):
            for field in _fields_shown(type(config)):
                self._setting(field.name).show(getattr(config, field.name))

    @on(Input.Changed)
    def _explain_what_is_typed(self, event: Input.Changed) -> None:
        self._complaint = ""
        self._explain()
        if event.input.id in ("corpus", "limit"):
            self._suit_the_text()

    def _suit_the_text(self) -> None:
        """Take the preset that suits the text, unless another was chosen or its settings were changed."""
        size = _size_of(self.query_one("#corpus", Input).value)
        if not self._suited or size is None or self._changed():
            return
        limit = self._read_limit_or_none()
        self._suited = preset_for(min(size, limit or size)).name
        self.query_one("#preset", Select).value = self._suited

    def _changed(self) -> bool:
        """Tell whether a setting on screen is not the preset's."""
        preset = preset_named(str(self.query_one("#preset", Select).value))
        return any(
            self._setting(field.name).input.value != field.show(getattr(config, field.name))
            for config in (preset.model, preset.training)
            for field in _fields_shown(type(config))
        )

    def on_descendant_focus(self) -> None:
        """Explain the setting that is being edited."""
        self._explain()

    def _explain(self) -> None:
        """Say what is to be mended, else what the focused setting means and whether what is typed there will do."""
        setting = self.focused.parent if self.focused is not None else None
        if self._complaint:
            self._say(self._complaint, trouble=True)
        elif isinstance(setting, SettingInput):
            self._say(setting.explanation, trouble=not setting.input.is_valid)
        elif self.focused is not None and self.focused.id == "preset":
            preset = preset_named(str(self.query_one("#preset", Select).value))
            self._say(f"{preset.purpose} On two cores: {preset.expect}.")
        else:
            self._say(HOW_TO_START)

    @on(Select.Changed, "#split")
    def _explain_split(self, event: Select.Changed) -> None:
        self.query_one("#split-means", Static).update(SPLIT_MEANS[event.value])  # type: ignore[index]

    def _go_on_with(self, name: str | None) -> None:
        if name is not None:
            try:
                self.post_message(ResumeTraining(self._store.get(name).config(), name))
            except UserError as error:
                self._complain(str(error))

    def _take_text(self, source: str | None) -> None:
        if source == MOLIERE.name and not MOLIERE.here:
            self.action_fetch()
        elif source is not None:
            self.query_one("#corpus", Input).value = source

    @on(FetchLine.Changed)
    def _welcome_moliere(self) -> None:
        """Take Molière's plays once they are here, unless another text was chosen."""
        text = self.query_one("#corpus", Input)
        if MOLIERE.here and text.value == PLAY.name:
            text.value = MOLIERE.name
        self.refresh_bindings()

    # --- what the run says

    def _show(self, training: TrainingView) -> None:
        phase_changed = training.phase != self.training.phase
        self.training = training
        if training.phase != "idle":
            self.query_one(RunView).show(training)
        if training.alive:
            self._switch("run")
        elif training.phase == "idle":  # also a run that was stopped before it began
            self._switch("settings")
        elif training.phase == "failed" and training.started is None:  # it never began: mend the settings
            self._switch("settings")
            self._complain(training.error, self.query_one("#corpus", Input))
        if phase_changed:  # it draws the footer anew
            self.refresh_bindings()

    def _switch(self, view: str) -> None:
        switcher = self.query_one(ContentSwitcher)
        if switcher.current != view:
            switcher.current = view
            self.set_focus(None)
            self.refresh_bindings()

    def _complain(self, text: str, about: Input | None = None) -> None:
        """Say what is wrong until something else is typed, and put the cursor where it can be mended."""
        self._complaint = text
        if about is not None:
            about.focus()
        self._explain()

    def _say(self, text: str, *, trouble: bool = False) -> None:
        hint = self.query_one("#hint", Static)
        hint.update(Content(sanitise(text)))
        hint.set_class(trouble, "-trouble")

    def _setting(self, name: str) -> SettingInput:
        return self.query_one(f"#setting-{name}", SettingInput)

    def _read_settings(self) -> RunConfig:
        preset = preset_named(str(self.query_one("#preset", Select).value))
        model = {field.name: self._setting(field.name).value for field in _fields_shown(ModelConfig)}
        training = {field.name: self._setting(field.name).value for field in _fields_shown(TrainingConfig)}
        path = self.query_one("#corpus", Input).value
        return RunConfig(
            preset=preset.name,
            corpus=CorpusConfig.typed(path, self._read_limit(), self.query_one("#split", Select).value),  # type: ignore[arg-type]
            model=configure(preset.model, model),
            training=configure(preset.training, training),
        )

    def _read_limit_or_none(self) -> int | None:
        with contextlib.suppress(UserError):
            return self._read_limit()
        return None

    def _read_validation_or_default(self) -> float:
        with contextlib.suppress(UserError):
            return float(self._setting("validation").value)
        return 0.0

    def _read_limit(self) -> int | None:
        typed = self.query_one("#limit", Input).value.replace(",", "").replace(" ", "")
        if not typed:
            return None
        if not re.fullmatch("[0-9]{1,15}", typed) or int(typed) < 1:
            raise UserError(
                f"characters must be a whole number from 1, or nothing for the whole text, not {shortened(typed)}."
            )
        return int(typed)
