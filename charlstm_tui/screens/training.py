"""Train: settings before a run, the run while it goes and after."""

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Button, ContentSwitcher, Footer, Input, Label, Select, Static

from charlstm_tui.messages import PauseTraining, StartTraining, StopTraining
from charlstm_tui.training_view import TrainingView
from charlstm_tui.widgets.run_view import RunView
from charlstm_tui.widgets.setting_input import SettingInput
from charlstm_tui.widgets.text_input import TextInput
from charlstm_tui.widgets.top_line import TopLine
from core.config import DEFAULT_PRESET, PRESETS, ModelConfig, TrainingConfig, configure, fields_of, preset_named
from core.corpus import CorpusConfig
from core.errors import UserError
from core.runs import RunConfig
from core.text import sanitise, shortened

HOW_TO_START = "Enter starts the training. Tab goes to the next field; Esc leaves the fields, and s starts then."


class TrainingScreen(Screen[None]):
    """Choose a text and settings, start, watch the loss fall, stop."""

    CSS_PATH = "training.tcss"
    AUTO_FOCUS = ""  # else each return to this screen would focus a field, and the keys of the run go into it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start"),
        Binding("enter", "start", "Start", show=False),
        Binding("p", "pause", "Pause"),
        Binding("x", "stop", "Stop"),
        Binding("n", "new", "New run"),
        Binding("escape", "leave_field", "Leave the field", show=False),
    ]

    training = TrainingView()
    _complaint = ""  # why the last start did not succeed, until something is changed

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        base = preset_named(DEFAULT_PRESET)
        yield TopLine("train")
        with ContentSwitcher(initial="settings"):
            with Vertical(id="settings"):
                with VerticalScroll(can_focus=False):
                    with Horizontal(classes="row"):
                        yield Label("text")
                        yield TextInput(
                            id="corpus", placeholder="the path of a UTF-8 text file, then Enter", compact=True
                        )
                    with Horizontal(classes="row"):
                        yield Label("characters")
                        yield TextInput(id="limit", placeholder="all of it", compact=True)
                        yield Static("from the start (the course: 100,000)", classes="quiet")
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
                                for field in fields_of(type(config)):
                                    yield SettingInput(field, getattr(config, field.name))
                yield Static(HOW_TO_START, id="hint")
                yield Button("Start training", id="start", compact=True)
            yield RunView(id="run")
        yield Footer()

    def on_mount(self) -> None:
        """Follow the app's training run, and wait for a text."""
        self.query_one("#corpus", Input).focus()
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
            case "new":
                return not on_settings and not self.training.alive
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
        self.query_one("#purpose", Static).update(preset.purpose)
        for config in (preset.model, preset.training):
            for field in fields_of(type(config)):
                self._setting(field.name).show(getattr(config, field.name))

    @on(Input.Changed)
    def _explain_what_is_typed(self) -> None:
        self._complaint = ""
        self._explain()

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
        else:
            self._say(HOW_TO_START)

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

    def _complain(self, text: str, about: Input) -> None:
        """Say what is wrong until something else is typed, and put the cursor where it can be mended."""
        self._complaint = text
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
        model = {field.name: self._setting(field.name).value for field in fields_of(ModelConfig)}
        training = {field.name: self._setting(field.name).value for field in fields_of(TrainingConfig)}
        path = self.query_one("#corpus", Input).value
        return RunConfig(
            preset=preset.name,
            corpus=CorpusConfig.typed(path, self._read_limit()),
            model=configure(preset.model, model),
            training=configure(preset.training, training),
        )

    def _read_limit(self) -> int | None:
        typed = self.query_one("#limit", Input).value.replace(",", "").replace(" ", "")
        if not typed:
            return None
        if not re.fullmatch("[0-9]{1,15}", typed) or int(typed) < 1:
            raise UserError(
                f"characters must be a whole number from 1, or nothing for the whole text, not {shortened(typed)}."
            )
        return int(typed)
