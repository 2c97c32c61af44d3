"""Generate: a model continues a prompt, character by character."""

import contextlib
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Input, Label, Select

from charlstm_tui.jobs.generation import Expecting, Writer, Written, three_temperatures
from charlstm_tui.jobs.job import CONSIDERATE_INTERVAL, WRITING_INTERVAL, Ending, LatestJob
from charlstm_tui.jobs.written_texts import WrittenTexts
from charlstm_tui.screens.base import ModeScreen, save_file
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.screens.generation_keys import BINDINGS, is_offered
from charlstm_tui.state.job_events import Doing, Prompted
from charlstm_tui.state.messages import ChangePreferences, FactsKnown
from charlstm_tui.state.training import is_training
from charlstm_tui.terminal.clipboard import copy
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.model_row import ChosenModel, ModelRow
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.common.prompt_input import GenerationPrompt, PromptInput
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.generation.generation_settings import GenerationSettings
from charlstm_tui.widgets.generation.text_panes import TextPanes
from charlstm_tui.widgets.generation.together_panel import TogetherPanel
from core.errors import UserError
from core.runs.store import RunStore
from core.text import count_of, read_escapes

MAX_PROMPTS = 50
"""Number of prompts that are remembered."""


class GenerationScreen(ModeScreen):
    """Screen that generates text from a prompt; the settings can be changed during generation."""

    CSS_PATH = "generation.tcss"
    AUTO_FOCUS = "#prompt"
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(self, store: RunStore, prompts: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._store = store
        self._prompts = prompts
        self.settings = GenerationSettings(id="settings")
        self.panes = TextPanes(id="desk")
        self.together = TogetherPanel(id="together")
        self._job = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._writer: Writer | None = None
        self._author: ChosenModel | None = None  # the model of the current or last text
        self._texts = WrittenTexts()

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopBar("generate")
        with Vertical(id="body"):
            yield ModelRow(self._store, classes="row")
            yield self.settings
            with Horizontal(id="texts"):
                yield self.panes
                yield self.together
            with Horizontal(id="bottom"):
                yield Label("prompt ▸")
                yield GenerationPrompt(self._prompts, id="prompt", compact=True)
                yield PlainText("Enter generates", id="status")
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Refresh the list of runs."""
        self.query_one(CheckpointSelect).refresh_runs()

    def on_unmount(self) -> None:
        """Stop the worker thread."""
        self.action_stop()

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
        self.post_message(FactsKnown({"generation.tinted": self.panes.panes[0].tinted}))

    async def action_write_together(self) -> None:
        """Write together with the model: the text on screen, or a new one if the model or the prompt was changed."""
        if self._job.running or self.together.is_active or not (self._is_current() or await self._set_up()):
            return
        assert self._writer is not None
        self.add_class("-together")
        self._writer.considerate = is_training(self.app)
        self.together.begin(self._writer, self.panes)
        self.refresh_bindings()

    def action_together(self, what: str) -> None:
        """Do what a key asks for while the person and the model write together."""
        self.together.do(what)

    def action_prompt(self) -> None:
        """Focus the prompt box."""
        self.query_one("#prompt", Input).focus()

    def action_copy(self) -> None:
        """Copy the selection; if there is none, copy the whole text."""
        copy(self.app, self.get_selected_text() or self.panes.text)

    def action_save(self) -> None:
        """Ask for a file and save the text to it."""
        seed = self._writer.config.seed if self._writer is not None else 0
        self.app.push_screen(AskFile(f"{self._author.name if self._author else 'text'}-seed{seed}.txt"), self._save)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
        if action == "leave_field":
            return self.focused is not None and not self.together.is_active
        if action == "prompt" and isinstance(self.focused, Input):
            return False
        return is_offered(
            action,
            writes=self._job.running,
            has_text=self._texts.shown > 0,
            can_continue=self._writer is not None and self._writer.is_ready,
            together=self.together.is_active,
        )

    # --- generation

    async def _begin(self, *, three: bool) -> None:
        if not self._job.running and await self._set_up(three=three):
            self._set_going()

    def _is_current(self) -> bool:
        """Return whether there is a single text, of the chosen model and the prompt in the box."""
        with contextlib.suppress(UserError):
            prompt = read_escapes(self.query_one(PromptInput).take())
            return self._writer is not None and self._writer.has_text_of(self.query_one(ModelRow).chosen.path, prompt)
        return False

    async def _set_up(self, *, three: bool = False) -> bool:
        """Prepare a new text with the present settings; return False and say why, if a setting is wrong."""
        try:
            chosen = self.query_one(ModelRow).chosen
            sampling, writing = self.settings.sampling, self.settings.writing
        except UserError as error:
            self.notify(str(error), severity="warning")
            return False
        self._author = chosen
        box = self.query_one("#prompt", PromptInput)
        prompt = read_escapes(box.take())
        if box.remember():
            self.post_message(ChangePreferences(prompts=box.remembered[-MAX_PROMPTS:]))
        temperatures = three_temperatures(sampling.temperature) if three else (sampling.temperature,)
        self._writer = Writer(chosen.path, prompt, sampling, temperatures, writing=writing)
        await self.panes.begin(prompt, self._writer.temperatures)
        if three:
            self.panes.count_known_words(chosen.path)
        self._texts = WrittenTexts()
        return True

    def _set_going(self) -> None:
        assert self._writer is not None
        self.panes.focus_text()  # letters are keys during generation
        self._texts.continue_here()
        self._writer.considerate = is_training(self.app)
        interval = CONSIDERATE_INTERVAL if self._writer.considerate else WRITING_INTERVAL
        self._job.start(self._writer.write, name="write", interval=interval)
        self.refresh_bindings()

    def _save(self, name: str | None) -> None:
        if name is not None:
            save_file(self, name, lambda: (self.panes.text + "\n").encode("utf-8", "replace"))

    def choose(self, run: str) -> None:
        """Choose a run to generate with, and focus the prompt box."""
        self.together.leave()
        self.query_one(CheckpointSelect).choose(run)
        self.action_prompt()

    # --- messages of the widgets and the job

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _explain(self) -> None:
        """Show the explanation of the focused setting in the frame of the text."""
        if self.together.is_active:
            self.together.focus()  # it takes all keys
        else:
            self.panes.explain(self.settings.explanation)
        self.refresh_bindings()

    @on(Select.Changed, "#model,#which")
    def _choose(self) -> None:
        """Suggest a prompt that suits the corpus of the chosen model, and say whose the text on screen is."""
        self.query_one(PromptInput).suggest(self.query_one(CheckpointSelect).suggested_prompt)
        if self._texts.shown and not self._job.running:
            self._count()

    @on(SettingInput.Changed)
    def _change(self) -> None:
        """Apply the present settings to the text under way."""
        if self._writer is None:
            return
        with contextlib.suppress(UserError):
            self._writer.writing = self.settings.writing
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
            if not self._texts.shown:
                self.call_later(self.refresh_bindings)  # there is now text to copy
            self._texts.add(written)
            self._count()

    def _end(self, ending: Ending) -> None:
        if ending.error:
            self._say("")
            self.notify(ending.error, severity="error", timeout=10)
        else:
            self._count()
            self._tell_lesson(ending)
        self.refresh_bindings()

    def _tell_lesson(self, ending: Ending) -> None:
        """Tell a lesson of the texts, one after the other."""
        if self._writer is None or self._author is None or not self._texts.shown:
            return
        for lane, pane in enumerate(self.panes.panes):
            facts = self._texts.facts(lane, self._writer) | {
                "model": self._author.name, "text": pane.text, "tinted": self.panes.panes[0].tinted,
                "is_done": not ending.stopped,
            }  # fmt: skip
            counting = ("generation.count",) if not ending.stopped else ()
            named = {f"generation.{name}": value for name, value in facts.items()}
            self.post_message(FactsKnown(named, counting=counting))

    @on(TogetherPanel.Left)
    def _leave_together(self, event: TogetherPanel.Left) -> None:
        """Show the settings again; the text can be continued as any other."""
        self.remove_class("-together")
        self._texts.length_is(self._writer.written if self._writer is not None else 0)
        self._end(Ending(event.error, stopped=True))
        self._change()
        self.panes.focus_text()

    def _count(self) -> None:
        rate = self._texts.speed if self._job.running else None
        speed = f" · {rate:,.0f}/s" if rate is not None else ""
        ended = self._writer is not None and not self._job.running and self._writer.has_ended
        how = " · its end; c continues" if ended and self.size.width >= 100 else " · its end" if ended else ""
        whose = self.query_one(ModelRow).note_on(self._author)
        self._say(f"{count_of(self._texts.shown, 'character')}{' by ' + whose if whose else ''}{speed}{how}")

    def _say(self, text: str) -> None:
        self.query_one("#status", PlainText).update(text)
