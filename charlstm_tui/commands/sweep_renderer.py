"""Shows the events of an experiment's workers: a progress bar and a line for each trial, or JSON lines."""

from types import TracebackType

import click

from charlstm_tui.commands.stdio import draws_bars
from charlstm_tui.formatting.numbers import duration, loss_shown
from core.experiments.budget import Budget
from core.experiments.experiment import Experiment
from core.experiments.results import TrialResult
from core.experiments.trial_events import (
    TrialEnded,
    TrialEpoch,
    TrialEvent,
    TrialProgressed,
    TrialStarted,
    WorkerFailed,
    to_json,
)
from core.experiments.varied import shown
from core.text import in_one_line


class SweepRenderer:
    """Shows what the workers report. Results are printed on stdout, progress on stderr."""

    def __init__(self, experiment: Experiment, workers: int, *, as_json: bool) -> None:
        self._experiment = experiment
        self._workers = workers
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._as_json = as_json
        self._params: dict[int, str] = {}
        self._done: dict[int, float] = {}  # share of each trial in progress that is done
        self._over = 0
        self._begun_with = 0.0
        self._best: float | None = None
        self._budget: Budget | None = None
        self._saying = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
            transient=True,
            disable=as_json or not draws_bars(),
        )
        self._task = self._bar.add_task("", total=1.0, left="")

    def __enter__(self) -> "SweepRenderer":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def say(self, doing: str) -> None:
        """Show what is being done."""
        self._saying = doing
        self._draw()

    def begin(self, results: list[TrialResult], budget: Budget) -> None:
        """Show what was done before."""
        self._budget = budget
        self._over = sum(trial.is_over for trial in results)
        self._begun_with = float(self._over)
        self._best = min((trial.loss for trial in results if trial.loss is not None), default=None)
        self._began_used = budget.used
        self._draw()

    def show(self, event: TrialEvent | None) -> bool:
        """Show an event; return whether a worker has failed, or something could not be saved."""
        if event is None:
            self._draw()
            return False
        if self._as_json:
            click.echo(to_json(event))
        match event:
            case TrialStarted():
                self._params[event.trial] = f"{shown(event.params)}, seed {event.seed}"
                self._done[event.trial] = 0.0
            case TrialProgressed():
                self._done[event.trial] = event.done
            case TrialEnded():
                self._end(event)
                if event.unsaved:
                    click.echo(in_one_line(event.unsaved), err=True)
                    return True
            case WorkerFailed(why=why):
                click.echo(in_one_line(why.removeprefix("Error: ")), err=True)
                return True
            case TrialEpoch():
                pass
        self._draw()
        return False

    def _end(self, event: TrialEnded) -> None:
        self._done.pop(event.trial, None)
        if event.state != "interrupted":
            self._over += 1
        if event.loss is not None and (self._best is None or event.loss < self._best):
            self._best = event.loss
        if self._as_json:
            return
        result = loss_shown(event.loss) if event.loss is not None else event.why or event.state
        params = self._params.get(event.trial, "")
        self._bar.console.print(
            in_one_line(f"{event.run}: {params}: {result}"), markup=False, highlight=False, soft_wrap=True
        )

    def _draw(self) -> None:
        total = self._experiment.runs
        done = self._over + sum(self._done.values())
        best = f", best {loss_shown(self._best)}" if self._best is not None else ""
        doing = self._saying or f"{self._over} of {total} runs{best}"
        self._bar.update(self._task, completed=done / total, description=doing, left=self._left(done, total))

    def _left(self, done: float, total: int) -> str:
        """Return the time left, as soon as it can be told."""
        if self._budget is None or done <= self._begun_with + 0.05:
            return ""
        used = self._budget.used - self._began_used
        left = used * (total - done) / (done - self._begun_with)
        if self._budget.left is not None:
            left = min(left, self._budget.left)
        return f"{duration(left)} left"
