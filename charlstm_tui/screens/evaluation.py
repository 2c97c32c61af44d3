"""Evaluate: the loss of a model on a text, what it means, where it is high, and whether the model copies."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from charlstm_tui.jobs import texts
from charlstm_tui.jobs.evaluation import Measured, Read, assess_model, compare_models
from charlstm_tui.jobs.job import TRAINING_INTERVAL, Ending, LatestJob
from charlstm_tui.lessons.collect import facts_of_report
from charlstm_tui.screens.base import ModeScreen
from charlstm_tui.screens.dialogs import AskFile
from charlstm_tui.screens.missing_text import Answer, AskForText
from charlstm_tui.state.job_events import Doing
from charlstm_tui.state.messages import FactsKnown
from charlstm_tui.widgets.common.key_bar import KeyBar
from charlstm_tui.widgets.common.top_bar import TopBar
from charlstm_tui.widgets.evaluation.about_line import AboutLine
from charlstm_tui.widgets.evaluation.evaluation_choices import EvaluationChoices
from charlstm_tui.widgets.evaluation.progress_line import ProgressLine
from charlstm_tui.widgets.evaluation.report_pages import ReportPages
from core.data.corpus import CorpusConfig
from core.data.known_texts import MOLIERE, PLAY
from core.errors import UserError
from core.files import new_file, write_atomically
from core.reports.results import Comparison, Estimate, EvaluationProgress, Stage
from core.runs.store import RunStore

if TYPE_CHECKING:
    from core.reports.report import Report


class EvaluationScreen(ModeScreen):
    """Screen that evaluates a chosen model on a chosen text and shows the report page by page."""

    CSS_PATH = "evaluation.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "evaluate", "Evaluate", id="evaluate.evaluate"),
        Binding("x,escape", "stop", "Stop", id="evaluate.stop"),
        Binding("j,left_square_bracket", "turn(-1)", "Pages", key_display="j k", id="evaluate.previous-page"),
        Binding("k,right_square_bracket", "turn(1)", "Next page", show=False, id="evaluate.next-page"),
        Binding("t", "text", "Text", id="evaluate.text"),
        Binding("c", "compare", "Compare", id="evaluate.compare"),
        Binding("o", "other_text", "Open", tooltip="evaluate on another text", id="evaluate.other-text"),
        Binding("s", "save", "Save", id="evaluate.save"),
    ]

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._assessing = LatestJob(self, on_items=self._follow, on_end=partial(self._end, assessed=True))
        self._comparing = LatestJob(self, on_items=self._follow, on_end=self._end)
        self._fetching = LatestJob(self, on_items=self._follow_fetching, on_end=self._end_fetching)
        self._then: Callable[[], None] = lambda: None  # called after the text is fetched
        self._compared = ("", "")  # names of the two models of the current or last comparison

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopBar("evaluate")
        with Vertical(id="body"):
            yield EvaluationChoices(self._store)
            yield ProgressLine(id="progress")
            yield AboutLine(id="about")
            yield ReportPages(id="report")
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Refresh the list of runs."""
        self.choices.refresh_runs()

    def on_unmount(self) -> None:
        """Stop all worker threads."""
        self.action_stop()

    @property
    def choices(self) -> EvaluationChoices:
        """The boxes that choose the model and the text."""
        return self.query_one(EvaluationChoices)

    @property
    def progress(self) -> ProgressLine:
        """The progress bar and its label."""
        return self.query_one(ProgressLine)

    @property
    def about(self) -> AboutLine:
        """The line above the pages."""
        return self.query_one(AboutLine)

    @property
    def pages(self) -> ReportPages:
        """The pages of the report."""
        return self.query_one(ReportPages)

    # --- key actions

    def action_evaluate(self) -> None:
        """Evaluate the chosen model."""
        if (what := self._chosen()) is None or self._asks_for_text(what, self.action_evaluate):
            return
        self.pages.forget_report()
        self._assessing.start(partial(assess_model, what=what), name="evaluate", interval=TRAINING_INTERVAL)
        self._begin()

    def action_compare(self) -> None:
        """Evaluate the chosen model and the other one on the same text, side by side."""
        what = self._chosen()
        other = self.choices.other_model
        if what is None:
            return
        if other.selection is None:
            self.notify("Choose the other model in the box “compare with”.", severity="warning")
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
        self._comparing.start(compare, name="compare", interval=TRAINING_INTERVAL)
        self._begin()

    def evaluate(self, run: str) -> None:
        """Choose a run and evaluate it."""
        self.choices.model.choose(run)
        if not self._busy:
            self.action_evaluate()

    def action_stop(self) -> None:
        """Stop the evaluation, the comparison or the download."""
        for job in (self._assessing, self._comparing, self._fetching):
            job.stop()

    def action_turn(self, by: int) -> None:
        """Turn to another page."""
        self.pages.turn(by)

    def action_text(self) -> None:
        """Show the text coloured by surprisal."""
        self.pages.go_to_text()

    def action_other_text(self) -> None:
        """Choose another text to evaluate on."""
        from charlstm_tui.screens.text_picker import TextPicker

        text = self.choices.other_text or CorpusConfig(source="")
        picker = TextPicker(
            folder=self.choices.folder,
            limit=None,
            validation=0.0,
            encoding=text.encoding,
            encoding_errors=text.encoding_errors,
            skip_unreadable=text.skip_unreadable,
        )
        self.app.push_screen(picker, self._take_text)

    def action_save(self) -> None:
        """Ask for a file and save the report to it."""
        if (report := self.pages.report) is not None:
            name = f"{report.model}-{report.evaluation.part}.md"
            self.app.push_screen(AskFile(name, title="save the report: .md, .csv or .json"), self._save)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that are possible now."""
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

    # --- evaluation

    def _chosen(self) -> Measured | None:
        """Return what to evaluate; show a notice and return None if there is no such model."""
        try:
            return self.choices.chosen
        except UserError as error:
            self._complain(error)
            return None

    @property
    def _busy(self) -> bool:
        return self._assessing.running or self._comparing.running or self._fetching.running

    def _asks_for_text(self, what: Measured, then: Callable[[], None]) -> bool:
        """If Molière's plays are needed but not downloaded, ask what to do and return True; `then` is called later."""
        if not self.choices.text_is_missing(what):
            return False
        self._then = then
        self.app.push_screen(AskForText(), self._take_answer)
        return True

    def _take_answer(self, answer: Answer | None) -> None:
        if answer == "fetch":
            self._fetching.start(texts.fetch_moliere, name="fetch", interval=TRAINING_INTERVAL)
            self._begin()
            self.progress.show(f"fetching {MOLIERE.title}", None)
        elif answer == "play":
            self._take_text(CorpusConfig(source=PLAY.name))
            self._then()

    def _follow_fetching(self, items: tuple[object, ...]) -> None:
        for item in items:
            if isinstance(item, texts.Fetching):
                self.progress.show(f"fetching {MOLIERE.title}", item.done)

    def _end_fetching(self, ending: Ending) -> None:
        self._end(ending)  # nothing was evaluated: the report on screen stays
        if MOLIERE.here and not ending.stopped:
            self._then()

    def _begin(self) -> None:
        self.about.begin()
        self.progress.begin()
        self.add_class("-evaluating")
        self.refresh_bindings()

    def _take_text(self, chosen: CorpusConfig | None) -> None:
        if chosen is None:
            return
        self.choices.take_text(chosen)
        if chosen.source == MOLIERE.name and not MOLIERE.here and not self._busy:
            self._then = lambda: None
            self._take_answer("fetch")

    # --- messages of the jobs and widgets

    def _follow(self, items: tuple[object, ...]) -> None:
        for item in items:
            match item:
                case Doing(what=what):
                    self.progress.show(what, None)
                case EvaluationProgress(scored=scored, characters=characters):
                    self.progress.show("reading with both models", scored / max(characters, 1))
                case Read(surprisals=surprisals):
                    self.pages.show_text(surprisals)
                case Stage(doing=doing, done=done):
                    self.progress.show(doing, done)
                case Estimate():
                    self.pages.show_estimate(item)
                case Comparison():
                    self.pages.show_comparison(self._compared, item)
                case _:
                    self._show_report(item)

    def _show_report(self, item: object) -> None:
        """Show a report. The import is done here because it is slow; the job has already imported the module."""
        from core.reports.report import Report

        if isinstance(item, Report):
            self.show(item)

    def _end(self, ending: Ending, *, assessed: bool = False) -> None:
        self.remove_class("-evaluating")
        if ending.error:
            self.notify(ending.error, severity="error", timeout=10)
        if assessed and self.pages.report is not None and not ending.stopped and not ending.error:
            self.post_message(FactsKnown(facts_of_report(self.pages.report), counting=("evaluation.count",)))
        self.about.end(self.pages.report, is_empty=self.pages.is_empty, stopped=ending.stopped if assessed else None)
        self.pages.finish()
        self.refresh_bindings()

    def show(self, report: "Report") -> None:
        """Show a report, which may be incomplete."""
        self.pages.show_report(report)
        self.about.name_report(report)
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
            self.notify(f"Saved: {path}")

    def _complain(self, error: Exception) -> None:
        self.notify(str(error), severity="warning")
