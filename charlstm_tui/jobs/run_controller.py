"""The owner of the training run: starts, stops, pauses and resumes it, and quits the app once the run is saved."""

from collections.abc import Callable, Iterator
from functools import partial

from rich.text import Text

from charlstm_tui.jobs import ngrams, training
from charlstm_tui.jobs.job import TRAINING_INTERVAL, Ending, LatestJob
from charlstm_tui.state.app_state import AppState
from charlstm_tui.state.job_events import TextRead
from charlstm_tui.state.training import TrainingView
from core.control import Control
from core.errors import UserError
from core.events import RunStarted, SavingFailed
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.text import sanitise


class RunController:
    """Trains one run at a time, keeps the app's `training` up to date, and counts n-grams for the chart."""

    def __init__(self, app: AppState, store: RunStore) -> None:
        self._app = app
        self._store = store
        self._training_job = LatestJob(app, on_items=self._follow, on_end=self._end)
        # An error of this job is ignored: the chart then has no baseline.
        self._ngram_job = LatestJob(app, on_items=self._take_baselines, on_end=lambda _: None)
        self._discard = False  # whether to delete the run once it is stopped
        self._next: Callable[[], None] | None = None  # begins the run that was requested while a job was about to end
        self.leaving: int | None = None
        """The exit code once the user has quit, otherwise None; the app exits when the run is saved."""

    @property
    def running(self) -> bool:
        """Whether a run is in progress or being saved."""
        return self._training_job.running

    @property
    def control(self) -> Control | None:
        """The control of the run in progress."""
        return self._training_job.control

    def start(self, config: RunConfig) -> None:
        """Start a run, unless one is in progress."""
        self._begin_when_free(config, partial(training.train, store=self._store, config=config))

    def resume(self, config: RunConfig, name: str, epochs: int | None) -> None:
        """Resume the run of that name, unless one is in progress; `epochs`, if given, is its new total of epochs."""
        self._begin_when_free(config, partial(training.resume, store=self._store, name=name, epochs=epochs))

    def stop(self, *, discard: bool | None = None) -> None:
        """Stop the run in progress, and save or delete it; with None, as decided earlier."""
        if discard is not None:
            self._discard = discard
        self._ngram_job.drop()
        if self.running:
            self._training_job.stop()
            self._app.training = self._app.training.stopping()

    def pause_or_continue(self) -> None:
        """Pause the run in progress, or continue it."""
        if self.control is not None:
            self.control.resume() if self.control.paused else self.control.pause()

    def ask_for_sample(self) -> None:
        """Ask the run in progress for a sample after its next step."""
        if self.control is not None:
            self.control.ask_for_sample()

    def leave(self, exit_code: int, *, discard: bool | None = None) -> None:
        """Quit the app once the run in progress is saved or deleted; the first exit code counts."""
        if self.leaving is None:
            self.leaving = exit_code
        if not self.running:
            self._app.exit(return_code=self.leaving)
        self.stop(discard=discard)

    def _begin_when_free(self, config: RunConfig, produce: Callable[[Control], Iterator[object]]) -> None:
        """Begin now, or, if the previous run has finished and its job is about to end, right after that."""
        if not self.running:
            self._begin(config, produce)
        elif not self._app.training.alive:
            self._next = partial(self._begin, config, produce)

    def _begin(self, config: RunConfig, produce: Callable[[Control], Iterator[object]]) -> None:
        self._app.training = TrainingView(phase="preparing", doing="starting", config=config)
        self._discard = False
        self._ngram_job.drop()  # otherwise the baseline of the previous run would appear on this run's chart
        self._training_job.start(produce, name="train", interval=TRAINING_INTERVAL)

    def _take_baselines(self, items: tuple[object, ...]) -> None:
        self._app.training = self._app.training.with_baselines(items[-1])

    def _follow(self, items: tuple[object, ...]) -> None:
        self._app.training = view = self._app.training.after(items)
        for item in items:
            if isinstance(item, RunStarted) and view.config is not None:
                self._count_ngrams(view.config)
                if item.beginning:
                    self._app.notify(item.beginning)
            if isinstance(item, TextRead) and item.encoding != "utf-8":
                self._app.notify(f"{item.corpus.name} was read as {item.encoding}.")
            if isinstance(item, TextRead) and item.passed_over:
                self._app.notify("\n".join(item.passed_over))
            if isinstance(item, SavingFailed):
                self._app.notify(item.advice, severity="warning", timeout=20)

    def _count_ngrams(self, config: RunConfig) -> None:
        """Count n-grams in the run's text; their loss is a line on its chart."""
        self._ngram_job.start(
            partial(ngrams.count_ngrams, config=config.corpus, validation=config.training.validation),
            name="count",
            interval=TRAINING_INTERVAL,
        )

    def _end(self, ending: Ending) -> None:
        view = self._app.training
        self._app.training = view = view.failed(ending.error) if ending.error else view.ended()
        if self._discard:
            self._delete_run()
            view = self._app.training
        if self.leaving is not None:
            unsaved = view.finished.unsaved if view.finished is not None else ""
            self._app.exit(
                return_code=1 if unsaved and not self.leaving else self.leaving,
                message=Text(sanitise(unsaved)) if unsaved else None,
            )
        elif self._next is not None:
            begin, self._next = self._next, None
            begin()

    def _delete_run(self) -> None:
        """Delete the run that was discarded."""
        started, self._discard = self._app.training.started, False
        if started is None:
            return
        try:
            self._store.delete(started.run)
        except UserError as error:
            self._app.notify(str(error), severity="error", timeout=20)
        else:
            self._app.training = TrainingView()
