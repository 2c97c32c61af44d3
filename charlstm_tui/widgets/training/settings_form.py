"""What a run is to do: a text, a preset, and every setting; the few that matter first, the rest folded away."""

import contextlib
from typing import ClassVar

from msgspec import Struct, structs
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Label, Select, Static

from charlstm_tui.widgets.common.fitting_text import FittingText
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.text_input import FieldInput
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from core.data.corpus import CorpusConfig
from core.data.encodings import Errors
from core.data.known_texts import MOLIERE, PLAY, default_name
from core.data.splits import SPLITS, Split
from core.errors import UserError
from core.runs.run import RunConfig
from core.settings.config import Field, ModelConfig, TrainingConfig, Value, configure, fields_of
from core.settings.number_parsing import UnclearNumberError, read_number
from core.settings.presets import PRESETS, Preset, preset_for, preset_named
from core.settings.reading_fields import ReadingField, reading_fields
from core.text import sanitise, shortened

SPLIT_MEANS: dict[Split, str] = {
    "tail": "test: the last tenth",
    "interleaved": "test: every 10th block",
}
FIRST: tuple[tuple[type[Struct], str, tuple[str, ...]], ...] = (
    (ModelConfig, "The network", ("cell", "num_layers", "hidden_size")),
    (TrainingConfig, "", ("output_dropout", "streams", "window")),
    (TrainingConfig, "Its training", ("learning_rate", "epochs", "seconds", "seed")),
)
"""The settings that matter most: a class, a title, and names, group by group."""
MAX_LIMIT = 10**15
"""No text has as many characters."""
COLUMNS = ((FIRST[0], FIRST[1]), (FIRST[2],))
_FIRST_NAMES = frozenset(name for _, _, names in FIRST for name in names)


def _fields() -> list[tuple[type[Struct], Field]]:
    return [(config, field) for config in (ModelConfig, TrainingConfig) for field in fields_of(config)]


def _size_of(source: str) -> int | None:
    """Return about how many characters a text has; None for one that cannot be told."""
    with contextlib.suppress(UserError, OSError, ValueError):
        return CorpusConfig.typed(source).path.stat().st_size
    return None


class SettingsForm(Vertical):
    """Shows a `RunConfig` and lets it be changed. `Changed` is said for each change; Enter goes to the next field."""

    DEFAULT_CSS: ClassVar[str] = """
    SettingsForm {
        height: 1fr;
        & #fields { height: 1fr; scrollbar-size-vertical: 1; }
        & .line {
            height: 1;
            & > Label { width: 17; color: $text-muted; }
            &:focus-within > Label { color: $foreground; text-style: bold; }
        }
        & #corpus { width: 1fr; }
        & #limit { width: 12; }
        & #split { width: 16; }
        & #split-label { width: auto; margin: 0 1 0 2; }
        & #preset { width: 16; }
        & .line.-preset { height: auto; min-height: 1; }
        & .quiet { width: 1fr; color: $text-muted; margin-left: 2; }
        & #purpose { height: auto; }
        & .text-reason { display: none; height: auto; color: $text-error; padding-left: 17; }
        & .text-reason.-shown { display: block; }
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
        """Something else is asked for now."""

    def __init__(self, remembered: RunConfig | None = None) -> None:
        super().__init__()
        self._begin = remembered or _usual()
        self._suited = "" if remembered is not None else self._begin.preset
        """The preset that was taken because it suits the text; empty once another was chosen."""
        self._rest_is_there = False

    def compose(self) -> ComposeResult:
        """Lay out the form; the folded settings are made when they are first unfolded."""
        corpus, preset = self._begin.corpus, preset_or_default(self._begin.preset)
        with VerticalScroll(id="fields", can_focus=False):
            with Horizontal(classes="line"):
                yield Label("text")
                yield FieldInput(corpus.source, id="corpus", placeholder="the name or the path of a text", compact=True)
            yield Static(id="text-reason", classes="text-reason", markup=False)
            yield FetchBar()
            with Horizontal(classes="line"):
                yield Label("characters")
                yield FieldInput(
                    str(corpus.limit) if corpus.limit else "", id="limit", placeholder="all of it", compact=True
                )
                yield Label("split", id="split-label")
                yield Select(
                    [(split, split) for split in SPLITS],
                    value=corpus.split,
                    allow_blank=False,
                    compact=True,
                    id="split",
                )
                yield FittingText(SPLIT_MEANS[corpus.split], id="split-means", classes="quiet")
            yield Static(id="limit-reason", classes="text-reason", markup=False)
            with Horizontal(classes="line -preset"):
                yield Label("preset")
                yield Select(
                    [(name, name) for name in PRESETS], value=preset.name, allow_blank=False, compact=True, id="preset"
                )
                yield Static(preset.purpose, id="purpose", classes="quiet")
            with Horizontal(classes="columns"):
                for groups in COLUMNS:
                    with Vertical(classes="column"):
                        for config, title, names in groups:
                            if title:
                                yield Static(title, classes="title")
                            yield from self._settings(config, names, preset)
            others = len(_fields()) - len(_FIRST_NAMES) + len(reading_fields())
            yield Collapsible(
                Horizontal(classes="columns", id="rest"),
                title=f"{others} more settings", collapsed_symbol="▸", expanded_symbol="▾",
            )  # fmt: skip

    # --- what it holds

    @property
    def preset(self) -> Preset:
        """The preset that is chosen."""
        return preset_named(str(self.query_one("#preset", Select).value))

    @property
    def focused_setting(self) -> SettingInput | None:
        """The setting that is being edited."""
        return next((setting for setting in self.query(SettingInput) if setting.has_focus_within), None)

    @property
    def invalid(self) -> Widget | None:
        """The first box of a number with something in it that will not do."""
        if self._limit_reason():
            return self.query_one("#limit", Input)
        return next((setting.box for setting in self.query(SettingInput) if not setting.is_valid), None)

    def read(self) -> RunConfig:
        """Return what is asked for.

        Raises:
            UserError: something typed will not do.
        """
        return RunConfig(
            preset=self.preset.name,
            corpus=CorpusConfig.typed(
                self.query_one("#corpus", Input).value,
                self.limit,
                self.query_one("#split", Select).value,  # type: ignore[arg-type]
                *self._reading,
            ),
            model=configure(self.preset.model, self._values(ModelConfig)),
            training=configure(self.preset.training, self._values(TrainingConfig)),
        )

    def show(self, config: RunConfig) -> None:
        """Put what a run was asked to do into the boxes."""
        self._suited = ""
        self._show(config)

    def take_text(self, source: str, encoding: str | None = None, encoding_errors: Errors = "strict") -> None:
        """Put a text's name or path into its box, and its encoding into those among the settings."""
        reading = structs.replace(self._begin.corpus, encoding=encoding, encoding_errors=encoding_errors)
        self._begin = structs.replace(self._begin, corpus=reading)
        for setting in self.query(SettingInput):
            if setting.field.name in ("encoding", "encoding_errors"):
                setting.show(getattr(reading, setting.field.name) or "", usual=setting.field.default)
        self.query_one("#corpus", Input).value = source

    def complain_about_text(self, reason: str) -> None:
        """Say beneath the text what is wrong with it; nothing takes it back."""
        self._complain("#text-reason", reason)

    def _complain(self, selector: str, reason: str) -> None:
        line = self.query_one(selector, Static)
        line.update(sanitise(reason))
        line.set_class(bool(reason), "-shown")

    def toggle_rest(self) -> None:
        """Unfold the settings that matter less, or fold them away."""
        collapsible = self.query_one(Collapsible)
        collapsible.collapsed = not collapsible.collapsed

    @property
    def limit(self) -> int | None:
        """How many characters to take from the start; None for all.

        Raises:
            UserError: what was typed is no such number.
        """
        typed = self.query_one("#limit", Input).value.strip()
        if not typed:
            return None
        limit = 0
        try:
            limit = read_number(typed, int)
        except UnclearNumberError as error:
            raise UserError(f"characters: {error}") from None
        except UserError:
            pass
        if not 1 <= limit < MAX_LIMIT:
            raise UserError(
                f"characters must be a whole number from 1, or nothing for the whole text, not {shortened(typed)}."
            )
        return limit

    @property
    def limit_or_none(self) -> int | None:
        """How many characters to take; None also where what was typed is no such number."""
        with contextlib.suppress(UserError):
            return self.limit
        return None

    @property
    def validation_or_usual(self) -> float:
        """The share kept for validation; the preset's where what was typed will not do."""
        with contextlib.suppress(UserError):
            return float(self._values(TrainingConfig)["validation"])
        return self.preset.training.validation

    @property
    def reading_or_usual(self) -> tuple[str | None, Errors]:
        """The encoding that was typed, and what becomes of bytes not in it; found and refused where it will not do."""
        with contextlib.suppress(UserError):
            return self._reading
        return None, "strict"

    # --- what the widgets say

    @on(Select.Changed, "#preset")
    def _take_preset(self, event: Select.Changed) -> None:
        event.stop()
        if self.preset.name == self._begin.preset:  # said of the first one, too
            return
        if self.preset.name != self._suited:
            self._suited = ""
        self._begin = structs.replace(self._begin, preset=self.preset.name)
        self.query_one("#purpose", Static).update(self.preset.purpose)
        self._show_settings(self.preset.model, self.preset.training)
        self.post_message(self.Changed())

    @on(Select.Changed, "#split")
    def _explain_split(self, event: Select.Changed) -> None:
        event.stop()
        self.query_one("#split-means", FittingText).show(SPLIT_MEANS[event.value])  # type: ignore[index]
        self.post_message(self.Changed())

    @on(Input.Changed, "#corpus, #limit")
    def _suit_the_text(self, event: Input.Changed) -> None:
        """Take the preset that suits the text, unless another was chosen or its settings were changed."""
        event.stop()
        self._complain("#limit-reason", self._limit_reason())
        if event.input.id == "corpus":
            self.complain_about_text("")
        size = _size_of(self.query_one("#corpus", Input).value)
        if self._suited and size is not None and not self._is_changed:
            with contextlib.suppress(UserError):
                self._suited = preset_for(min(size, self.limit or size)).name
                self.query_one("#preset", Select).value = self._suited
        self.post_message(self.Changed())

    @on(SettingInput.Changed)
    def _pass_on(self, event: SettingInput.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _go_to_next_field(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @on(FetchBar.Changed)
    def _welcome_moliere(self) -> None:
        """Take Molière's plays once they are here, unless another text was chosen."""
        text = self.query_one("#corpus", Input)
        if MOLIERE.here and text.value == PLAY.name:
            text.value = MOLIERE.name

    @on(Collapsible.Expanded)
    async def _make_rest(self) -> None:
        if self._rest_is_there:
            return
        self._rest_is_there = True
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
        for column, field in zip(columns.children, reading_fields(), strict=True):
            begin = getattr(self._begin.corpus, field.name) or ""
            await column.mount(SettingInput(field, begin, usual=field.default))

    # --- the settings

    def _settings(self, config: type[Struct], names: tuple[str, ...], preset: Preset) -> list[SettingInput]:
        of_model = config is ModelConfig
        begin, usual = (self._begin.model, preset.model) if of_model else (self._begin.training, preset.training)
        known = {field.name: field for field in fields_of(config)}
        return [
            SettingInput(known[name], getattr(begin, name), usual=getattr(usual, name), box=FieldInput)
            for name in names
        ]

    def _values(self, config: type[Struct]) -> dict[str, Value]:
        """Return what the boxes say; for settings that were never unfolded, what they are to be."""
        begin = self._begin.model if config is ModelConfig else self._begin.training
        there = {setting.field.name: setting for setting in self.query(SettingInput)}
        names = [field.name for field in fields_of(config)]
        return {name: there[name].value if name in there else getattr(begin, name) for name in names}

    @property
    def _reading(self) -> tuple[str | None, Errors]:
        """The encoding that was typed, None where it is to be found, and what becomes of bytes that are not in it.

        Raises:
            UserError: there is no such encoding.
        """
        there = {setting.field.name: setting for setting in self.query(SettingInput)}
        if "encoding" not in there:
            return self._begin.corpus.encoding, self._begin.corpus.encoding_errors
        encoding = str(there["encoding"].value).strip() or None
        return encoding, str(there["encoding_errors"].value)  # type: ignore[return-value]

    @property
    def _is_changed(self) -> bool:
        """Whether a setting on screen is not the preset's."""
        settings = self.query(SettingInput)
        return any(setting.is_changed for setting in settings if not isinstance(setting.field, ReadingField))

    def _show(self, config: RunConfig) -> None:
        self._begin = config
        self.query_one("#corpus", Input).value = config.corpus.source
        self.query_one("#limit", Input).value = str(config.corpus.limit) if config.corpus.limit else ""
        preset = preset_or_default(config.preset)
        with self.prevent(Select.Changed):
            self.query_one("#split", Select).value = config.corpus.split
            self.query_one("#preset", Select).value = preset.name
        self.query_one("#split-means", FittingText).show(SPLIT_MEANS[config.corpus.split])
        self.query_one("#purpose", Static).update(preset.purpose)
        self._show_settings(config.model, config.training)
        for setting in self.query(SettingInput):
            if isinstance(setting.field, ReadingField):
                setting.show(getattr(config.corpus, setting.field.name) or "", usual=setting.field.default)

    def _show_settings(self, model: ModelConfig, training: TrainingConfig) -> None:
        self._begin = structs.replace(self._begin, model=model, training=training)
        self._fill(self._begin)

    def _fill(self, config: RunConfig) -> None:
        for setting in self.query(SettingInput):
            name = setting.field.name
            if isinstance(setting.field, ReadingField):  # of the text, whatever the preset
                continue
            of_model = hasattr(config.model, name)
            value = getattr(config.model if of_model else config.training, name)
            setting.show(value, usual=getattr(self.preset.model if of_model else self.preset.training, name))

    def _limit_reason(self) -> str:
        """Return what is wrong with the number of characters; empty where nothing is."""
        try:
            _ = self.limit
        except UserError as error:
            return str(error)
        return ""


def preset_or_default(name: str) -> Preset:
    """Return the preset of that name, or, for one that is no more, the one to begin with."""
    return PRESETS.get(name) or preset_for(0)


def _usual() -> RunConfig:
    """Return what to begin with when nothing is remembered."""
    name = default_name()
    preset = preset_for(_size_of(name) or 0)
    return RunConfig(preset=preset.name, corpus=CorpusConfig.typed(name), model=preset.model, training=preset.training)
