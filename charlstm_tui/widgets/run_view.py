"""A training run as it goes: what it does, how far it is, its loss by epoch, and the numbers."""

from statistics import mean
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, ProgressBar, Sparkline, Static

from charlstm_tui.numbers import clock, loss_shown
from charlstm_tui.training_view import TrainingView
from core.events import EpochCompleted
from core.scores import bits_per_character, perplexity
from core.text import in_one_line, sanitise


class RunView(Vertical):
    """Shows a `TrainingView`."""

    DEFAULT_CSS: ClassVar[str] = """
    RunView {
        padding: 0 1;
        & > #status { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #status.-failed { color: $error; }
        & > #progress { height: 1; }
        & > #progress > ProgressBar { width: 1fr; }
        & > #progress Bar { width: 1fr; }
        & > #progress Bar > .bar--bar, & > #progress Bar > .bar--complete { color: $accent; }
        & > #progress > Static { width: 30; text-align: right; color: $text-muted; }
        & > #sparkline-title { height: 1; margin-top: 1; }
        & > #sparkline-title > Static { width: 1fr; color: $text-muted; }
        & > #sparkline-title > #trend { text-align: right; color: $foreground; }
        & > #sparkline { height: 15%; min-height: 3; max-height: 10; }
        & > #sparkline > Sparkline { height: 100%; max-width: 100%; }
        & > #sparkline Sparkline > .sparkline--min-color { color: $accent; }
        & > #sparkline Sparkline > .sparkline--max-color { color: $accent; }
        & > #numbers { height: 4; margin-top: 1; }
        & > #numbers > Static { width: 1fr; }
        & > #epochs { height: 1fr; margin-top: 1; scrollbar-size-vertical: 1; background: $background; }
        & > #message { height: auto; max-height: 4; margin-top: 1; display: none; }
        & > #message.-shown { display: block; }
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the view."""
        yield Static(id="status")
        with Horizontal(id="progress"):
            yield ProgressBar(show_eta=False, show_percentage=False, total=1.0)
            yield Static(id="times")
        with Horizontal(id="sparkline-title"):
            yield Static("Loss by epoch", id="sparkline-name")
            yield Static(id="trend")
        with Horizontal(id="sparkline"):
            yield Sparkline([], summary_function=mean)
        with Horizontal(id="numbers"):
            yield Static(id="losses")
            yield Static(id="pace")
        yield Static(id="message")
        yield DataTable(id="epochs", cursor_type="none", show_cursor=False, cell_padding=2)

    def on_mount(self) -> None:
        """Name the columns of the table."""
        self._rows = 0
        self.query_one(Sparkline).display = False  # without data it would draw a line
        for name in ("epoch", "train", "validation", "seconds"):
            self._table.add_column(name.rjust(10))

    def show(self, training: TrainingView) -> None:
        """Show a run as it stands."""
        self._show_status(training)
        self._show_progress(training)
        self._show_sparkline(training)
        self._show_numbers(training)
        self._show_epochs(training.epochs)
        self._show_message(training)

    def _write(self, selector: str, content: Content | str) -> None:
        """Change a text whose box keeps its size: laying out the screen anew ten times a second slows the training."""
        self.query_one(selector, Static).update(content, layout=False)

    @property
    def _table(self) -> "DataTable[Content]":
        return self.query_one("#epochs", DataTable)

    def _show_status(self, training: TrainingView) -> None:
        words = [training.status]
        if training.config is not None:
            words.append(training.config.corpus.title)
        if training.started is not None:
            words.insert(1, training.started.run)
            words.append(f"{training.started.parameters:,} parameters")
        self._write("#status", Content(in_one_line("  ·  ".join(words))))
        self.query_one("#status").set_class(training.phase == "failed", "-failed")

    def _show_progress(self, training: TrainingView) -> None:
        self.query_one(ProgressBar).update(progress=training.done)
        times = ""
        if training.steps is not None:
            times = f"{clock(training.steps.elapsed_seconds)} gone"
            if training.alive and training.seconds_left is not None:
                times += f"  {clock(training.seconds_left)} left"
        self._write("#times", f"{training.done:.0%}  {times}")

    def _show_sparkline(self, training: TrainingView) -> None:
        if len(training.epochs) == self._rows:
            return
        losses = [epoch.train_loss for epoch in training.epochs]
        sparkline = self.query_one(Sparkline)
        sparkline.data = losses
        if training.started is not None:  # it grows to the right, to reach the edge with the last epoch
            sparkline.styles.width = f"{100 * len(losses) / training.started.epochs:.2f}%"
            sparkline.styles.min_width = len(losses)  # a column an epoch while there is room
        sparkline.display = bool(losses)
        trend = ""
        if losses:
            trend = f"epoch {len(losses)}: {losses[-1]:.4f}"
            if len(losses) > 1:
                trend = f"epoch 1: {losses[0]:.4f} → {trend}"
        self._write("#trend", trend)

    def _show_numbers(self, training: TrainingView) -> None:
        steps, last = training.steps, training.epochs[-1] if training.epochs else None
        loss = steps.loss if steps else None
        losses = [
            ("train", loss_shown(loss), "nats/char"),
            ("validation", loss_shown(last.val_loss if last else None), "nats/char"),
            ("in bits", loss_shown(bits_per_character(loss) if loss is not None else None), "bits/char"),
            ("perplexity", f"{perplexity(loss):.2f}" if loss is not None else "–", ""),
        ]
        best = training.best
        pace = [
            ("epoch", f"{steps.epoch} / {training.started.epochs}" if steps and training.started else "–", ""),
            ("step", f"{steps.step:,} / {steps.steps:,}" if steps else "–", ""),
            ("speed", f"{steps.chars_per_second:,.0f}" if steps else "–", "char/s"),
            ("best epoch", str(best.epoch) if best and best.val_loss is not None else "–", ""),
        ]
        self._write("#losses", _lines(losses, 8))
        self._write("#pace", _lines(pace, 15))

    def _show_epochs(self, epochs: tuple[EpochCompleted, ...]) -> None:
        if len(epochs) == self._rows:
            return
        table = self._table
        if len(epochs) < self._rows:  # another run
            table.clear()
            self._rows = 0
        at_end = table.scroll_offset.y >= table.max_scroll_y
        for epoch in epochs[self._rows :]:
            cells = (str(epoch.epoch), loss_shown(epoch.train_loss), loss_shown(epoch.val_loss), f"{epoch.seconds:.1f}")
            table.add_row(*(Content(cell.rjust(10)) for cell in cells))
        if len(epochs) > self._rows and at_end:
            table.scroll_end(animate=False)
        self._rows = len(epochs)

    def _show_message(self, training: TrainingView) -> None:
        message = self.query_one("#message", Static)
        if training.alive:
            if training.trouble:
                message.update(Content.styled(sanitise(training.trouble), "$warning"))
            message.set_class(bool(training.trouble), "-shown")
            return
        text = Content(sanitise(training.error or training.notice))
        if training.finished is not None and not (training.error or training.notice):
            path = training.finished.best_checkpoint or training.finished.last_checkpoint
            text = Content.assemble(
                f"Saved in {sanitise(path or '')}\n",
                ("2", "bold"), " measures it, ", ("3", "bold"), " has it write, ",
                *((("r", "bold"), " goes on, ") if training.can_go_on else ()), ("n", "bold"), " starts a new run.",
            )  # fmt: skip
        message.update(text)
        message.set_class(bool(text), "-shown")


def _lines(numbers: list[tuple[str, str, str]], width: int) -> Content:
    """Lay out names, numbers aligned to the right, and quiet units."""
    lines = [
        Content.assemble((f"{name:<12}", "dim"), f"{number:>{width}} ", (unit, "dim")) for name, number, unit in numbers
    ]
    return Content("\n").join(lines)
