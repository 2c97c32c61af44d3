"""Evaluate: how well a model predicts a text that it has not seen."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Digits, Footer, Label, ProgressBar, Select, Static

from charlstm_tui import bridge
from charlstm_tui.bridge import Doing, Job
from charlstm_tui.widgets.model_select import ModelSelect
from charlstm_tui.widgets.top_line import TopLine
from core.corpus import PARTS, Part
from core.errors import UserError
from core.runs import RunStore
from core.scores import Evaluation, EvaluationProgress
from core.text import sanitise

EMPTY = "Choose a model and a part of its text, then press e. The test part is the one it has never seen."


class EvaluationScreen(Screen[None]):
    """Choose a run, measure it, read what came of it."""

    CSS_PATH = "evaluation.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "evaluate", "Evaluate"),
        Binding("x,escape", "stop", "Stop"),
    ]

    def __init__(self, store: RunStore) -> None:
        super().__init__()
        self._store = store
        self._job: Job | None = None
        self._measured = ""  # the name of the run that is, or was, measured

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield TopLine("evaluate")
        with Vertical(id="body"):
            with Horizontal(classes="row"):
                yield Label("model")
                yield ModelSelect(self._store, id="model")
            with Horizontal(classes="row"):
                yield Label("part")
                yield Select([(part, part) for part in PARTS], value="test", allow_blank=False, compact=True, id="part")
            with Horizontal(id="progress"):
                yield ProgressBar(show_eta=False)
                yield Static(id="doing")
            yield Static(EMPTY, id="about")
            with Horizontal(id="result"):
                yield Digits(id="loss")
                yield Static(id="figures")
        yield Footer()

    def on_screen_resume(self) -> None:
        """Look which runs there are."""
        self.query_one(ModelSelect).refresh_runs()

    def on_unmount(self) -> None:
        """Leave no thread behind."""
        self.action_stop()

    def action_evaluate(self) -> None:
        """Measure the chosen model."""
        try:
            path = self.query_one(ModelSelect).checkpoint_path
        except UserError as error:
            self.notify(sanitise(str(error)), severity="warning", markup=False)
            return
        part: Part = self.query_one("#part", Select).value  # type: ignore[assignment]
        self._job = Job(
            self,
            partial(bridge.evaluate, path=path, part=part),
            name="evaluate",
            interval=bridge.TRAINING_INTERVAL,
        )
        self._measured = path.parent.name
        self.query_one("#about", Static).update(EMPTY)
        self.query_one(ProgressBar).update(total=None, progress=0)
        self.add_class("-evaluating")
        self.remove_class("-result")
        self.refresh_bindings()

    def evaluate(self, run: str) -> None:
        """Choose a run and measure it."""
        self.query_one(ModelSelect).choose(run)
        if self._job is None:
            self.action_evaluate()

    def action_stop(self) -> None:
        """Stop measuring."""
        if self._job is not None:
            self._job.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys that mean something now."""
        if action == "evaluate":
            return self._job is None
        return self._job is not None if action == "stop" else True

    @on(Job.Said)
    def _listen(self, message: Job.Said) -> None:
        for item in message.items:
            match item:
                case Doing(what=what):
                    self.query_one("#doing", Static).update(what)
                case EvaluationProgress(scored=scored, characters=characters):
                    self.query_one(ProgressBar).update(total=characters, progress=scored)
                case Evaluation():
                    self.show(item)

    @on(Job.Ended)
    def _end(self, message: Job.Ended) -> None:
        self._job = None
        self.remove_class("-evaluating")
        if message.error:
            self.notify(sanitise(message.error), severity="error", markup=False, timeout=10)
        self.refresh_bindings()

    def show(self, evaluation: Evaluation) -> None:
        """Show what came of it."""
        score, corpus = evaluation.score, evaluation.corpus
        about = (
            f"{self._measured} on {corpus.title} · {corpus.split} · {evaluation.part} · "
            f"{evaluation.characters:,} characters"
        )
        self.query_one("#about", Static).update(Content(sanitise(about)))
        self.query_one("#loss", Digits).update(f"{score.loss:.3f}")
        error = f", ± {score.standard_error:.3f}" if score.standard_error is not None else ""
        figures = [
            ("nats per character" + error, f"{score.loss:.4f}"),
            ("bits per character", f"{score.bits_per_character:.3f}"),
            ("perplexity", f"{score.perplexity:.2f}"),
            ("right first time", f"{score.accuracy:.1%}"),
            ("unknown characters", f"{evaluation.unknown_characters:,}"),
        ]
        lines = [Content.assemble(f"{value:>9}  ", (name, "dim")) for name, value in figures]
        self.query_one("#figures", Static).update(Content("\n").join(lines))
        self.add_class("-result")
