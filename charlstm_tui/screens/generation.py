"""Generate: a prompt, and what the model makes of it, character by character."""

import contextlib
import time
from functools import partial
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ItemGrid, Vertical
from textual.events import DescendantBlur, DescendantFocus, Resize
from textual.widgets import Input, Label, Select

from charlstm_tui.formatting.outside_text import plain_title
from charlstm_tui.formatting.text_statistics import TextFigures
from charlstm_tui.jobs.generation import Expecting, TrainingWords, Writer, Written, words_of_training_text
from charlstm_tui.jobs.job import CONSIDERATE_INTERVAL, TRAINING_INTERVAL, WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.screens.base import ModeScreen
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.state.job_events import Doing, Prompted
from charlstm_tui.state.messages import ChangePreferences
from charlstm_tui.state.training import is_training
from charlstm_tui.terminal.clipboard import copy
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.next_char_bars import NextCharBars
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.prompt_input import GenerationPrompt, PromptInput
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.stream_pane import StreamPane
from charlstm_tui.widgets.common.top_bar import TopBar
from core.errors import UserError
from core.runs.store import RunStore
from core.settings.config import SamplingConfig, Value, configure, fields_of
from core.text import count_of, read_escapes

HINT = (
    "Type a prompt below and press Enter: the model continues it.\n"
    "The prompt may be empty. \\n stands for a new line, as in HARPAGON.\\n\\n"
)
MAX_PROMPTS = 50
"""Remembered."""
WARMER = 0.1


class WritingConfig(Struct, frozen=True, kw_only=True):
    """How a text is shown, beside how it is drawn."""

    length: Annotated[int, Meta(ge=0, le=10_000_000, description="Characters to write; 0 never ends.")] = 1000
    pace: Annotated[
        float, Meta(ge=0, le=1_000_000, description="Characters a second, at most; 0 is as fast as they come.")
    ] = 60.0


class GenerationScreen(ModeScreen):
    """Type a prompt, watch the text grow, stop it, go on, change what it is drawn by meanwhile."""

    CSS_PATH = "generation.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "Write"),
        Binding("escape", "stop", "Stop"),
        Binding("escape", "leave_field", "Leave the field", show=False),
        Binding("c", "go_on", "Go on"),
        Binding("i", "prompt", "Prompt"),
        Binding("n", "another", "Write with the next seed", show=False),
        Binding("h", "three", "Three", tooltip="at three temperatures, side by side"),
        Binding("t", "tint", "Tint"),
        Binding("left_square_bracket", "warm(-1)", "Colder, by 0.1", key_display="[", show=False),
        Binding("right_square_bracket", "warm(1)", "Warmer, by 0.1", key_display="]", show=False),
        Binding("y", "copy", "Copy"),
        Binding("s", "save", "Save"),
    ]

    def __init__(self, store: RunStore, prompts: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._store = store
        self._prompts = prompts
        self._job = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._words_job = LatestJob(self, on_items=self._take_words, on_end=lambda _: None)  # none there, none told
        self._writer: Writer | None = None
        self._figures: list[TextFigures] = []  # of each of the texts side by side
        self._author = ""  # the name of the model that writes, or wrote
        self._shown = 0  # characters, of each text
        self._since = (0.0, 0)  # when, and with how much written, it was last set going

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopBar("generate")
        with Vertical(id="body"):
            with Horizontal(classes="row"):
                yield Label("model")
                yield CheckpointSelect(self._store, id="model")
                yield Select(
                    [("best epoch", "best"), ("last epoch", "last")], value="best", allow_blank=False, compact=True,
                    id="which",
                )  # fmt: skip
            with ItemGrid(min_column_width=24, id="settings"):
                for config in (SamplingConfig, WritingConfig):
                    for field in fields_of(config):
                        yield SettingInput(field)
            with Horizontal(id="desk"):
                yield StreamPane(HINT, id="text")
                yield NextCharBars(id="bars")
            with Horizontal(id="bottom"):
                yield Label("prompt ▸")
                yield GenerationPrompt(self._prompts, id="prompt", compact=True)
                yield PlainText("Enter generates", id="status")
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Look which runs there are."""
        self.query_one(CheckpointSelect).refresh_runs()

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.action_stop()
        self._words_job.drop()

    # --- what the keys do

    async def action_write(self) -> None:
        """Write from the prompt."""
        await self._begin(three=False)

    async def action_three(self) -> None:
        """Write from the prompt at three temperatures, side by side."""
        await self._begin(three=True)

    async def action_another(self) -> None:
        """Write from the prompt with the next seed."""
        with contextlib.suppress(UserError):
            seed = self.query_one("#setting-seed", SettingInput)
            seed.show((int(seed.value) + 1) % 2**32, usual=0)
        await self._begin(three=False)

    def action_go_on(self) -> None:
        """Go on with the text where it was stopped, or beyond where it was complete."""
        if self._writer is not None and not self._job.running:
            self._writer.go_on()
            self._set_going()

    def action_stop(self) -> None:
        """Stop the text under way."""
        self._job.stop()

    def action_warm(self, by: int) -> None:
        """Change the temperature, of the text under way, too."""
        setting = self.query_one("#setting-temperature", SettingInput)
        with contextlib.suppress(UserError):
            setting.show(round(min(max(float(setting.value) + by * WARMER, 0), 100), 2), usual=setting.field.default)

    def action_tint(self) -> None:
        """Show each character by how little the model expected it, or no more."""
        tinted = not self.query(StreamPane).first().tinted
        for pane in self.query(StreamPane):
            pane.tinted = tinted

    def action_prompt(self) -> None:
        """Go to the prompt."""
        self.query_one("#prompt", Input).focus()

    def action_copy(self) -> None:
        """Copy what is selected, or else all that was written."""
        copy(self.app, self.get_selected_text() or self.text)

    def action_save(self) -> None:
        """Ask for a file and put the text into it."""
        seed = self._writer.config.seed if self._writer is not None else 0
        self.app.push_screen(AskFile(f"{self._author or 'text'}-seed{seed}.txt"), self._save)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        writing, there = self._job.running, self._shown > 0
        match action:
            case "write" | "three" | "another":
                return not writing
            case "go_on" | "save":
                return there and not writing
            case "copy" | "tint":
                return there
            case "leave_field":
                return self.focused is not None
            case "stop":
                return writing
            case "prompt":
                return not isinstance(self.focused, Input)
        return True

    @property
    def text(self) -> str:
        """All that was written; texts side by side one after the other, each under its temperature."""
        panes = list(self.query(StreamPane))
        if len(panes) == 1:
            return panes[0].text
        return "\n\n".join(f"--- {pane.name_of_text} ---\n{pane.text}" for pane in panes)

    # --- writing

    async def _begin(self, *, three: bool) -> None:
        if self._job.running:
            return
        try:
            path = self.query_one(CheckpointSelect).checkpoint(str(self.query_one("#which", Select).value))
            sampling = configure(SamplingConfig(), self._settings(SamplingConfig))
            writing = configure(WritingConfig(), self._settings(WritingConfig))
        except UserError as error:
            self.notify(str(error), severity="warning")
            return
        self._author = self.query_one(CheckpointSelect).chosen_name
        box = self.query_one("#prompt", PromptInput)
        prompt = read_escapes(box.take())
        if box.remember():
            self.post_message(ChangePreferences(prompts=box.remembered[-MAX_PROMPTS:]))
        middle = sampling.temperature
        temperatures = (middle / 2, middle, min(1.5 * middle, 100.0)) if middle else (0.0, 0.5, 1.0)
        self._writer = Writer(
            path, prompt, sampling, temperatures if three else (middle,), length=writing.length, pace=writing.pace
        )
        await self._lay_out(three=three)
        for pane in self.query(StreamPane):
            pane.begin(prompt)
        self._figures = [TextFigures() for _ in self._writer.temperatures] if three else []
        self._words_job.drop()
        if three:
            words = partial(words_of_training_text, path=path)
            self._words_job.start(words, name="words", interval=TRAINING_INTERVAL)
        self._shown = 0
        self._set_going()

    async def _lay_out(self, *, three: bool) -> None:
        """Have as many panes as there are texts."""
        panes = list(self.query(StreamPane))
        wanted = 3 if three else 1
        for pane in panes[wanted:]:
            await pane.remove()
        for number in range(len(panes), wanted):
            pane = StreamPane(id=f"text-{number}")
            pane.tinted = panes[0].tinted
            await self.query_one("#desk").mount(pane, before="#bars")
        self.query_one("#desk").set_class(three, "-three")
        assert self._writer is not None
        for pane, temperature in zip(self.query(StreamPane), self._writer.temperatures, strict=True):
            pane.border_title = ""
            pane.call(*(f"temperature {temperature:.3g}", f"{temperature:.3g}") if three else ("",))

    def _set_going(self) -> None:
        assert self._writer is not None
        self.query(StreamPane).first().focus()  # letters are keys while it writes
        self._since = (0.0, self._shown)
        self._writer.considerate = is_training(self.app)
        interval = CONSIDERATE_INTERVAL if self._writer.considerate else WRITING_INTERVAL
        self._job.start(self._writer.write, name="write", interval=interval)
        self.refresh_bindings()

    def _save(self, name: str | None) -> None:
        if name is not None:
            self.save_file(name, lambda: (self.text + "\n").encode("utf-8", "replace"))

    def choose(self, run: str) -> None:
        """Choose a run to write from, and go to the prompt."""
        self.query_one(CheckpointSelect).choose(run)
        self.action_prompt()

    # --- what the widgets and the job say

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _explain(self) -> None:
        """Say in the pane's frame what the focused setting means."""
        setting = next((setting for setting in self.query(SettingInput) if setting.has_focus_within), None)
        if not self.query_one("#desk").has_class("-three"):
            explanation = setting.explanation if setting is not None else ""
            self.query_one(StreamPane).border_title = plain_title(explanation)
        self.refresh_bindings()

    @on(Select.Changed, "#model")
    def _suggest(self) -> None:
        """Suggest a prompt that suits the text of the chosen model."""
        self.query_one(PromptInput).suggest(self.query_one(CheckpointSelect).suggested_prompt)

    @on(Input.Submitted)
    async def _submit(self) -> None:
        await self.action_write()

    @on(SettingInput.Changed)
    def _change(self) -> None:
        """Draw the text under way by what the settings are now."""
        if self._writer is None:
            return
        with contextlib.suppress(UserError):
            writing = configure(WritingConfig(), self._settings(WritingConfig))
            self._writer.pace, self._writer.length = writing.pace, writing.length
        with contextlib.suppress(UserError):
            sampling = configure(SamplingConfig(), self._settings(SamplingConfig))
            self._writer.change(msgspec.structs.replace(sampling, seed=self._writer.config.seed))
            if not self._job.running and (expecting := self._writer.expecting()):
                self.query_one(NextCharBars).show(expecting.alternatives)

    def _follow(self, items: tuple[object, ...]) -> None:
        if self._writer is not None:
            self._writer.considerate = is_training(self.app)
        panes = list(self.query(StreamPane))
        texts: list[list[Written]] = [[] for _ in panes]
        for item in items:
            match item:
                case Doing(what=what):
                    self._say(what)
                case Prompted(notice=notice) if notice:
                    self.notify(notice)
                case Expecting(alternatives=alternatives):
                    self.query_one(NextCharBars).show(alternatives)
                case Written(lane=lane):
                    texts[lane].append(item)
        for pane, written in zip(panes, texts, strict=True):
            if written:
                pane.append("".join(one.text for one in written), b"".join(one.levels for one in written))
        for figures, written in zip(self._figures, texts, strict=False):
            figures.add("".join(one.text for one in written), sum(one.surprise for one in written))
        self._tell_figures()
        if any(texts):
            if not self._since[0]:  # loading a model is not writing
                self._since = (time.monotonic(), self._shown)
            if not self._shown:
                self.call_later(self.refresh_bindings)  # there is something to copy now
            self._shown += sum(len(one.text) for one in texts[0])
            self._count()

    def _take_words(self, items: tuple[object, ...]) -> None:
        for words in items:
            if isinstance(words, TrainingWords) and self._writer is not None:
                for figures in self._figures:
                    figures.know(words.count_in(self._writer.prompt))
        self._tell_figures()

    @on(Resize)
    def _tell_anew(self) -> None:
        self.call_after_refresh(self._tell_figures)

    def _tell_figures(self) -> None:
        """Say in each frame how surprising the text is, and how many of its words are real ones."""
        panes = list(self.query(StreamPane))
        room = min(pane.size.width for pane in panes) - 4  # the same words in each frame
        for pane, figures in zip(panes, self._figures, strict=False):
            pane.note = figures.line(room)

    def _end(self, ending: Ending) -> None:
        if ending.error:
            self._say("")
            self.notify(ending.error, severity="error", timeout=10)
        else:
            self._count()
        self.refresh_bindings()

    def _count(self) -> None:
        since, before = self._since
        seconds = time.monotonic() - since
        speed = f" · {(self._shown - before) / seconds:,.0f}/s" if self._job.running and seconds > 0.5 else ""
        self._say(f"{count_of(self._shown, 'character')}{speed}")

    def _settings(self, config: type[Struct]) -> dict[str, Value]:
        names = [field.name for field in fields_of(config)]
        settings = {setting.field.name: setting for setting in self.query(SettingInput)}
        return {name: settings[name].value for name in names}

    def _say(self, text: str) -> None:
        self.query_one("#status", PlainText).update(text)
