"""Form for the settings of a run: the text, the preset, the important settings, and the others in a folded part."""

import contextlib
from typing import ClassVar

from msgspec import Struct, structs
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Static

from charlstm_tui.state.usual_run import preset_or_default, size_of, usual_run
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.text_input import FieldInput
from charlstm_tui.widgets.training.preset_row import PresetRow
from charlstm_tui.widgets.training.reading_values import ReadingValues
from charlstm_tui.widgets.training.start_model import StartModel
from charlstm_tui.widgets.training.text_settings import TextSettings
from core.data.corpus import CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import KNOWN
from core.errors import UserError
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.settings.config import Field, ModelConfig, TrainingConfig, Value, configure, fields_of
from core.settings.presets import FINE_TUNE, Preset, preset_for, preset_named
from core.settings.reading_fields import ReadingField, file_fields, reading_fields, value_in

FIRST: tuple[tuple[type[Struct], str, tuple[str, ...]], ...] = (
    (ModelConfig, "The network", ("cell", "num_layers", "hidden_size")),
    (TrainingConfig, "", ("output_dropout", "streams", "window")),
    (TrainingConfig, "Its training", ("learning_rate", "epochs", "seconds", "seed")),
)
"""The important settings in groups, each with a class, a title, and names of settings."""
COLUMNS = ((FIRST[0], FIRST[1]), (FIRST[2],))
_FIRST_NAMES = frozenset(name for _, _, names in FIRST for name in names)


def _fields() -> list[tuple[type[Struct], Field]]:
    return [(config, field) for config in (ModelConfig, TrainingConfig) for field in fields_of(config)]


class Rest(Collapsible):
    """The less important settings. The form scrolls to them when they are made."""

    def scroll_visible(self, *args: object, **options: object) -> None:
        """Do nothing: Textual would scroll when they are unfolded, sometimes before there is anything to see."""


class SettingsForm(Vertical):
    """Editable form of a `RunConfig`. Sends `Changed` after each change; Enter moves to the next field."""

    DEFAULT_CSS: ClassVar[str] = """
    SettingsForm {
        height: 1fr;
        & #fields { height: 1fr; scrollbar-size-vertical: 1; }
        & .line {
            height: 1;
            & > Label { width: 17; color: $text-muted; }
            &:focus-within > Label { color: $foreground; text-style: bold; }
        }
        & .quiet { width: 1fr; color: $text-muted; margin-left: 2; }
        & .columns { height: auto; margin-top: 1; }
        & .column { width: 1fr; max-width: 44; height: auto; margin-right: 1; }
        & .title { text-style: bold; margin-top: 1; }
        & .column > .title:first-child { margin-top: 0; }
        & Collapsible {
            background: $background; border-top: none; padding: 0; margin-top: 1;
            &:ansi { border-top: none; }
            & > Contents { padding: 0; }
            & > CollapsibleTitle { padding: 0 1 0 0; color: $text-muted; }
            & > CollapsibleTitle:focus { background: $background; color: $foreground; text-style: bold; }
        }
    }
    """

    class Changed(Message):
        """Sent when a setting has changed."""

    def __init__(self, store: RunStore, remembered: RunConfig | None) -> None:
        super().__init__()
        self._store = store
        self._begin = remembered or usual_run()
        self._suited = "" if remembered is not None else self._begin.preset
        """Name of the preset chosen automatically for the text; empty once the user has chosen one."""
        self._rest_is_made = False

    def compose(self) -> ComposeResult:
        """Lay out the form; the folded settings are created when they are first unfolded."""
        preset = preset_or_default(self._begin.preset)
        with VerticalScroll(id="fields", can_focus=False):
            yield TextSettings(self._begin.corpus)
            yield StartModel(self._store, self._begin.origin, self._begin.model)
            yield PresetRow(preset)
            with Horizontal(classes="columns"):
                for groups in COLUMNS:
                    with Vertical(classes="column"):
                        for config, title, names in groups:
                            if title:
                                yield Static(title, classes="title")
                            yield from self._settings(config, names, preset)
            others = len(_fields()) - len(_FIRST_NAMES) + len(reading_fields()) + len(file_fields())
            yield Rest(
                Horizontal(classes="columns", id="rest"),
                title=f"{others} more settings", collapsed_symbol="▸", expanded_symbol="▾",
            )  # fmt: skip

    # --- values

    @property
    def text(self) -> TextSettings:
        """The fields for the text."""
        return self.query_one(TextSettings)

    @property
    def preset(self) -> Preset:
        """The chosen preset; until the form is laid out, the one that it begins with."""
        for row in self.query(PresetRow):
            return row.preset
        return preset_or_default(self._begin.preset)

    @property
    def _preset_row(self) -> PresetRow:
        return self.query_one(PresetRow)

    @property
    def _network(self) -> ModelConfig:
        """The usual network: that of the model to start from, or the preset's."""
        return self.start.model if self.start.origin is not None else self.preset.model

    @property
    def start(self) -> StartModel:
        """The line that chooses what the run starts from."""
        return self.query_one(StartModel)

    @property
    def focused_setting(self) -> SettingInput | None:
        """The setting with the focus; None if there is none."""
        return next((setting for setting in self.query(SettingInput) if setting.has_focus_within), None)

    @property
    def unfolded(self) -> list[SettingInput]:
        """The settings that are not folded away."""
        rest = self.query_one(Rest)
        folded = rest.query(SettingInput) if rest.collapsed else ()
        return [setting for setting in self.query(SettingInput) if setting not in folded]

    @property
    def invalid(self) -> Widget | None:
        """The first input box with an invalid value; None if all are valid."""
        if self.text.limit_reason:
            return self.query_one("#limit", Input)
        return next((setting.box for setting in self.query(SettingInput) if not setting.is_valid), None)

    def read(self) -> RunConfig:
        """Return the settings on screen.

        Raises:
            UserError: a value is not valid.
        """
        if self.preset == FINE_TUNE and self.start.origin is None:
            raise UserError(
                f"The preset {FINE_TUNE.name} needs a model to start from: choose one in the line above it."
            )
        return RunConfig(
            preset=self.preset.name,
            corpus=self._corpus,
            model=configure(self._network, self._values(ModelConfig)),
            training=configure(self.preset.training, self._values(TrainingConfig)),
            origin=self.start.origin,
        )

    def show(self, config: RunConfig) -> None:
        """Put the settings of a run into the boxes."""
        self._suited = ""
        self._show(config)

    def take_text(self, chosen: CorpusConfig) -> None:
        """Put a text's name or path, and its encoding, into their boxes."""
        corpus = structs.replace(
            self._begin.corpus, encoding=chosen.encoding, encoding_errors=chosen.encoding_errors,
            skip_unreadable=chosen.skip_unreadable,
        )  # fmt: skip
        self._begin = structs.replace(self._begin, corpus=corpus)
        self._reading.show(corpus, without="split_seed")
        self.text.take_text(*chosen.sources)

    def toggle_rest(self) -> None:
        """Unfold the less important settings and focus their title, so that Tab leads into them; or fold them."""
        collapsible = self.query_one(Collapsible)
        collapsible.collapsed = not collapsible.collapsed
        if not collapsible.collapsed:
            collapsible.query_one("CollapsibleTitle").focus(scroll_visible=False)

    @property
    def validation_or_usual(self) -> float:
        """Share of the text used for validation; the preset's if the typed value is not valid."""
        with contextlib.suppress(UserError):
            return float(self._values(TrainingConfig)["validation"])
        return self.preset.training.validation

    @property
    def reading_or_usual(self) -> tuple[str | None, Errors]:
        """Encoding and error handling as typed; if they are not valid, automatic detection and strict."""
        with contextlib.suppress(UserError):
            return self._reading.decoding
        return None, "strict"

    @property
    def skips_unreadable(self) -> bool:
        """Whether files that cannot be read are skipped."""
        return self._reading.skips_unreadable

    # --- events of the widgets

    @on(StartModel.Changed)
    def _take_model(self, event: StartModel.Changed) -> None:
        """Use the preset for training a model further or, with random weights, the one for the text."""
        event.stop()
        self._begin = structs.replace(self._begin, origin=self.start.origin)
        self._suited = "" if self.start.origin is not None else preset_for(size_of(self.text.source) or 0).name
        self._change_preset(FINE_TUNE if self.start.origin is not None else preset_named(self._suited))

    def _change_preset(self, preset: Preset) -> None:
        self._preset_row.show(preset.name)
        self._use_preset()

    @on(PresetRow.Changed)
    def _take_preset(self, event: PresetRow.Changed) -> None:
        event.stop()
        if self.preset.name == self._begin.preset:  # the first preset sends this event, too
            return
        if self.preset.name != self._suited:
            self._suited = ""
        self._use_preset()
        if self.preset == FINE_TUNE and self.start.origin is None:
            self.start.choose_bundled_model()

    def _use_preset(self) -> None:
        """Put the settings of the chosen preset into the boxes."""
        self._begin = structs.replace(self._begin, preset=self.preset.name)
        self._show_settings(self._network, self.preset.training)
        self.tell_purpose()
        self.post_message(self.Changed())

    @on(TextSettings.Changed)
    def _suit_the_text(self, event: TextSettings.Changed) -> None:
        """Choose the preset for the text's size, unless the user has chosen a preset or changed a setting."""
        event.stop()
        size = size_of(self.text.source)
        if self._suited and size is not None and not self._is_changed:
            with contextlib.suppress(UserError):
                self._suited = preset_for(min(size, self.text.limit or size)).name
                self._preset_row.choose(self._suited)
        self.post_message(self.Changed())

    def suit(self, characters: int) -> None:
        """Choose the preset for a folder's number of characters, which is known only once its files were looked at."""
        if self._suited and not self._is_changed and self.text.source not in KNOWN:
            limit = self.text.limit_or_none
            self._suited = preset_for(min(characters, limit or characters)).name
            self._preset_row.choose(self._suited)

    @on(TextSettings.SplitChanged)
    @on(SettingInput.Changed)
    def _pass_on(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _go_to_next_field(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Collapsible.Expanded)
    async def _unfold(self) -> None:
        if not self._rest_is_made:
            self._rest_is_made = True
            await self._make_rest()
        self._scroll_to_rest()

    def _scroll_to_rest(self) -> None:
        rest, fields = self.query_one(Rest), self.query_one("#fields", VerticalScroll)
        self.call_after_refresh(fields.scroll_to_widget, rest, animate=False)

    def keep_rest_in_view(self) -> None:
        """Scroll to the less important settings again, if they were just unfolded: the form has another height."""
        rest = self.query_one(Rest)
        if not rest.collapsed and rest.query_one("CollapsibleTitle").has_focus:
            self._scroll_to_rest()

    async def _make_rest(self) -> None:
        columns = self.query_one("#rest", Horizontal)
        rest = [(config, field) for config, field in _fields() if field.name not in _FIRST_NAMES]
        half = (len(rest) + 1) // 2
        for some in (rest[:half], rest[half:]):
            made = [
                widget
                for config in (ModelConfig, TrainingConfig)
                for widget in self._settings(
                    config, tuple(field.name for of, field in some if of is config), self.preset
                )
            ]
            await columns.mount(Vertical(*made, classes="column"))
        for fields in (reading_fields(), file_fields()):
            for column, field in zip(columns.children, fields, strict=True):
                await column.mount(SettingInput(field, value_in(self._begin.corpus, field.name), usual=field.default))

    # --- the settings

    def _settings(self, config: type[Struct], names: tuple[str, ...], preset: Preset) -> list[SettingInput]:
        of_model = config is ModelConfig
        usual_model = self._begin.model if self._begin.origin is not None else preset.model
        begin, usual = (self._begin.model, usual_model) if of_model else (self._begin.training, preset.training)
        known = {field.name: field for field in fields_of(config)}
        made = [
            SettingInput(known[name], getattr(begin, name), usual=getattr(usual, name), box=FieldInput)
            for name in names
        ]
        for setting in made:
            setting.disabled = of_model and self._begin.origin is not None
        return made

    def _values(self, config: type[Struct]) -> dict[str, Value]:
        """Return the values in the boxes; settings that were never unfolded keep their initial values."""
        begin = self._begin.model if config is ModelConfig else self._begin.training
        inputs = {setting.field.name: setting for setting in self.query(SettingInput)}
        names = [field.name for field in fields_of(config)]
        return {name: inputs[name].value if name in inputs else getattr(begin, name) for name in names}

    @property
    def _reading(self) -> ReadingValues:
        return ReadingValues(self.query(SettingInput), self._begin.corpus)

    @property
    def _corpus(self) -> CorpusConfig:
        """The text on screen, with how its files are read and split.

        Raises:
            UserError: a value is not valid.
        """
        reading = self._reading
        return CorpusConfig.typed(
            self.text.sources, self.text.limit, self.text.split, *reading.decoding,
            split_seed=reading.split_seed, skip_unreadable=reading.skips_unreadable,
        )  # fmt: skip

    @property
    def _is_changed(self) -> bool:
        """Whether a setting on screen differs from the preset."""
        return bool(self._changed)

    @property
    def _changed(self) -> list[SettingInput]:
        """The settings that differ from the preset."""
        settings = self.query(SettingInput)
        return [one for one in settings if one.is_changed and not isinstance(one.field, ReadingField)]

    def tell_purpose(self) -> None:
        """Say next to the preset what it is for, or which settings differ from it."""
        self._preset_row.tell_purpose([setting.field.title for setting in self._changed])

    def _show(self, config: RunConfig) -> None:
        self._begin = config
        self.text.show(config.corpus)
        self._preset_row.show(preset_or_default(config.preset).name)
        self.start.show(config.origin, config.model)
        self._show_settings(config.model, config.training)
        self.tell_purpose()
        self._reading.show(config.corpus)

    def _show_settings(self, model: ModelConfig, training: TrainingConfig) -> None:
        self._begin = structs.replace(self._begin, model=model, training=training)
        self._fill(self._begin)

    def _fill(self, config: RunConfig) -> None:
        for setting in self.query(SettingInput):
            name = setting.field.name
            if isinstance(setting.field, ReadingField):  # belongs to the text, not to the preset
                continue
            of_model = hasattr(config.model, name)
            value = getattr(config.model if of_model else config.training, name)
            setting.show(value, usual=getattr(self._network if of_model else self.preset.training, name))
            setting.disabled = of_model and config.origin is not None
