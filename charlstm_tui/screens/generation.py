"""Generate: a model continues a prompt, character by character."""

import contextlib
import time
from functools import partial
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Input, Label, Select

from charlstm_tui.jobs.generation import (
    Expecting,
    TrainingWords,
    Writer,
    Written,
    three_temperatures,
    words_of_training_text,
)
from charlstm_tui.jobs.job import CONSIDERATE_INTERVAL, TRAINING_INTERVAL, WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.screens.base import ModeScreen
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.state.job_events import Doing, Prompted
from charlstm_tui.state.messages import ChangePreferences
from charlstm_tui.state.training import is_training
from charlstm_tui.terminal.clipboard import copy
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.prompt_input import GenerationPrompt, PromptInput
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.generation.generation_settings import GenerationSettings
from charlstm_tui.widgets.generation.text_panes import TextPanes
from core.errors import UserError
from core.runs.store import RunStore
from core.text import count_of, read_escapes

HINT = (
    "Type a prompt below and press Enter: the model continues it.\n"
    "The prompt may be empty. \\n is a new line, as in HARPAGON.\\n\\n"
)
MAX_PROMPTS = 50
"""Number of prompts that are remembered."""


class GenerationScreen(ModeScreen):
    """Screen that generates text from a prompt; the settings can be changed during generation."""

    CSS_PATH = "generation.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "Generate"),
        Binding("escape", "stop", "Stop"),
        Binding("escape", "leave_field", "Leave the field", show=False),
        Binding("c", "continue", "Continue"),
        Binding("i", "prompt", "Prompt"),
        Binding("n", "another", "Generate with the next seed", show=False),
        Binding("h", "three", "3 temps", tooltip="at three temperatures, side by side"),
        Binding("t", "tint", "Tint"),
        Binding("left_square_bracket", "warm(-1)", "Temperature down by 0.1", key_display="[", show=False),
        Binding("right_square_bracket", "warm(1)", "Temperature up by 0.1", key_display="]", show=False),
        Binding("y", "copy", "Copy"),
        Binding("s", "save", "Save"),
    ]

    def __init__(self, store: RunStore, prompts: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._store = store
        self._prompts = prompts
        self._job = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._words_job = LatestJob(self, on_items=self._take_words, on_end=lambda _: None)  # on failure: no figure
        self._writer: Writer | None = None
        self._author = ""  # name of the model of the current or last text
        self._shown = 0  # number of characters generated, per text
        self._since = (0.0, 0)  # time and number of characters at the last start or continuation

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
            yield GenerationSettings(id="settings")
            yield TextPanes(HINT, id="desk")
            with Horizontal(id="bottom"):
                yield Label("prompt ▸")
                yield GenerationPrompt(self._prompts, id="prompt", compact=True)
                yield PlainText("Enter generates", id="status")
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Refresh the list of runs."""
        self.query_one(CheckpointSelect).refresh_runs()

    def on_unmount(self) -> None:
        """Stop all worker threads."""
        self.action_stop()
        self._words_job.drop()

    # --- key actions

    @on(Input.Submitted)
    async def action_write(self) -> None:
        """Generate from the prompt."""
        await self._begin(three=False)

    async def action_three(self) -> None:
        """Generate from the prompt at three temperatures, side by side."""
        await self._begin(three=True)

    async def action_another(self) -> None:
        """Generate from the prompt with the next seed."""
        self.settings.take_next_seed()
        await self._begin(three=False)

    def action_continue(self) -> None:
        """Continue the stopped text, also beyond the requested length."""
        if self._writer is not None and not self._job.running:
            self._writer.go_on()
            self._set_going()

    def action_stop(self) -> None:
        """Stop the generation."""
        self._job.stop()

    def action_warm(self, by: int) -> None:
        """Change the temperature, also during generation."""
        self.settings.warm(by)

    def action_tint(self) -> None:
        """Switch the tint by surprisal on or off."""
        self.panes.toggle_tint()

    def action_prompt(self) -> None:
        """Focus the prompt box."""
        self.query_one("#prompt", Input).focus()

    def action_copy(self) -> None:
        """Copy the selection; if there is none, copy the whole text."""
        copy(self.app, self.get_selected_text() or self.panes.text)

    def action_save(self) -> None:
        """Ask for a file and save the text to it."""
        seed = self._writer.config.seed if self._writer is not None else 0
        self.app.push_screen(AskFile(f"{self._author or 'text'}-seed{seed}.txt"), self._save)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        writing, there = self._job.running, self._shown > 0
        match action:
            case "write" | "three" | "another":
                return not writing
            case "continue" | "save":
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
    def settings(self) -> GenerationSettings:
        """The sampling settings."""
        return self.query_one(GenerationSettings)

    @property
    def panes(self) -> TextPanes:
        """The panes of the generated texts."""
        return self.query_one(TextPanes)

    # --- generation

    async def _begin(self, *, three: bool) -> None:
        if self._job.running:
            return
        try:
            path = self.query_one(CheckpointSelect).checkpoint(str(self.query_one("#which", Select).value))
            sampling, writing = self.settings.sampling, self.settings.writing
        except UserError as error:
            self.notify(str(error), severity="warning")
            return
        self._author = self.query_one(CheckpointSelect).chosen_name
        box = self.query_one("#prompt", PromptInput)
        prompt = read_escapes(box.take())
        if box.remember():
            self.post_message(ChangePreferences(prompts=box.remembered[-MAX_PROMPTS:]))
        temperatures = three_temperatures(sampling.temperature) if three else (sampling.temperature,)
        self._writer = Writer(path, prompt, sampling, temperatures, length=writing.length, pace=writing.pace)
        await self.panes.begin(prompt, self._writer.temperatures)
        self._words_job.drop()
        if three:
            read_words = partial(words_of_training_text, path=path)
            self._words_job.start(read_words, name="words", interval=TRAINING_INTERVAL)
        self._shown = 0
        self._set_going()

    def _set_going(self) -> None:
        assert self._writer is not None
        self.panes.focus_text()  # letters are keys during generation
        self._since = (0.0, self._shown)
        self._writer.considerate = is_training(self.app)
        interval = CONSIDERATE_INTERVAL if self._writer.considerate else WRITING_INTERVAL
        self._job.start(self._writer.write, name="write", interval=interval)
        self.refresh_bindings()

    def _save(self, name: str | None) -> None:
        if name is not None:
            self.save_file(name, lambda: (self.panes.text + "\n").encode("utf-8", "replace"))

    def choose(self, run: str) -> None:
        """Choose a run to generate with, and focus the prompt box."""
        self.query_one(CheckpointSelect).choose(run)
        self.action_prompt()

    # --- messages of the widgets and the job

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _explain(self) -> None:
        """Show the explanation of the focused setting in the frame of the text."""
        self.panes.explain(self.settings.explanation)
        self.refresh_bindings()

    @on(Select.Changed, "#model")
    def _suggest(self) -> None:
        """Suggest a prompt that suits the corpus of the chosen model."""
        self.query_one(PromptInput).suggest(self.query_one(CheckpointSelect).suggested_prompt)

    @on(SettingInput.Changed)
    def _change(self) -> None:
        """Apply the present settings to the text under way."""
        if self._writer is None:
            return
        with contextlib.suppress(UserError):
            writing = self.settings.writing
            self._writer.pace, self._writer.length = writing.pace, writing.length
        with contextlib.suppress(UserError):
            sampling = self.settings.sampling
            self._writer.change(msgspec.structs.replace(sampling, seed=self._writer.config.seed))
            if not self._job.running and (expecting := self._writer.expecting()):
                self.panes.expect(expecting)

    def _follow(self, items: tuple[object, ...]) -> None:
        if self._writer is not None:
            self._writer.considerate = is_training(self.app)
        written: list[Written] = []
        for item in items:
            match item:
                case Doing(what=what):
                    self._say(what)
                case Prompted(notice=notice) if notice:
                    self.notify(notice)
                case Expecting():
                    self.panes.expect(item)
                case Written():
                    written.append(item)
        self.panes.append(written)
        if written:
            if not self._since[0]:  # the speed must not include the time that loads the model
                self._since = (time.monotonic(), self._shown)
            if not self._shown:
                self.call_later(self.refresh_bindings)  # there is now text to copy
            self._shown += sum(len(one.text) for one in written if one.lane == 0)
            self._count()

    def _take_words(self, items: tuple[object, ...]) -> None:
        for words in items:
            if isinstance(words, TrainingWords):
                self.panes.know(words)

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

    def _say(self, text: str) -> None:
        self.query_one("#status", PlainText).update(text)
