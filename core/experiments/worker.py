"""A worker of an experiment: claims trials and trains them, one after another, until none is left."""

import contextlib
import math
import time
from collections.abc import Iterator

import msgspec

from core.checkpoints.file_format import DamagedCheckpointError
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError, in_plain_words, is_out_of_memory
from core.events import EpochCompleted, Event, RunFinished, RunStarted, StepsCompleted
from core.experiments.experiment import Experiment
from core.experiments.results import TrialState
from core.experiments.trial_book import ClaimedTrial, TrialBook
from core.experiments.trial_events import TrialEnded, TrialEpoch, TrialEvent, TrialProgressed, TrialStarted
from core.model.device import ComputeSettings, choose
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import epochs_of, outcome
from core.training.resume import resume
from core.training.trainer import Trainer

REPORT_SECONDS = 1.0
"""Minimum number of seconds between two reports of a trial's progress."""
_PRECISION = "precision"


def work(book: TrialBook, store: RunStore, corpus: Corpus, control: Control, threads: int) -> Iterator[TrialEvent]:
    """Train trials until none is left or `control` stops it.

    Args:
        book: the experiment's trials.
        store: the folder of the runs.
        corpus: the experiment's text.
        control: stops the work; the trial in progress is saved and can be resumed.
        threads: number of CPU threads; 0 lets each run choose and adapt it.

    Raises:
        UserError: the text is not the experiment's, or a run that is not of this experiment has the name of a trial's.
    """
    experiment = book.experiment
    if experiment.corpus.sha256 and corpus.text.sha256 != experiment.corpus.sha256:
        raise UserError(
            f"The text {corpus.config.title} has changed since the experiment {experiment.name} was made. Put the old "
            "text back, or make a new experiment."
        )
    compute = _compute(book, corpus, threads)
    while not control.stopped and (claimed := book.claim()) is not None:
        try:
            yield from _Trial(experiment, claimed, store, corpus, compute, threads).train(control)
        finally:
            claimed.release()


def _compute(book: TrialBook, corpus: Corpus, threads: int) -> ComputeSettings:
    """Return device, precision and threads. All trials on CPUs have the same precision, which the first worker chooses:
    the losses of single runs differ less by it than by the seed, but they need not differ by it at all."""
    experiment = book.experiment
    training = msgspec.structs.replace(experiment.training, threads=threads)
    if training.precision == "auto" and (known := book.noted(_PRECISION)):
        training = msgspec.structs.replace(training, precision=known)
    try:
        compute = choose(experiment.model, len(corpus.characters), training)
    except UserError:  # bf16, which another machine chose, does not work on this one
        if experiment.training.precision != "auto":
            raise
        compute = choose(experiment.model, len(corpus.characters), msgspec.structs.replace(training, precision="fp32"))
    if experiment.training.precision == "auto" and compute.device == "cpu":
        precision = book.note(_PRECISION, compute.precision)
        if precision != compute.precision and precision == "fp32":
            compute = msgspec.structs.replace(compute, precision="fp32")
    return compute


class _Trial:
    """The training of one claimed trial."""

    def __init__(
        self,
        experiment: Experiment,
        claimed: ClaimedTrial,
        store: RunStore,
        corpus: Corpus,
        compute: ComputeSettings,
        threads: int,
    ) -> None:
        self._experiment = experiment
        self._claimed = claimed
        self._number = claimed.result.number
        self._name = claimed.result.run
        self._store = store
        self._corpus = corpus
        self._compute = compute
        self._threads = threads
        self._reported = 0.0
        self._epochs = 0
        self._pruned = False
        self._losses: list[float] = []

    def train(self, control: Control) -> Iterator[TrialEvent]:
        """Train it, or resume it, and store its outcome."""
        result = self._claimed.result
        own = Control()  # a pruned trial stops; the worker does not
        config = self._config()
        self._check_run(config)
        try:
            trainer, run = self._open(config)
        except UserError as error:
            yield self._failed(str(error))
            return
        except (MemoryError, RuntimeError) as error:
            yield self._too_large(error)
            return
        yield TrialStarted(
            trial=self._number, run=self._name, params=result.params, seed=result.seed, epochs=config.training.epochs,
            resumed=bool(result.losses) or self._claimed.attempts > 0,
        )  # fmt: skip
        finished: RunFinished | None = None
        if trainer is not None:
            try:
                for event in record(run, trainer, own):
                    yield from self._take(event, own)
                    if control.stopped or self._claimed.is_given_up:
                        own.stop()
                    if isinstance(event, RunFinished):
                        finished = event
            except UserError as error:
                yield self._failed(str(error))
                return
            except (MemoryError, RuntimeError) as error:
                yield self._too_large(error)
                return
        else:
            for epoch in epochs_of(run.events()):
                self._report(epoch)
        yield self._end(finished or outcome(run.events()))

    def _config(self) -> RunConfig:
        result = self._claimed.result
        config = self._experiment.run_config(result.params, result.seed)
        training = msgspec.structs.replace(
            config.training, threads=self._threads, precision=self._compute.precision, sample_length=0
        )
        return msgspec.structs.replace(config, corpus=self._corpus.config, training=training)

    def _check_run(self, config: RunConfig) -> None:
        """Raise a `UserError` if another run has the name of this trial's."""
        if self._store.has(self._name):
            run = self._store.get(self._name).config()
            if not run.is_of(config.corpus, config.model, config.training):
                raise UserError(
                    f"The run {self._name} is not of the experiment {self._experiment.name}. Rename or delete it."
                )

    def _open(self, config: RunConfig) -> tuple[Trainer | None, Run]:
        """Return the trainer of the trial's run, new or resumed; None if the run has ended by itself."""
        if self._store.has(self._name):
            run = self._store.get(self._name)
            ended = outcome(run.events())
            if ended is not None and ended.reason != "stopped":
                return None, run
            with contextlib.suppress(DamagedCheckpointError):
                if run.last_path.exists():
                    return self._resumed(run)
            self._store.delete(self._name)  # killed before its first complete save: it begins again
        # The trainer first: it refuses a text that is too short for the window, before there is a run.
        trainer = Trainer(self._corpus, config.model, config.training, self._compute)
        return trainer, self._store.create(config, self._name)

    def _resumed(self, run: Run) -> tuple[Trainer, Run]:
        with run.locked():
            resumption = resume(self._store, self._name, run, {})
            return resumption.trainer(self._corpus, resumption.compute or self._compute), resumption.begin(self._store)

    def _take(self, event: Event, own: Control) -> Iterator[TrialEvent]:
        """Report an event of the run."""
        self._claimed.sign()
        match event:
            case RunStarted(epochs=epochs, history=history):
                self._epochs = epochs
                for epoch in history:  # a worker that was killed may not have reported them
                    self._report(epoch)
            case StepsCompleted() if time.monotonic() - self._reported >= REPORT_SECONDS:
                self._reported = time.monotonic()
                done = (event.epoch - 1 + event.step / event.steps) / max(self._epochs, 1)
                yield TrialProgressed(trial=self._number, done=min(done, 1.0), chars_per_second=event.chars_per_second)
            case EpochCompleted(val_loss=float(loss)):
                if self._report(event) and event.epoch < self._epochs:
                    self._pruned = True
                    own.stop()
                yield TrialEpoch(trial=self._number, epoch=event.epoch, train_loss=event.train_loss, val_loss=loss)

    def _report(self, epoch: EpochCompleted) -> bool:
        """Store the loss of an epoch; return whether the trial should be pruned."""
        loss = epoch.val_loss
        if loss is None or not math.isfinite(loss):
            return False
        self._losses.append(loss)
        return self._claimed.report(epoch.epoch, loss)

    def _end(self, ended: RunFinished | None) -> TrialEnded:
        """Store how the trial ended; an interrupted one stays open."""
        assert ended is not None, "the last event of a run is that it ended"
        if ended.reason == "stopped" and not self._pruned:
            self._claimed.interrupt()
            return self._ended("interrupted", ended)
        if ended.reason == "failed":
            return self._failed("Its loss diverged.")
        if self._pruned:
            self._claimed.prune()
            return self._ended("pruned", ended)
        if not self._losses:
            return self._failed("It has no validation loss.")
        loss = min(self._losses)
        self._claimed.finish(loss)
        return self._ended("finished", ended, loss)

    def _ended(self, state: TrialState, ended: RunFinished, loss: float | None = None) -> TrialEnded:
        return TrialEnded(trial=self._number, run=self._name, state=state, loss=loss, unsaved=ended.unsaved)

    def _too_large(self, error: MemoryError | RuntimeError) -> TrialEnded:
        """Return the end of a trial that memory was not enough for; raise any other error."""
        if not is_out_of_memory(error):
            raise error
        return self._failed(in_plain_words(error))

    def _failed(self, why: str) -> TrialEnded:
        self._claimed.fail(why)
        return TrialEnded(trial=self._number, run=self._name, state="failed", why=why)
