"""View of a training run, during it and afterwards: progress, loss chart, numbers, and generated samples."""

from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Sparkline, Static

from charlstm_tui.formatting.numbers import clock, loss_shown, size_in_bytes
from charlstm_tui.formatting.outside_text import plain
from charlstm_tui.state.compared_runs import ComparedRun
from charlstm_tui.state.preferences import Preferences
from charlstm_tui.state.run_status import status_versions
from charlstm_tui.state.training import TrainingView
from charlstm_tui.widgets.common.fitting_text import FittingText
from charlstm_tui.widgets.common.number_table import NumberTable, Quantity
from charlstm_tui.widgets.training.chart.legend import legend, note
from charlstm_tui.widgets.training.chart.lines import Line, line_of, lines_of
from charlstm_tui.widgets.training.loss_chart import LossChart
from charlstm_tui.widgets.training.run_summary import RunSummaryView
from charlstm_tui.widgets.training.sample_view import SampleView
from core.reports.results import bits_per_character, perplexity

if TYPE_CHECKING:
    from core.events import EpochCompleted

BETWEEN_CHARTS = 2.0
"""Minimum seconds between two drawings of the chart within an epoch: each delays the training by 10 to 30 ms."""
AFTER_AN_EPOCH = 0.5
"""Minimum seconds between two drawings when a new epoch has completed."""
ROOMY = 10
"""Minimum rows of the chart's box for notes below the chart."""
NAME_WIDTH = 13
"""Columns of the name before a progress bar, the same as in the style of `.name`."""


class RunView(Vertical):
    """Shows a `TrainingView`, with earlier runs on the chart."""

    DEFAULT_CSS: ClassVar[str] = """
    RunView {
        padding: 0 1;
        & > #status { height: 1; }
        & > #status.-failed { color: $background; background: $error; text-style: bold; }
        & > .bar {
            height: 1;
            & > .name { width: 13; color: $text-muted; }
            & > ProgressBar { width: 1fr; }
            & Bar { width: 1fr; }
            & Bar > .bar--bar, & Bar > .bar--complete { color: $accent; }
            & > .value { width: 38; text-align: right; color: $text-muted; }
        }
        & > #sparkline-title {
            height: 1;
            & > #sparkline-name { width: auto; color: $text-muted; }
            & > #sparkline-ends { width: auto; color: $text-muted; margin-left: 2; }
            & > #trend { width: 1fr; text-align: right; }
        }
        & > #sparkline { height: 1; }
        & > #sparkline > Sparkline { height: 100%; max-width: 100%; }
        & > #sparkline Sparkline > .sparkline--min-color { color: $accent; }
        & > #sparkline Sparkline > .sparkline--max-color { color: $accent; }
        & > #middle { height: 1fr; layout: vertical; }
        & #chart-box { height: 1fr; }
        & #legend { height: auto; max-height: 2; text-wrap: nowrap; text-overflow: ellipsis; color: $text-muted; }
        & LossChart { height: 1fr; }
        & #chart-note {
            height: auto; max-height: 1; display: none; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & .-roomy > #chart-note { max-height: 3; text-wrap: wrap; }
        & #chart-note.-shown { display: block; }
        & #numbers {
            height: 4; layout: horizontal;
            & > Static { width: 1fr; }
        }
        & > SampleView { height: 4; }
        & > #message { height: auto; max-height: 3; display: none; }
        & > #message.-shown { display: block; }
        & > RunSummaryView { display: none; }
        &.-over > RunSummaryView { display: block; }
        &.-over > .bar { display: none; }
        &.-over #pace { display: none; }
        &.-over #numbers { height: 0; display: none; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._written: dict[str, Content] = {}
        self._epochs: tuple[EpochCompleted, ...] | None = None
        self._charted_at = -BETWEEN_CHARTS
        self._charted_epochs: tuple[EpochCompleted, ...] = ()
        self._charted: tuple[TrainingView, Preferences, Sequence[ComparedRun]] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the view."""
        yield FittingText(id="status")
        yield RunSummaryView(id="summary")
        for name in ("run", "epoch"):
            with Horizontal(classes="bar", id=f"{name}-bar"):
                yield Static(name, classes="name", id=f"{name}-name")
                yield ProgressBar(show_eta=False, show_percentage=False, total=1.0)
                yield Static(classes="value", id=f"{name}-value")
        with Horizontal(id="sparkline-title"):
            yield Static("Loss by epoch", id="sparkline-name")
            yield Static(id="sparkline-ends")
            yield Static(id="trend")
        with Horizontal(id="sparkline"):
            yield Sparkline([], summary_function=mean)
        with Vertical(id="middle"):
            with Vertical(id="chart-box"):
                yield Static(id="legend")
                yield LossChart(id="chart")
                yield Static(id="chart-note")
            with Horizontal(id="numbers"):
                yield NumberTable(id="losses")
                yield NumberTable(id="pace")
        yield Static(id="message")
        yield SampleView(id="sample")

    def on_mount(self) -> None:
        """Hide the sparkline until it has data: without data it would draw a line."""
        self.query_one(Sparkline).display = False

    @on(LossChart.Resize)
    def _write_for_the_room(self) -> None:
        """Redraw the chart with as many words as the new size allows."""
        if self._charted is not None:
            self.show_chart(*self._charted)
            self._show_trend(self._charted[0])

    def show(self, training: TrainingView, preferences: Preferences, others: Sequence[ComparedRun] = ()) -> None:
        """Show the state of a run, with other runs on the chart for comparison."""
        over = not training.alive and training.phase != "idle"
        self.set_class(over, "-over")
        self._show_status(training)
        self._show_progress(training)
        self._show_sparkline(training)
        self._show_numbers(training)
        self._show_message(training)
        self.query_one(SampleView).show(training.samples, training.epochs)
        if over:
            self.query_one(RunSummaryView).show(training)
        self.show_chart(training, preferences, others, hurry=over)

    def show_chart(
        self, training: TrainingView, preferences: Preferences, others: Sequence[ComparedRun], *, hurry: bool = True
    ) -> None:
        """Draw the losses; without `hurry`, only if the last drawing was long enough ago."""
        elapsed = training.steps.elapsed_seconds if training.steps is not None else 0.0
        wait = AFTER_AN_EPOCH if training.epochs is not self._charted_epochs else BETWEEN_CHARTS
        if not hurry and training.phase == "training" and 0 <= elapsed - self._charted_at < wait:
            return
        self._charted_at, self._charted_epochs = elapsed, training.epochs
        self._charted = (training, preferences, others)
        run = training.started.run if training.started is not None else ""
        others = [other for other in others if other.name != run]
        by = preferences.x_axis
        lines = [*(line_of(other, by) for other in others), *lines_of(training, by)]
        chart = self.query_one(LossChart)
        chart.show(lines, preferences, run)
        self._show_words(training, others, preferences, lines)

    def _show_words(
        self, training: TrainingView, others: Sequence[ComparedRun], preferences: Preferences, lines: Sequence[Line]
    ) -> None:
        """Write the legend and the notes around the chart; a larger box gets more words."""
        box = self.query_one("#chart-box")
        roomy = box.size.height >= ROOMY
        box.set_class(roomy, "-roomy")
        style_of, width = self.query_one(LossChart).style_of, box.size.width or 80
        words = legend(lines, style_of, preferences, width, rows=2 if roomy and others else 1)
        before = str(self._written.get("#legend", "")).count("\n")
        self._write("#legend", words, layout=str(words).count("\n") != before)
        warnings, reached = (Content(" ".join(said)) for said in note(training, others, preferences))
        warnings = warnings.stylize("$text-warning")
        words = Content("\n").join([said for said in (warnings, reached) if said]) if roomy else warnings
        self.query_one("#chart-note").set_class(bool(words), "-shown")
        self._write("#chart-note", words, layout=True)

    def _write(self, selector: str, content: Content, *, layout: bool = False) -> None:
        """Update a text if it has changed.

        Most boxes keep their size and need no new layout: ten layouts of the screen per second would slow the training.
        """
        written = self._written.get(selector)
        if written is None or not written.is_same(content):  # `==` ignores colours
            self._written[selector] = content
            self.query_one(selector, Static).update(content, layout=layout)

    def _show_status(self, training: TrainingView) -> None:
        self.query_one("#status", FittingText).show(*status_versions(training))
        self.query_one("#status").set_class(training.phase == "failed", "-failed")

    def _show_progress(self, training: TrainingView) -> None:
        steps, started = training.steps, training.started
        times = f"{training.done:.0%}"
        if steps is not None:
            left = training.seconds_left
            times = f"{times:>5}   {clock(steps.elapsed_seconds):>7} gone"
            times += f"   {clock(left):>7} left" if left is not None else " " * 15
        self._write("#run-value", Content(times))
        self.query_one("#run-bar ProgressBar", ProgressBar).update(progress=training.done)
        if steps is None or started is None:
            return
        share = steps.step / steps.steps if training.validating is None else training.validating
        value = f"{share:>5.0%}   step {steps.step:,} / {steps.steps:,}"
        if training.validating is not None:
            value = f"{share:>5.0%}   validating"
        of_all = f"epoch {steps.epoch}/{started.epochs}"
        self._write("#epoch-name", Content(of_all if len(of_all) < NAME_WIDTH else f"epoch {steps.epoch}"))
        self._write("#epoch-value", Content(value.ljust(38)))
        self.query_one("#epoch-bar ProgressBar", ProgressBar).update(progress=share)

    def _show_sparkline(self, training: TrainingView) -> None:
        if training.epochs is self._epochs:
            return
        self._epochs = training.epochs
        losses = [epoch.train_loss for epoch in training.epochs if abs(epoch.train_loss) < float("inf")]
        sparkline = self.query_one(Sparkline)
        sparkline.data = losses
        if training.started is not None:  # it grows to the right and reaches the edge with the last epoch
            sparkline.styles.width = f"{100 * len(losses) / max(training.started.epochs, 1):.2f}%"
            sparkline.styles.min_width = len(losses)  # one column per epoch while there is room
        sparkline.display = bool(losses)
        self._write("#sparkline-ends", _ends(losses), layout=True)
        self._show_trend(training)
        self.call_after_refresh(self._show_trend, training)  # the losses to its left may leave less room now

    def _show_trend(self, training: TrainingView) -> None:
        """Show the longest version of the trend that fits."""
        versions = _trend(training)
        room = self.query_one("#trend").size.width
        self._write("#trend", next((one for one in versions if not room or one.cell_length <= room), versions[-1]))

    def _show_numbers(self, training: TrainingView) -> None:
        steps, last = training.steps, training.epochs[-1] if training.epochs else None
        train = steps.loss if steps is not None and training.alive else (last.train_loss if last else None)
        validation = last.val_loss if last else None
        judged = validation if validation is not None else train
        losses = [
            Quantity("train, mean", loss_shown(train), "nats/char"),
            Quantity("validation", loss_shown(validation), "nats/char"),
            Quantity("in bits", loss_shown(bits_per_character(judged) if judged is not None else None), "bits/char"),
            Quantity("perplexity", f"{perplexity(judged):.2f}" if judged is not None else "–", "characters"),
        ]
        rate = steps.learning_rate if steps is not None else None
        norm = steps.gradient_norm if steps is not None else None
        memory, unit = _bytes(steps.memory_bytes if steps is not None else None)
        pace = [
            Quantity("rate", f"{rate:.2e}" if rate is not None else "–"),
            Quantity("gradient", f"{norm:.3f}" if norm is not None else "–"),
            Quantity("speed", f"{steps.chars_per_second:,.0f}" if steps is not None else "–", "char/s"),
            Quantity("memory", memory, unit, is_told_by_name=False),
        ]
        self.query_one("#losses", NumberTable).show(losses)
        self.query_one("#pace", NumberTable).show(pace)

    def _show_message(self, training: TrainingView) -> None:
        text = (training.trouble or training.notice or training.load) if training.alive else ""
        message = self.query_one("#message", Static)
        message.set_class(bool(text), "-shown")
        content = plain(text, "$text-warning")
        written = self._written.get("#message")
        if written is None or not written.is_same(content):
            self._written["#message"] = content
            message.update(content)


def _trend(training: TrainingView) -> list[Content]:
    """Return the trend of the losses, the longest version first; the tallest and the lowest bar say nearly the same."""
    if not training.epochs:
        return [Content("")]
    first, last, best = training.epochs[0], training.epochs[-1], training.best
    words = f"{first.train_loss:.4f} → {last.train_loss:.4f}" if last is not first else f"{last.train_loss:.4f}"
    trend = Content.assemble(("train ", "dim"), (words, "$text-accent"))
    if best is None or best.val_loss is None:
        return [trend]
    lowest = f"best validation {best.val_loss:.4f}"
    at = f" at epoch {best.epoch}"
    return [Content.assemble(trend, f"   {lowest}{at}"), Content(f"{lowest}{at}"), Content(lowest)]


def _ends(losses: Sequence[float]) -> Content:
    """Return the losses of the tallest and the smallest bar of the sparkline, which does not start at zero."""
    if len(set(losses)) < 2:
        return Content("")
    high, low = loss_shown(max(losses)), loss_shown(min(losses))
    return Content.assemble(("█", "$text-accent"), f" {high}  ", ("▁", "$text-accent"), f" {low}")


def _bytes(size: int | None) -> tuple[str, str]:
    number, _, unit = size_in_bytes(size).partition(" ") if size is not None else ("–", "", "")
    return number, unit
