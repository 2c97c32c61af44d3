"""An experiment on screen: its progress, its trials, and what it found."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import ProgressBar, Static

from charlstm_tui.formatting.effect_plot import effect_lines
from charlstm_tui.formatting.numbers import duration
from charlstm_tui.state.experiment import ExperimentView
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.experiments.trial_list import TrialList
from core.experiments.experiment import Experiment
from core.experiments.findings import Effect, importance_sentence
from core.text import count_of, in_one_line

EMPTY = "No run has begun yet. s starts the experiment."
_SEPARATOR = "  ·  "
_LEAST_BAR = 22
"""Number of columns that the progress bar keeps, its percentage included."""
_WIDE = 110
"""Number of columns from which the trials and the findings are side by side."""


class EffectPlots(Static):
    """Draws the effects of the settings in its width."""

    DEFAULT_CSS: ClassVar[str] = """
    EffectPlots { text-wrap: nowrap; margin: 1 0; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._effects: tuple[Effect, ...] = ()

    def show(self, effects: tuple[Effect, ...]) -> None:
        """Show other effects."""
        if effects != self._effects:
            self._effects = effects
            self._draw()

    def on_resize(self) -> None:
        """Draw them in the new width."""
        self.call_after_refresh(self._draw)  # what changes its size during a layout is not laid out again

    def _draw(self) -> None:
        drawn = effect_lines(self._effects, self.size.width)
        lines = [Content.styled(line, "" if place else "$text-muted") for each in drawn
                 for place, line in enumerate(each)]  # fmt: skip
        self.update(Content("\n").join(lines))
        self.display = bool(lines)


class ExperimentPanel(Vertical):
    """Shows the `ExperimentView` passed to `show`."""

    DEFAULT_CSS: ClassVar[str] = """
    ExperimentPanel {
        padding: 0 1; height: 1fr;
        & > #about { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #progress-line { height: 1; }
        & > #progress-line > ProgressBar { width: 1fr; & Bar { width: 1fr; } }
        & > #progress-line > #left { width: auto; margin-left: 2; color: $text-muted; }
        & > #trouble { height: auto; max-height: 3; color: $text-error; display: none; }
        & > #trouble.-shown { display: block; }
        & > #parts { height: 1fr; layout: vertical; margin-top: 1; }
        & #list { height: 1fr; width: 1fr; }
        & #columns { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        & TrialList { height: 1fr; background: $background; border: none; padding: 0; }
        & TrialList:focus { background-tint: $foreground 0%; }
        & #found { height: 1fr; margin-top: 1; scrollbar-size: 1 1; }
        & #found:focus { background-tint: $foreground 4%; }
        & #found > Static { height: auto; }
        & #best { text-style: bold; }
        &.-columns {
            & > #parts { layout: horizontal; }
            & #found { width: 1fr; margin-top: 0; margin-left: 2; }
        }
        &.-flat { & > #parts { margin-top: 0; } & #found { margin-top: 0; } }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's own name)
        super().__init__(id=id)
        self._view = ExperimentView()

    def compose(self) -> ComposeResult:
        """Lay out the panel."""
        yield PlainText(id="about")
        with Horizontal(id="progress-line"):
            yield ProgressBar(total=1.0, show_eta=False, show_percentage=True)
            yield Static(id="left")
        yield PlainText(id="trouble")
        with Horizontal(id="parts"):
            with Vertical(id="list"):
                yield PlainText(id="columns")
                yield TrialList(id="trials")
            with VerticalScroll(id="found"):
                yield PlainText(id="best")
                yield EffectPlots(id="effects")
                yield PlainText(id="sentences")

    @property
    def trials(self) -> TrialList:
        """The list of trials."""
        return self.query_one(TrialList)

    def on_resize(self) -> None:
        """Put the parts side by side in a wide window."""
        self.set_class(self.size.width >= _WIDE, "-columns")
        self.set_class(self.size.height < 14, "-flat")
        self.call_after_refresh(self._tell_state)  # what changes its size during a layout is not laid out again

    def _tell_state(self) -> None:
        self.query_one("#left", Static).update(Content(self._state(self._view)))

    def show(self, view: ExperimentView) -> None:
        """Show an experiment."""
        self._view = view
        if view.read is not None:
            self.query_one("#about", PlainText).update(_about(view.read.experiment))
        self.query_one(ProgressBar).update(progress=view.share)
        self._tell_state()
        trouble = self.query_one("#trouble", PlainText)
        trouble.update(view.error)
        trouble.set_class(bool(view.error), "-shown")
        self.trials.show(view)
        self.query_one("#columns", PlainText).update(self.trials.header)
        self._write_findings()

    def _state(self, view: ExperimentView) -> str:
        """Return the state, with the workers and the time left as far as there is room next to the bar."""
        words = [view.doing or view.state]
        if view.seconds_left is not None:
            words.append(f"{duration(view.seconds_left)} left")
        if view.workers is not None and view.phase == "running":
            workers, threads = count_of(view.workers.workers, "worker"), view.workers.threads
            words.append(f"{workers} of {count_of(threads, 'thread')}" if threads else workers)
        shown = _SEPARATOR.join(words)
        while len(words) > 1 and len(shown) > self.size.width - _LEAST_BAR:
            words.pop()
            shown = _SEPARATOR.join(words)
        return shown

    def _write_findings(self) -> None:
        view, found = self._view, self._view.findings
        best, sentences = self.query_one("#best", PlainText), self.query_one("#sentences", PlainText)
        effects = self.query_one(EffectPlots)
        if view.read is None or found is None or not found.finished:
            best.update(EMPTY if view.read is not None and not view.alive and not view.begun else "")
            sentences.update("")
            effects.show(())
            return
        best.update(found.best_sentence)
        effects.show(found.effects if len(found.combinations) > 1 else ())
        said = [sentence for effect in found.effects for sentence in effect.sentences]
        said.append(importance_sentence(view.read.experiment.varied, found.finished, view.read.importances))
        sentences.update("\n".join(said).strip())


def _about(experiment: Experiment) -> str:
    varied = ", ".join(each.shown for each in experiment.varied)
    seeds = f" · {experiment.seeds} seeds" if experiment.seeds > 1 else ""
    return in_one_line(f"{experiment.name} · {varied}{seeds} · {experiment.preset} · {experiment.corpus.name}")
