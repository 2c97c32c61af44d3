"""Training, as a generator of events.

    for event in Trainer(corpus, model_config, training_config).run(control):
        ...

The trainer writes no files and prints nothing. It does not run between two events, so the receiver of an event can read
the model (`checkpoint()`) or the state to resume the run from (`snapshot()`) without a lock.

Steps change a `LiveState`; the trainer decides when to report, validate, sample, pause and stop.
"""

from collections.abc import Generator, Iterator

import torch

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.counters import Plan
from core.checkpoints.training_state import Snapshot
from core.control import Control
from core.data.corpus import Corpus
from core.data.vocabulary import Vocabulary
from core.events import (
    EpochCompleted,
    Event,
    Paused,
    RateHalved,
    Reason,
    Resumed,
    RunFinished,
    RunStarted,
    SampleDrawn,
    ThreadsChanged,
    ValidationProgressed,
)
from core.model.char_lstm import CharLSTM
from core.model.device import ComputeSettings, choose, memory_in_use, thread_counts
from core.settings.config import ModelConfig, TrainingConfig
from core.training.divergence import CHECK_STEPS
from core.training.epoch_samples import EpochSampler
from core.training.learner import Learner
from core.training.live_state import LiveState
from core.training.plan import epoch_is_over, make_plan
from core.training.process_group import ProcessGroup, SharedRun
from core.training.replica import LeadingReplica, Replica, training_streams
from core.training.starting_model import StartingModel
from core.training.step_reports import StepReports
from core.training.thread_count import OtherPrograms, ThreadCount

REPORT_SECONDS = 0.1
"""Minimum number of seconds between two reports: more could not be seen, and each copies the loss from the device."""


class Trainer:
    """One training run, which can be run once: from the start, or from a snapshot of an earlier run.

    With a `start`, it begins with the weights of another model (fine-tuning).

    With a `group`, several processes train the model together. This is the one of rank 0; the others `follow`.

    Raises:
        UserError: the corpus is too short for the streams and the window, the machine does not have the device, or
            another process of the group cannot take part.
    """

    def __init__(
        self,
        corpus: Corpus,
        model_config: ModelConfig,
        config: TrainingConfig,
        compute: ComputeSettings | None = None,
        snapshot: Snapshot | None = None,
        group: ProcessGroup | None = None,
        start: StartingModel | None = None,
    ) -> None:
        self.corpus = corpus
        self.config = config
        known = snapshot or start
        self._origin = known.origin if known is not None else None
        self.vocabulary = known.vocabulary if known is not None else Vocabulary(corpus.characters)
        self._validation_ids = corpus.part("validation", config.validation).ids(self.vocabulary)
        self._group = group
        self._streams = training_streams(corpus, self.vocabulary, config, group)
        self.compute = compute or choose(model_config, len(self.vocabulary), config)
        if group is not None:
            shared = SharedRun(
                corpus=corpus.config,
                model=model_config,
                training=config,
                compute=self.compute,
                vocabulary=self.vocabulary.characters,
            )
            self.compute = group.begin(shared)
        with self.compute.applied():  # use only as many threads as training does
            weights = start.weights if start is not None else None
            learner = Learner(model_config, len(self.vocabulary), config, self.compute, group, weights)
        self._live = LiveState(
            Replica(learner, self._streams) if group is None else LeadingReplica(learner, self._streams, group)
        )
        self._start = start
        self._sampler = EpochSampler(config, self.vocabulary)
        self._threads: ThreadCount | None = None
        self.best_epoch = 0
        """Epoch of the best model that an earlier process saved; 0 if there is none."""
        self._processes_before = snapshot.processes if snapshot is not None else 0
        if snapshot is not None:
            self._live.resume(snapshot)
            self.best_epoch = snapshot.best_epoch

    @property
    def model(self) -> CharLSTM:
        """The network that is trained."""
        return self._live.learner.model

    @property
    def processes(self) -> int:
        """Number of processes that train the model."""
        return 1 if self._group is None else self._group.size

    @property
    def history(self) -> tuple[EpochCompleted, ...]:
        """Completed epochs, including those of earlier processes."""
        return tuple(self._live.history)

    def run(self, control: Control | None = None) -> Iterator[Event]:
        """Train, yielding events. The last is `RunFinished`, whether the run finished, was stopped or failed."""
        with self.compute.applied():
            yield from self._run(control or Control())

    def _run(self, control: Control) -> Iterator[Event]:
        self._live.clock.start()
        if not self.config.threads and self.compute.device == "cpu" and self._group is None:
            self._threads = ThreadCount(self.compute.threads, thread_counts(), OtherPrograms().cores)
        plan = self._live.plan = make_plan(
            self.config,
            self._streams.windows_at(0),
            self._live.counters,
            self._live.plan,
            lambda seconds: self._time_steps(seconds, control),
        )
        yield RunStarted(
            parameters=self.model.count_parameters(),
            vocabulary=len(self.vocabulary),
            train_characters=len(self._streams.ids),
            validation_characters=len(self._validation_ids),
            test_characters=len(self.corpus.part("test")),
            epochs=plan.epochs,
            steps_per_epoch=plan.steps,
            device=self.compute.device,
            precision=self.compute.precision,
            threads=self.compute.threads,
            processes=self.processes,
            processes_before=self._processes_before,
            epochs_done=self._live.counters.epochs,
            elapsed_seconds=self._live.counters.elapsed,
            total_steps=self._live.counters.steps,
            history=self.history,
            origin=self._origin.name if self._origin is not None else "",
            new_characters=len(self._start.new) if self._start is not None else 0,
            dropped_characters=len(self._start.dropped) if self._start is not None else 0,
        )
        self._live.begin()
        if not self._live.history and not self._live.counters.epoch_steps:
            yield from self._sample(control)  # noise, to compare later samples with
        ended: Reason | None = None
        while ended is None and self._live.counters.epochs < plan.epochs and not self._is_out_of_patience():
            ended = yield from self._epoch(plan, control)
        yield RunFinished(
            reason=ended or "finished",
            epochs=self._live.counters.epochs,
            elapsed_seconds=self._live.clock.elapsed(),
            thread_changes=self._live.counters.thread_changes,
        )

    def checkpoint(self) -> Checkpoint:
        """Return the current model: the network itself or its average, not a copy."""
        return Checkpoint(
            model=self._live.learner.kept,
            vocabulary=self.vocabulary,
            corpus=self.corpus.config,
            training=self.config,
            epoch=self._live.counters.epochs,
            train_loss=self._live.counters.train_loss,
            val_loss=self._live.counters.val_loss,
            origin=self._origin,
        )

    def snapshot(self) -> Snapshot:
        """Return everything needed to resume the run, as copies on the CPU."""
        now, good = self._live.copies()
        return Snapshot(
            model=self.model.config,
            vocabulary=self.vocabulary,
            corpus=self.corpus.config,
            training=self.config,
            origin=self._origin,
            compute=self.compute,
            processes=self.processes,
            plan=self._live.plan,
            history=self.history,
            now=now,
            good=good,
        )

    # --- steps and epochs

    def _time_steps(self, seconds: float, control: Control) -> tuple[int, float]:
        """Take steps for `seconds`; return their number and the seconds they took. They belong to no epoch."""
        self._live.plan = Plan(epochs=1, steps=1, seconds=self.config.seconds)
        self._live.step()  # the first step includes one-time setup
        self._live.forget_losses()
        started, taken = self._live.clock.elapsed(), 0
        until = started + seconds
        while not control.stopped and (not taken or self._live.clock.elapsed() < until):
            self._live.step()
            self._live.forget_losses()
            taken += 1
        return taken, self._live.clock.elapsed() - started

    def _epoch(self, plan: Plan, control: Control) -> Generator[Event, None, Reason | None]:
        """Train for an epoch, or the rest of it, then validate. Return why the run ends here; None if it continues.

        If the loss diverges, the state returns to the start of the epoch, and the next call repeats the epoch.
        """
        counters = self._live.counters
        steps = plan.steps if plan.seconds is not None else self._live.replica.steps_of(counters.epochs + 1)
        characters = self._live.replica.characters
        reports = StepReports(counters, self._live.clock.elapsed(), steps=steps, characters=characters)
        while not counters.epoch_over and not control.stopped:
            began = self._live.clock.elapsed()
            self._live.step()
            counters.epoch_steps += 1
            over = self._epoch_is_over(plan, steps)
            check = over or counters.epoch_steps % CHECK_STEPS == 0
            now = self._live.clock.elapsed()
            step_seconds = now - began
            report = over or now - reports.begun >= REPORT_SECONDS
            if check or report:
                self._live.read_losses()
                now = self._live.clock.elapsed()  # a GPU has now finished the steps
                if self._live.replica.is_asked_to_stop():
                    control.stop()
                if self._live.has_diverged(check=check, over=over):
                    rolled_back = self._live.roll_back()
                    yield rolled_back
                    return None if isinstance(rolled_back, RateHalved) else "failed"
            counters.epoch_over = over
            if report:
                counters.training_seconds += now - reports.begun
                yield reports.make(
                    now,
                    learning_rate=self._live.rate,
                    gradient_norm=self._live.learner.gradient_norm(),
                    memory_bytes=memory_in_use(self.compute.device),
                )
                reports.begin(self._live.clock.elapsed())
            yield from self._adapt_threads(step_seconds, now)
            if control.takes_sample():
                yield from self._sample(control, asked=True)
            yield from self._hold_while_paused(control)
        if control.stopped:
            return "stopped"
        val_loss = yield from self._validate(control)
        if control.stopped:
            return "stopped"
        yield self._live.complete_epoch(val_loss)
        yield from self._sample(control)
        return None

    def _adapt_threads(self, step_seconds: float, now: float) -> Iterator[ThreadsChanged]:
        """Change the number of threads if the load of the machine has changed."""
        if self._threads is None:
            return
        before = self._threads.kept
        if self._threads.add(step_seconds, now):
            torch.set_num_threads(self._threads.threads)
            self._live.counters.thread_changes += 1
        if self._threads.kept != before:
            yield ThreadsChanged(
                threads=self._threads.kept,
                before=before,
                total_steps=self._live.counters.steps,
                elapsed_seconds=now,
            )

    def _epoch_is_over(self, plan: Plan, steps: int) -> bool:
        afterwards = self._live.counters.validating_seconds + self._sampler.last_seconds
        return epoch_is_over(plan, self._live.counters, self._live.clock, steps, afterwards)

    def _is_out_of_patience(self) -> bool:
        return 0 < self.config.patience <= self._live.counters.without_better

    def _sample(self, control: Control, *, asked: bool = False) -> Iterator[SampleDrawn]:
        """Yield a sample of the model, unless none is due or the run is stopped during it."""
        if not (asked or self._sampler.is_due(self._live.clock.elapsed())):
            return
        text = self._sampler.draw(self._live.learner.kept, control)
        if text is not None:
            steps, epoch = self._live.counters.steps, self._live.counters.epochs
            yield SampleDrawn(epoch=epoch, total_steps=steps, prompt=self._sampler.prompt, text=text, asked=asked)

    def _validate(self, control: Control) -> Generator[Event, None, float | None]:
        """Return the loss on the validation part; None if there is none, or if the run is stopped during it."""
        if not len(self._validation_ids):
            return None
        started = reported_at = self._live.clock.elapsed()
        for reading in self._live.replica.validate(self._validation_ids, self.vocabulary.start_id):
            if isinstance(reading, float) or control.stopped:
                break
            now = self._live.clock.elapsed()
            if now - reported_at >= REPORT_SECONDS:
                epoch = self._live.counters.epochs + 1
                yield ValidationProgressed(epoch=epoch, done=reading.scored / reading.characters, elapsed_seconds=now)
                reported_at = self._live.clock.elapsed()
            yield from self._hold_while_paused(control)
        self._live.counters.validating_seconds = self._live.clock.elapsed() - started
        return reading if isinstance(reading, float) else None

    def _hold_while_paused(self, control: Control) -> Iterator[Event]:
        if control.paused:
            self._live.clock.stop()
            yield Paused()
            while control.paused:
                control.wait_while_paused()
                if control.takes_sample():
                    yield from self._sample(control, asked=True)
            self._live.clock.start()
            yield Resumed()
