"""Evaluate: how well a model predicts a text, what that means, where it fails, and whether it copies."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Label, ProgressBar, Select, Static

from charlstm_tui.formatting import report as report_view
from charlstm_tui.jobs import training as bridge
from charlstm_tui.jobs.evaluation import Measured, Read, assess_model, compare_models
from charlstm_tui.jobs.job import Ending, LatestJob
from charlstm_tui.jobs.training import Doing
from charlstm_tui.screens.base import FitsWindow
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.screens.missing_text import Answer, AskForText
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.evaluation.report_pages import ReportPages
from core.data.corpus import CorpusConfig
from core.data.known_texts import KNOWN, MOLIERE, PLAY
from core.data.splits import PARTS
from core.errors import UserError
from core.files import here, new_file, write_atomically
from core.reports.results import Comparison, EvaluationProgress, Stage
from core.runs.store import RunStore
from core.text import count_of, in_one_line, sanitise

if TYPE_CHECKING:
    from core.reports.report import Report

EMPTY = """Choose a model and press e. It reads the test part, new to it, and you see

  · its loss, what that means, and what counting n-grams achieves
  · where it fails: letters or capitals, names or speech
  · the passages it expected least and most, the text as a map of surprise
  · whether what it writes is copied"""
_OWN = "own"


class EvaluationScreen(FitsWindow, Screen[None]):
    """Choose a model and a text, measure, read what came of it from all sides."""

    CSS_PATH = "evaluation.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "evaluate", "Evaluate"),
        Binding("x,escape", "stop", "Stop"),
        Binding("left_square_bracket", "turn(-1)", "Pages", key_display="[ ]"),
        Binding("right_square_bracket", "turn(1)", "Next page", show=False),
        Binding("t", "text", "Text"),
        Binding("c", "compare", "Compare"),
        Binding("o", "other_text", "Open", tooltip="another text to measure on"),
        Binding("s", "save", "Save"),
    ]

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._assessing = LatestJob(self, on_items=self._follow, on_end=self._end_assessing)
        self._comparing = LatestJob(self, on_items=self._follow, on_end=self._end_comparing)
        self._fetching = LatestJob(self, on_items=self._follow_fetching, on_end=self._end_fetching)
        self._then: Callable[[], None] = lambda: None  # what to do once the text is fetched
        self._so_far = ""  # what was measured when it was stopped
        self._stopped = False  # whether that is all there is of the report
        self._compared = ("", "")  # the names of the models that are, or were, compared
        self._other_text: CorpusConfig | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopBar("evaluate")
        with Vertical(id="body"):
            with Horizontal(classes="choices"):
                yield Label("model")
                yield CheckpointSelect(self._store, id="model")
                yield Label("beside")
                yield CheckpointSelect(self._store, id="other", none="no other model")
            with Horizontal(classes="choices"):
                yield Label("text")
                yield Select(self._texts(), value=_OWN, allow_blank=False, compact=True, id="source")
                yield Label("split")
                yield Select(
                    [("its own", _OWN), ("tail", "tail"), ("interleaved", "interleaved")],
                    value=_OWN, allow_blank=False, compact=True, id="split",
                )  # fmt: skip
                yield Label("part")
                yield Select(
                    [*((part, part) for part in PARTS), ("all of it", "whole")],
                    value="test", allow_blank=False, compact=True, id="part",
                )  # fmt: skip
            with Horizontal(id="progress"):
                yield ProgressBar(show_eta=False)
                yield Static(id="doing")
            yield Static(EMPTY, id="about")
            yield ReportPages(id="report")
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Look which runs there are."""
        for select in self.query(CheckpointSelect):
            select.refresh_runs()

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.action_stop()

    @property
    def pages(self) -> ReportPages:
        """What was found out."""
        return self.query_one(ReportPages)

    # --- what the keys do

    def action_evaluate(self) -> None:
        """Measure the chosen model."""
        if (what := self._chosen()) is None or self._asks_for_text(what, self.action_evaluate):
            return
        self.pages.forget_report()
        self._assessing.start(partial(assess_model, what=what), name="evaluate", interval=bridge.TRAINING_INTERVAL)
        self._begin()

    def action_compare(self) -> None:
        """Measure the chosen model and the other one on the same text, side by side."""
        what = self._chosen()
        other = self.query_one("#other", CheckpointSelect)
        if what is None:
            return
        if other.selection is None:
            self.notify("Choose another model in the box beside it.", severity="warning")
            other.focus()
            return
        try:
            path = other.checkpoint_path
        except UserError as error:
            self._complain(error)
            return
        if self._asks_for_text(what, self.action_compare):
            return
        self._compared = (what.name, other.chosen_name)
        compare = partial(compare_models, what=what, other=path)
        self._comparing.start(compare, name="compare", interval=bridge.TRAINING_INTERVAL)
        self._begin()

    def evaluate(self, run: str) -> None:
        """Choose a run and measure it."""
        self.query_one("#model", CheckpointSelect).choose(run)
        if not self._busy:
            self.action_evaluate()

    def action_stop(self) -> None:
        """Stop measuring."""
        for job in (self._assessing, self._comparing, self._fetching):
            job.stop()

    def action_turn(self, by: int) -> None:
        """Turn to another page."""
        self.pages.turn(by)

    def action_text(self) -> None:
        """Go to the text."""
        self.pages.go_to_text()

    def action_other_text(self) -> None:
        """Choose another text to measure on."""
        from charlstm_tui.screens.text_picker import TextPicker

        text = self._other_text or CorpusConfig(source="")
        folder = Path(text.source).parent if text.source not in ("", *KNOWN) else here()
        picker = TextPicker(
            folder=folder if folder.is_dir() else here(),
            limit=None,
            validation=0.0,
            encoding=text.encoding,
            encoding_errors=text.encoding_errors,
        )
        self.app.push_screen(picker, self._take_text)

    def action_save(self) -> None:
        """Ask for a file and put the report into it."""
        if (report := self.pages.report) is not None:
            name = f"{report.model}-{report.evaluation.part}.md"
            self.app.push_screen(AskFile(name, title="save the report: .md, .csv or .json"), self._save)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        match action:
            case "evaluate" | "compare":
                return not self._busy
            case "stop":
                return self._busy
            case "text":
                return self.pages.surprisals is not None
            case "turn":
                return not self.pages.is_empty
            case "save":
                return self.pages.report is not None
        return True

    # --- measuring

    def _chosen(self) -> Measured | None:
        """Return what was chosen to be measured; None, and a notice, when that will not do."""
        models = self.query_one("#model", CheckpointSelect)
        source, split, part = (str(self.query_one(f"#{name}", Select).value) for name in ("source", "split", "part"))
        try:
            path = models.checkpoint_path
        except UserError as error:
            self._complain(error)
            return None
        return Measured(
            name=models.chosen_name,
            path=path,
            text=None if source == _OWN else self._other_text,
            split=None if split == _OWN else split,  # type: ignore[arg-type]
            part=part,  # type: ignore[arg-type]
        )

    @property
    def _busy(self) -> bool:
        return self._assessing.running or self._comparing.running or self._fetching.running

    def _asks_for_text(self, what: Measured, then: Callable[[], None]) -> bool:
        """Ask for a text, and do `then` with it, where the model's own was not fetched; tell whether that is so."""
        if what.text is None:
            missing = self.query_one("#model", CheckpointSelect).text_is_missing
        else:
            missing = what.text.source == MOLIERE.name and not MOLIERE.here
        if not missing:
            return False
        self._then = then
        self.app.push_screen(AskForText(), self._take_answer)
        return True

    def _take_answer(self, answer: Answer | None) -> None:
        if answer == "fetch":
            self._fetching.start(bridge.fetch_moliere, name="fetch", interval=bridge.TRAINING_INTERVAL)
            self._begin()
            self._show_progress(f"fetching {MOLIERE.title}", None)
        elif answer == "play":
            self._take_text(CorpusConfig(source=PLAY.name))
            self._then()

    def _follow_fetching(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, bridge.Fetching):
                self._show_progress(f"fetching {MOLIERE.title}", item.done)

    def _end_fetching(self, ending: Ending) -> None:
        self._end_comparing(ending)  # nothing was evaluated: what was on screen stays as it was
        if MOLIERE.here and not ending.stopped:
            self._then()

    def _begin(self) -> None:
        self._so_far = ""
        self.query_one("#about", Static).update("")
        self.query_one("#doing", Static).update("")
        self.query_one(ProgressBar).update(total=None, progress=0)
        self.add_class("-evaluating")
        self.refresh_bindings()

    def _texts(self) -> list[tuple[Content, str]]:
        texts = [(Content("its own"), _OWN)]
        if self._other_text is not None:
            texts.append((Content(in_one_line(self._other_text.name)), self._other_text.source))
        return texts

    def _take_text(self, chosen: CorpusConfig | None) -> None:
        if chosen is None:
            return
        self._other_text = chosen
        select = self.query_one("#source", Select)
        select.set_options(self._texts())
        select.value = chosen.source
        self.query_one("#part", Select).value = "whole"
        if chosen.source == MOLIERE.name and not MOLIERE.here and not self._busy:
            self._then = lambda: None
            self._take_answer("fetch")

    # --- what the jobs and the widgets say

    def _follow(self, items: tuple[object, ...]) -> None:
        for item in items:
            match item:
                case Doing(what=what):
                    self._show_progress(what, None)
                case EvaluationProgress(scored=scored, characters=characters):
                    self._show_progress("reading, both of them", scored / max(characters, 1))
                case Read(surprisals=surprisals):
                    self.pages.show_text(surprisals)
                case Stage():
                    self._show_stage(item)
                case Comparison():
                    self.pages.show_comparison(self._compared, item)
                case _:
                    self._show_report(item)

    def _show_report(self, item: object) -> None:
        """Show what only the job could make: it has loaded what it takes."""
        from core.reports.report import Report

        if isinstance(item, Report):
            self.show(item)

    def _show_stage(self, stage: Stage) -> None:
        loss = f", {stage.loss:.3f} so far" if stage.loss is not None else ""
        self._so_far = f"Stopped after {count_of(stage.scored, 'character')}, {stage.done:.0%}"
        if stage.loss is not None:
            self._so_far += f": the loss on these is {stage.loss:.4f}. Of the rest nothing is known."
        self._show_progress(stage.doing + loss, stage.done)

    def _show_progress(self, doing: str, done: float | None) -> None:
        self.query_one("#doing", Static).update(doing)
        bar = self.query_one(ProgressBar)
        bar.update(total=None if done is None else 100, progress=0 if done is None else 100 * done)

    def _end_assessing(self, ending: Ending) -> None:
        about = self.query_one("#about", Static)
        self._stopped = ending.stopped
        if self.pages.report is not None:
            self._name_report()
        elif ending.stopped and self._so_far:
            about.update(self._so_far)
        else:
            about.update(EMPTY if self.pages.is_empty else "")
        self._end(ending)

    def _name_report(self) -> None:
        about, report = self.query_one("#about", Static), self.pages.report
        if report is not None:
            room = about.content_size.width or self.size.width - 4  # as wide as it will be once it is shown
            about.update(Content(report_view.about(report, room, stopped=self._stopped)))

    @on(Resize)
    def _name_it_anew(self) -> None:
        """Name what is shown as the room is now."""
        self.call_after_refresh(self._name_report)

    def _end_comparing(self, ending: Ending) -> None:
        if self.pages.report is not None:  # it is as complete as it was
            self._name_report()
        elif self.pages.is_empty:
            self.query_one("#about", Static).update(EMPTY)
        self._end(ending)

    def _end(self, ending: Ending) -> None:
        self.remove_class("-evaluating")
        if ending.error:
            self.notify(sanitise(ending.error), severity="error", markup=False, timeout=10)
        self.query_one("#about", Static).set_class(self.pages.report is not None, "-title")
        self.pages.finish()
        self.refresh_bindings()

    def show(self, report: "Report") -> None:
        """Show what has come of it so far."""
        self.pages.show_report(report)
        self.query_one("#about", Static).add_class("-title")
        self._name_report()
        self.refresh_bindings()

    def _save(self, name: str | None) -> None:
        from core.reports.formats import FORMATS

        if name is None or (report := self.pages.report) is None:
            return
        try:
            path = new_file(name)
            if path.suffix.lower() not in FORMATS:
                raise UserError(f"The name must end in one of: {', '.join(FORMATS)}.")
            write_atomically(path, FORMATS[path.suffix.lower()](report))
        except UserError as error:
            self._complain(error)
        else:
            self.notify(sanitise(f"Saved: {path}"), markup=False)

    def _complain(self, error: Exception) -> None:
        self.notify(sanitise(str(error)), severity="warning", markup=False)
