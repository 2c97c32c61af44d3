"""Summary of a run that has ended: its losses, the verdict, the checkpoint, and the keys for the next step."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from charlstm_tui.formatting.numbers import clock
from charlstm_tui.formatting.outside_text import plain
from charlstm_tui.state.training import TrainingView
from core.reports.diagnosis import Kind, training_loss_note
from core.reports.results import bits_per_character
from core.text import count_of

_GLYPHS: dict[Kind, str] = {
    "unknown": "·", "untrained": "·", "learning": "↘", "levelled": "→", "overfitting": "↗", "unsteady": "↗",
}  # fmt: skip


_LINES = ("best", "train", "verdict", "saved", "next")


class RunSummaryView(Vertical):
    """Shows the summary of a run that has ended."""

    DEFAULT_CSS: ClassVar[str] = """
    RunSummaryView {
        height: auto;
        & > Horizontal { height: auto; }
        & .name { width: 9; color: $text-muted; }
        & .value { width: 1fr; height: auto; max-height: 3; }
    }
    """

    _training: TrainingView | None = None

    def compose(self) -> ComposeResult:
        """Lay out one row per item."""
        for name in _LINES:
            with Horizontal():
                yield Static(name, classes="name")
                yield Static(classes="value", id=f"summary-{name}")

    def show(self, training: TrainingView) -> None:
        """Show the summary of a run."""
        self._training = training
        self.query_one("#summary-verdict").set_class(not training.error, "-short")
        for name, say in zip(_LINES, (_best, _train, _verdict, _saved, _next), strict=True):
            self.query_one(f"#summary-{name}", Static).update(say(training))
        self._fit_verdict()

    def on_resize(self) -> None:
        """Fit the verdict to the new width."""
        self.call_after_refresh(self._fit_verdict)

    def _fit_verdict(self) -> None:
        """In a low window, drop the advice and then the figures until the verdict fits into one line."""
        verdict = self.query_one("#summary-verdict", Static)
        room = verdict.content_size.width
        if self._training is None or self._training.error or not room or not self.screen.has_class("-low"):
            return
        whole = _verdict(self._training)
        judged = self._training.verdict
        short = [Content(f"{_GLYPHS[judged.kind]} {words}") for words in (judged.sentence, judged.in_short)]
        verdict.update(next((words for words in (whole, *short) if words.cell_length <= room), short[-1]))


def _best(training: TrainingView) -> Content:
    """Return the best epoch and its validation loss, compared with n-grams; without validation, the last epoch."""
    best = training.best
    if best is None:
        return Content("no epoch was completed")
    if best.val_loss is None:
        loss = (f"{best.train_loss:.4f}", "bold $text-accent")
        return Content.assemble(f"epoch {best.epoch} is the last, train ", loss, " nats/char")
    against = ""
    if training.baselines is not None and training.baselines.part == "validation":
        counted = training.baselines.best
        against = f", {comparison(best.val_loss, counted.loss)} a {counted.name}"
    return Content.assemble(
        f"epoch {best.epoch} of {len(training.epochs)}: validation ",
        (f"{best.val_loss:.4f}", "bold $text-success"),
        f" ({bits_per_character(best.val_loss):.3f} bits){against}",
    )


def comparison(loss: float, other: float) -> str:
    """Return how far a loss is below or above another one, in hundredths of a nat."""
    by = round(other - loss, 2)
    return f"{abs(by):.2f} {'below' if by > 0 else 'above'}" if by else "level with"


def _train(training: TrainingView) -> Content:
    """Return the last epoch's training loss and how it was computed; the loss that Evaluate reports differs."""
    if not training.epochs:
        return Content("–")
    last = training.epochs[-1]
    dropout = training.config is not None and training.config.training.has_dropout
    return Content.assemble(f"{last.train_loss:.4f}: ", (training_loss_note(last, dropout=dropout), "dim"))


def _verdict(training: TrainingView) -> Content:
    if training.error:
        return plain(training.error, "$text-error")
    verdict = training.verdict
    return Content.assemble(f"{_GLYPHS[verdict.kind]} {verdict.sentence}  ", (verdict.advice, "dim"))


def _saved(training: TrainingView) -> Content:
    path = _path(training)
    if path is None:
        return Content("nothing")
    epochs, seconds = count_of(len(training.epochs), "epoch"), training.finished.elapsed_seconds  # type: ignore[union-attr]
    return Content.assemble(plain(path), (f"   {epochs} in {clock(seconds)}", "dim"))


def _next(training: TrainingView) -> Content:
    keys = [("n", "settings")]
    if _path(training) is not None:
        keys = [("e", "evaluate"), ("g", "generate"), ("n", "new run")]
        if training.can_go_on or training.can_have_more:
            keys.insert(2, ("r", "resume" if training.can_go_on else "more epochs"))
    return Content(", ").join([Content.assemble((key, "bold $text-accent"), f" {what}") for key, what in keys])


def _path(training: TrainingView) -> str | None:
    finished = training.finished
    return (finished.best_checkpoint or finished.last_checkpoint) if finished is not None else None
