"""Panel before a run: settings, forecast, explanation of the focused setting, and a preview of the text."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message
from textual.widgets import Button, Input

from charlstm_tui.state.app_state import AppState
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.training.explanation_panel import (
    ABOUT_LIMIT,
    ABOUT_SPLIT,
    ABOUT_START,
    ABOUT_TEXT,
    ExplanationPanel,
    about_preset,
    about_setting,
    rows_needed,
)
from charlstm_tui.widgets.training.fetch_bar import FetchBar
from charlstm_tui.widgets.training.forecast_panel import ForecastPanel
from charlstm_tui.widgets.training.settings_form import SettingsForm
from charlstm_tui.widgets.training.text_preview import TextPreview
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE
from core.errors import UserError
from core.files import here, user_path
from core.runs.run import RunConfig
from core.runs.store import RunStore

HOW_TO_START = "s starts training. Tab or Enter: next field. Esc leaves the fields."
_ABOUT_BOXES = {
    "corpus": ("text", ABOUT_TEXT),
    "limit": ("characters", ABOUT_LIMIT),
    "split": ("split", ABOUT_SPLIT),
    "start-model": ("start from", ABOUT_START),
}
_WIDE = 100
"""Minimum columns of the window for showing the form and the forecast side by side."""
_ROWS = {True: (24, 30), False: (29, 36)}
"""Minimum rows for the explanation, and for the preview as well if the form is low; by whether the panel is wide."""
_BUTTON_ROWS = 1
_FORECAST_ROWS = 3
"""Maximum rows of the forecast where it is below the form, as in the styles."""


class SettingsPanel(Vertical):
    """Sends `StartRequested` to start a run. `quiet` during a run: forecasts would slow it down, so none are made."""

    DEFAULT_CSS: ClassVar[str] = """
    SettingsPanel {
        padding: 0 1; height: 1fr;
        & #form-and-forecast { height: 1fr; layout: vertical; }
        & #forecast { height: auto; max-height: 3; }
        & #below { display: none; height: 1fr; layout: vertical; margin-top: 1; }
        & #explanation { height: 1fr; border-title-color: $text-muted; border-title-style: bold; }
        & #look { display: none; height: 1fr; border-title-color: $text-muted; padding: 0 1; }
        & #hint { height: auto; min-height: 1; max-height: 3; color: $text-muted; }
        & #hint.-trouble { color: $text-error; }
        &.-roomy {
            & #form-and-forecast, & SettingsForm, & SettingsForm #fields { height: auto; }
            & SettingsForm #fields { max-height: 100%; }
            & #below { display: block; }
            & #explanation { padding: 0 1; border: round $foreground 30%; }
        }
        &.-previewed #look { display: block; border: round $foreground 30%; }
        &.-wide {
            padding: 0 2;
            & #form-and-forecast { layout: horizontal; }
            & SettingsForm { width: 2fr; }
            & #forecast {
                width: 1fr; max-width: 60; height: auto; max-height: 100%; margin-left: 2; padding: 0 2;
                border: round $foreground 30%; border-title-color: $text-muted;
            }
            & #below { layout: horizontal; }
            & #explanation { width: 1fr; }
            & #look { width: 1fr; margin-left: 1; }
        }
        &.-spacious { padding: 1 1 0 1; }
        &.-wide.-spacious { padding: 1 2 0 2; }
    }
    """

    class StartRequested(Message):
        """Sent with valid settings when the user starts a run."""

        def __init__(self, config: RunConfig) -> None:
            super().__init__()
            self.config = config

    def __init__(self, store: RunStore, remembered: RunConfig | None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._store = store
        self.quiet = False
        self._remembered = remembered
        self._complaint = ""  # why the last start failed; empty once a setting has changed
        self._forecast_is_due = False

    def compose(self) -> ComposeResult:
        """Lay out the parts that appear first; `lay_out` adds the form."""
        yield Horizontal(id="form-and-forecast")
        yield Vertical(id="below")
        yield PlainText(HOW_TO_START, id="hint")
        yield Button("Start training", id="start", compact=True)

    async def lay_out(self) -> None:
        """Create the form, the forecast, the explanation and the preview."""
        forecast = ForecastPanel(id="forecast")
        forecast.border_title = "forecast"
        await self.query_one("#below").mount(ExplanationPanel(id="explanation"), TextPreview(id="look"))
        await self.query_one("#form-and-forecast").mount(SettingsForm(self._store, self._remembered), forecast)
        self._explain()
        for name in ("#fields", "#hint"):
            self.watch(self.query_one(name), "virtual_size", self._divide_rows_afterwards, init=False)
        self._divide_rows_afterwards()

    @property
    def form(self) -> SettingsForm:
        """The form with the settings."""
        return self.query_one(SettingsForm)

    @property
    def fetch_line(self) -> FetchBar:
        """The line that downloads Molière's plays."""
        return self.query_one(FetchBar)

    # --- keys

    def start(self) -> None:
        """Request a run with the settings on screen; if one is not valid, focus it and show the reason."""
        form = self.form
        try:
            form.start.look_again()
            config = form.read()
        except UserError as error:
            (form.invalid or self.query_one("#corpus", Input)).focus()
            self.complain(str(error))
            return
        self.query_one(ForecastPanel).stop()
        self.post_message(self.StartRequested(config))

    @property
    def folder(self) -> Path:
        """Folder of the typed file, or the folder in which the app was started."""
        return _folder_of(self.query_one("#corpus", Input).value)

    def take_text(self, chosen: CorpusConfig | None) -> None:
        """Use the chosen text, or download it first if it is Molière's plays and missing; None changes nothing."""
        if chosen is None:
            return
        if chosen.source == MOLIERE.name and not MOLIERE.here:
            self.fetch_line.fetch()
        else:
            self.form.take_text(chosen)

    # --- events of the widgets

    def on_resize(self, event: events.Resize) -> None:
        """Show the parts that fit the new size."""
        wide = event.size.width >= _WIDE - 4
        for_explanation, for_text = _ROWS[wide]
        self.set_class(wide, "-wide")
        self.set_class(event.size.height >= for_explanation, "-roomy")
        self.set_class(event.size.height >= for_text, "-spacious")
        self._divide_rows()
        self._explain()

    def _divide_rows_afterwards(self) -> None:
        """Divide the rows once the layout is complete: the form or the hint has another height."""
        self.call_after_refresh(self._divide_rows)

    def _divide_rows(self) -> None:
        """Leave room for the longest explanation below the form; the form scrolls, and the preview gives way first."""
        if not self.query("SettingsForm Rest"):  # the form is not laid out yet
            return
        form, wide, columns = self.form, self.has_class("-wide"), self.content_size.width
        preset = form.preset
        texts = [about_preset(preset), *([Content(about)] for _, about in _ABOUT_BOXES.values())]
        texts += [about_setting(setting.field, preset) for setting in form.unfolded]
        alone, with_preview = rows_needed(texts, columns, side_by_side=wide)
        rows = self.content_size.height - max(1, self.query_one("#hint").size.height) - _BUTTON_ROWS
        rows -= sum(self.query_one(name).styles.margin.height for name in ("#below", "#start"))
        rows -= 0 if wide else _FORECAST_ROWS
        form_rows = form.query_one("#fields").virtual_size.height
        has_preview = self.has_class("-spacious") and form_rows <= rows - with_preview
        self.set_class(has_preview, "-previewed")
        self.query_one("#explanation").styles.min_height = None if wide else alone
        most = rows - (with_preview if has_preview else alone) if self.has_class("-roomy") else None
        form.styles.max_height = most
        self.query_one(ForecastPanel).styles.max_height = most if wide else None
        form.keep_rest_in_view()

    @on(Button.Pressed, "#start")
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        self.start()

    @on(SettingsForm.Changed)
    def _consider(self, event: SettingsForm.Changed) -> None:
        """Forecast a run with the changed settings."""
        event.stop()
        self._complaint = ""
        if not self._forecast_is_due:  # a preset changes thirty settings at once
            self._forecast_is_due = True
            self.call_after_refresh(self.estimate_run)

    def estimate_run(self) -> None:
        """Say what differs from the preset, forecast a run with these settings, and preview its text."""
        self._forecast_is_due = False
        self.form.tell_purpose()
        self._explain()
        self._divide_rows_afterwards()
        if self.quiet:
            return
        self.query_one(TextPreview).consider(self.form.text.sources, self.form.text.limit_or_none)
        try:
            config = self.form.read()
        except UserError:
            config = None
        self.query_one(ForecastPanel).consider(config)
        if isinstance(self.app, AppState):
            self.app.next_run = config

    @on(ForecastPanel.Refused)
    @on(TextPreview.Refused)
    def _say_what_is_wrong_with_the_text(self, event: ForecastPanel.Refused | TextPreview.Refused) -> None:
        if not self._complaint:
            self.form.text.complain_about_text(event.reason)

    @on(TextPreview.Looked)
    def _suit_the_folder(self, event: TextPreview.Looked) -> None:
        self.form.suit(event.characters)

    @on(DescendantFocus)
    def _explain_focused(self) -> None:
        self._explain()

    @on(DescendantBlur)
    def _explain_afterwards(self) -> None:
        self.call_after_refresh(self._explain)

    def complain(self, text: str) -> None:
        """Show an error until a setting changes."""
        self._complaint = text
        self._explain()

    def _explain(self) -> None:
        """Explain the focused field, and show an error or a hint below."""
        panels = self.query(ExplanationPanel)
        if not panels or not self.query(SettingsForm):
            return
        title, text, short = self._explanation()
        panels.first().show(title, text)
        if self._complaint:
            self._say(self._complaint, trouble=True)
        else:
            self._say(HOW_TO_START if self.has_class("-roomy") else short)

    def _explanation(self) -> tuple[str, Sequence[Content], str]:
        """Return the title, the explanation, and a short form for small windows, for the focused field."""
        form, preset = self.form, self.form.preset
        setting, focused = form.focused_setting, self.screen.focused
        if setting is not None:
            return setting.field.title, about_setting(setting.field, preset), setting.explanation
        name = focused.id if focused is not None else None
        if name in _ABOUT_BOXES:
            title, about = _ABOUT_BOXES[name]
            return title, [Content(about)], about.partition(". ")[0] + "."
        short = (
            f"{preset.purpose} Its test loss on {preset.measured.text} was {preset.measured.test_loss}."
            if name == "preset"
            else HOW_TO_START
        )
        return "preset", about_preset(preset), short

    def _say(self, text: str, *, trouble: bool = False) -> None:
        hint = self.query_one("#hint", PlainText)
        hint.update(text)
        hint.set_class(trouble, "-trouble")


def _folder_of(source: str) -> Path:
    """Return the folder of the typed file, or the folder in which the app was started."""
    with contextlib.suppress(UserError, OSError, ValueError):
        typed = user_path(source).absolute()
        if typed.is_file():
            return typed.parent
        if typed.is_dir():
            return typed
    return here()
