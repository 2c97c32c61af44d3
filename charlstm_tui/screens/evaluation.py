"""Evaluate: how well a model predicts a text, what that means, where it fails, and whether it copies."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Digits, Footer, Label, OptionList, ProgressBar, Select, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from charlstm_tui import bridge, report_view
from charlstm_tui.bridge import Doing, Job
from charlstm_tui.measuring import Measured, Read, assess_model, compare_models
from charlstm_tui.screens.ask import AskFile
from charlstm_tui.widgets.model_select import ModelSelect
from charlstm_tui.widgets.surprise_map import SurpriseMap
from charlstm_tui.widgets.top_line import TopLine
from core.corpus import PARTS, CorpusConfig
from core.errors import UserError
from core.files import here, new_file, write_atomically
from core.runs import RunStore
from core.scores import Comparison, EvaluationProgress, Stage
from core.text import in_one_line, sanitise

if TYPE_CHECKING:
    from core.report import Report
    from core.surprises import Extract, Surprises

EMPTY = """Choose a model and press e. It reads the test part, new to it, and you see

  · its loss, what that means, and what counting n-grams achieves
  · where it fails: letters or capitals, names or speech
  · the passages it expected least and most, the text as a map of surprise
  · whether what it writes is copied"""
_OWN = "own"
_TABS = ("beside", "where", "passages", "text", "copies", "compared")


class EvaluationScreen(Screen[None]):
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
        self._job: Job | None = None
        self._so_far = ""  # what was measured when it was stopped
        self._report: Report | None = None
        self._surprises: Surprises | None = None
        self._comparison: Comparison | None = None
        self._compared = ("", "")  # the names of the models that are, or were, compared
        self._extracts: list[Extract] = []
        self._other_text: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopLine("evaluate")
        with Vertical(id="body"):
            with Horizontal(classes="choices"):
                yield Label("model")
                yield ModelSelect(self._store, id="model")
                yield Label("beside")
                yield ModelSelect(self._store, id="other", none="no other model")
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
            with Horizontal(id="headline"):
                yield Digits(id="loss")
                with Vertical():
                    yield Static(id="figures")
                    yield Static(id="meaning")
            with TabbedContent(id="pages"):
                with TabPane("Beside it", id="beside"), VerticalScroll(), Horizontal(id="sides"):
                    yield Static(id="bars")
                    yield Static(id="parts")
                with TabPane("Where", id="where"), VerticalScroll():
                    yield Static(id="groups")
                with TabPane("Passages", id="passages"):
                    yield OptionList(id="extracts")
                with TabPane("Text", id="text"), Horizontal(id="reading"):
                    yield SurpriseMap(id="map")
                    yield Static(id="explained")
                with TabPane("Copies", id="copies"), VerticalScroll():
                    yield Static(id="copying")
                with TabPane("Compared", id="compared"), VerticalScroll():
                    yield Static(id="comparison")
        yield Footer()

    def on_screen_resume(self) -> None:
        """Look which runs there are."""
        for select in self.query(ModelSelect):
            select.refresh_runs()

    def on_resize(self) -> None:
        """Draw the bars anew, to the width there is now."""
        self.query_one(Footer).compact = True
        self.call_after_refresh(self._draw)

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.action_stop()

    # --- what the keys do

    def action_evaluate(self) -> None:
        """Measure the chosen model."""
        if (what := self._chosen()) is None:
            return
        self._report = self._surprises = None
        self._set_class("-report", there=False)
        self._begin(Job(self, partial(assess_model, what=what), name="evaluate", interval=bridge.TRAINING_INTERVAL))

    def action_compare(self) -> None:
        """Measure the chosen model and the other one on the same text, side by side."""
        what = self._chosen()
        other = self.query_one("#other", ModelSelect)
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
        self._compared = (what.name, other.chosen_name)
        self._begin(
            Job(self, partial(compare_models, what=what, other=path), name="compare", interval=bridge.TRAINING_INTERVAL)
        )

    def evaluate(self, run: str) -> None:
        """Choose a run and measure it."""
        self.query_one("#model", ModelSelect).choose(run)
        if self._job is None:
            self.action_evaluate()

    def action_stop(self) -> None:
        """Stop measuring."""
        if self._job is not None:
            self._job.stop()

    def action_turn(self, by: int) -> None:
        """Turn to another page."""
        pages = self.query_one(TabbedContent)
        there = [tab for tab in _TABS if not pages.get_tab(tab).has_class("-hidden")]
        pages.active = there[(there.index(pages.active) + by) % len(there)]

    def action_text(self) -> None:
        """Go to the text."""
        self.query_one(TabbedContent).active = "text"
        self.query_one(SurpriseMap).focus()

    def action_other_text(self) -> None:
        """Choose another text to measure on."""
        from charlstm_tui.screens.text_picker import TextPicker

        folder = Path(self._other_text).parent if self._other_text else here()
        picker = TextPicker(folder=folder if folder.is_dir() else here(), limit=None, validation=0.0)
        self.app.push_screen(picker, self._take_text)

    def action_save(self) -> None:
        """Ask for a file and put the report into it."""
        if self._report is not None:
            name = f"{self._report.model}-{self._report.evaluation.part}.md"
            self.app.push_screen(AskFile(name, title="save the report: .md, .csv or .json"), self._save)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        match action:
            case "evaluate" | "compare":
                return self._job is None
            case "stop":
                return self._job is not None
            case "text":
                return self._surprises is not None
            case "turn":
                return self._report is not None or self._comparison is not None
            case "save":
                return self._report is not None
        return True

    # --- measuring

    def _chosen(self) -> Measured | None:
        """Return what was chosen to be measured; None, and a notice, when that will not do."""
        models = self.query_one("#model", ModelSelect)
        source, split, part = (str(self.query_one(f"#{name}", Select).value) for name in ("source", "split", "part"))
        try:
            path = models.checkpoint_path
            if source != _OWN:
                CorpusConfig.typed(source)
        except UserError as error:
            self._complain(error)
            return None
        return Measured(
            name=models.chosen_name,
            path=path,
            source=None if source == _OWN else source,
            split=None if split == _OWN else split,  # type: ignore[arg-type]
            part=part,  # type: ignore[arg-type]
        )

    def _begin(self, job: Job) -> None:
        self._job, self._so_far = job, ""
        self.query_one("#about", Static).update("")
        self.query_one("#doing", Static).update("")
        self.query_one(ProgressBar).update(total=None, progress=0)
        self.add_class("-evaluating")
        self.refresh_bindings()

    def _set_class(self, name: str, *, there: bool) -> None:
        self.set_class(there, name)
        self.refresh_bindings()

    def _texts(self) -> list[tuple[Content, str]]:
        texts = [(Content("its own"), _OWN)]
        if self._other_text is not None:
            texts.append((Content(in_one_line(CorpusConfig.typed(self._other_text).name)), self._other_text))
        return texts

    def _take_text(self, source: str | None) -> None:
        if source is None:
            return
        self._other_text = source
        select = self.query_one("#source", Select)
        select.set_options(self._texts())
        select.value = source
        self.query_one("#part", Select).value = "whole"

    # --- what the jobs and the widgets say

    @on(Job.Said)
    def _listen(self, message: Job.Said) -> None:
        for item in message.items:
            match item:
                case Doing(what=what):
                    self._show_progress(what, None)
                case EvaluationProgress(scored=scored, characters=characters):
                    self._show_progress("reading, both of them", scored / max(characters, 1))
                case Read(surprises=surprises):
                    self._show_text(surprises)
                case Stage():
                    self._show_stage(item)
                case Comparison():
                    self.show_comparison(item)
                case _:
                    self._show_report(item)

    def _show_report(self, item: object) -> None:
        """Show what only the job could make: it has loaded what it takes."""
        from core.report import Report

        if isinstance(item, Report):
            self.show(item)

    def _show_stage(self, stage: Stage) -> None:
        loss = f", {stage.loss:.3f} so far" if stage.loss is not None else ""
        self._so_far = f"Stopped after {stage.scored:,} characters, {stage.done:.0%}"
        if stage.loss is not None:
            self._so_far += f": the loss on these is {stage.loss:.4f}. Of the rest nothing is known."
        self._show_progress(stage.doing + loss, stage.done)

    def _show_progress(self, doing: str, done: float | None) -> None:
        self.query_one("#doing", Static).update(doing)
        bar = self.query_one(ProgressBar)
        bar.update(total=None if done is None else 100, progress=0 if done is None else 100 * done)

    @on(Job.Ended)
    def _end(self, message: Job.Ended) -> None:
        stopped = self._job is not None and self._job.control.stopped
        self._job = None
        self.remove_class("-evaluating")
        about = self.query_one("#about", Static)
        if message.error:
            self.notify(sanitise(message.error), severity="error", markup=False, timeout=10)
        if self._report is not None:
            about.update(Content(report_view.about(self._report) + (" · stopped" if stopped else "")))
        else:
            about.update(self._so_far if stopped and self._so_far else EMPTY)
        self._draw()
        self.refresh_bindings()

    def show(self, report: "Report") -> None:
        """Show what has come of it so far."""
        self._report = report
        score = report.evaluation.score
        self.query_one("#about", Static).update(Content(report_view.about(report)))
        self.query_one("#loss", Digits).update(f"{score.loss:.3f}")
        self.query_one("#meaning", Static).update(report.meaning)
        self._show_extracts(report)
        self._set_class("-report", there=True)
        self._show_tabs()
        self.call_after_refresh(self._draw)

    def show_comparison(self, comparison: Comparison) -> None:
        """Show how two models compare."""
        self._comparison = comparison
        self._set_class("-comparison", there=True)
        self._show_tabs()
        self.query_one(TabbedContent).active = "compared"
        self._draw()

    def _show_tabs(self) -> None:
        """Have the pages that there is something on."""
        pages = self.query_one(TabbedContent)
        for tab in _TABS:
            there = self._comparison is not None if tab == "compared" else self._report is not None
            (pages.show_tab if there else pages.hide_tab)(tab)

    def _draw(self) -> None:
        """Write the pages whose bars are as wide as the window allows."""
        width = self.query_one("#pages").size.width - 6
        if self._report is not None:
            wide = self.has_class("-wide")
            self.query_one("#figures", Static).update(report_view.headline(self._report, in_a_line=wide))
            side = width // 2 - 2 if wide else width
            self.query_one("#bars", Static).update(report_view.beside(self._report, side, over=self._job is None))
            self.query_one("#parts", Static).update(report_view.side_by_side(self._report, side))
            self.query_one("#groups", Static).update(report_view.where(self._report, width))
            self.query_one("#copying", Static).update(report_view.copies(self._report, over=self._job is None))
        if self._comparison is not None:
            content = report_view.compared(self._compared, self._comparison)
            self.query_one("#comparison", Static).update(content)

    def _show_extracts(self, report: "Report") -> None:
        extracts = [*report.least_expected, *report.most_expected]
        if extracts == self._extracts:
            return
        self._extracts = extracts
        shown = self.query_one("#extracts", OptionList)
        shown.clear_options()
        for which, some in (("least", report.least_expected), ("most", report.most_expected)):
            title = Content.styled(f"the {which} expected passages, nats/char", "$text-muted")
            shown.add_option(Option(title, disabled=True))
            shown.add_options(
                Option(Content.assemble((f"{one.loss:6.3f}  ", "bold"), report_view.in_a_line(one.text)))
                for one in some
            )
        shown.highlighted = 1 if extracts else None

    def _show_text(self, surprises: "Surprises") -> None:
        self._surprises = surprises
        self.query_one(SurpriseMap).show(surprises)

    @on(OptionList.OptionSelected, "#extracts")
    def _go_to_extract(self, event: OptionList.OptionSelected) -> None:
        """Show a passage where it stands."""
        assert self._report is not None
        least = len(self._report.least_expected)
        number = event.option_index - (1 if event.option_index <= least else 2)
        self.action_text()
        surprise_map = self.query_one(SurpriseMap)
        surprise_map.call_after_refresh(surprise_map.action_move_to, self._extracts[number].begin)

    @on(SurpriseMap.Moved)
    def _explain(self, message: SurpriseMap.Moved) -> None:
        if self._surprises is not None:
            panel = self.query_one("#explained", Static)
            moment = self._surprises.at(message.place)
            panel.update(report_view.explained(moment, panel.size.width, in_a_line=not self.has_class("-wide")))

    def _save(self, name: str | None) -> None:
        from core.report_formats import FORMATS

        if name is None or self._report is None:
            return
        try:
            path = new_file(name)
            if path.suffix.lower() not in FORMATS:
                raise UserError(f"The name must end in one of: {', '.join(FORMATS)}.")
            write_atomically(path, FORMATS[path.suffix.lower()](self._report))
        except UserError as error:
            self._complain(error)
        else:
            self.notify(sanitise(f"Saved: {path}"), markup=False)

    def _complain(self, error: Exception) -> None:
        self.notify(sanitise(str(error)), severity="warning", markup=False)
