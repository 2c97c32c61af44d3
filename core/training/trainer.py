"""Training, as a generator of events.

    for event in Trainer(corpus, model_config, training_config).run(control):
        ...

The trainer writes no file and prints nothing. Between two events it stands still, so whoever holds one may read the
model (`checkpoint()`), or all it takes to go on (`snapshot()`), without a lock.
"""

import math
from collections.abc import Generator, Iterator

import msgspec
import torch
from torch import Tensor

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.counters import Counters, Plan
from core.checkpoints.training_state import Snapshot, TrainingState
from core.control import Control
from core.data.corpus import Corpus
from core.data.streams import Streams
from core.data.vocabulary import Vocabulary
from core.data.window_loader import WindowLoader
from core.evaluation.validation_loss import quick_loss
from core.events import (
    Diverged,
    EpochCompleted,
    Event,
    Paused,
    RateHalved,
    Reason,
    Resumed,
    RunFinished,
    RunStarted,
    SampleDrawn,
    ValidationProgressed,
)
from core.model.char_lstm import CharLSTM, State
from core.model.device import ComputeSettings, choose, memory_in_use
from core.settings.config import ModelConfig, TrainingConfig
from core.training.clock import Clock
from core.training.divergence import CHECK_STEPS, MAX_ROLL_BACKS, has_diverged
from core.training.epoch_samples import EpochSampler
from core.training.learner import Learner
from core.training.plan import epoch_is_over, make_plan, progress
from core.training.schedule import rate_share
from core.training.step_reports import StepReports

REPORT_SECONDS = 0.1
"""At most ten reports a second: more cannot be seen, and each reads the loss back from the device."""


class Trainer:
    """One training run, to be run once: from its beginning, or from where another one was when `snapshot()` was taken.

    Raises:
        UserError: the corpus is too short for the streams and the window asked for, or the machine has not the device.
    """

    def __init__(
        self,
        corpus: Corpus,
        model_config: ModelConfig,
        config: TrainingConfig,
        choice: ComputeSettings | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.corpus = corpus
        self.config = config
        self.vocabulary = Vocabulary(corpus.characters)
        self._validation_ids = corpus.part("validation", config.validation).ids(self.vocabulary)
        train_ids = corpus.part("train", config.validation).ids(self.vocabulary)
        self._streams = Streams(train_ids, streams=config.streams, window=config.window)
        self.choice = choice or choose(model_config, len(self.vocabulary), config)
        with self.choice.applied():  # with as many threads as it trains with: others may be busy
            self._learner = Learner(model_config, len(self.vocabulary), config, self.choice)
        self._sampler = EpochSampler(config, self.vocabulary)
        self._windows = WindowLoader(self._streams, config.seed, self.choice.device)
        self._counters = Counters()
        self._plan: Plan | None = None
        self._state: State | None = None
        self._unread: list[Tensor] = []  # losses of steps, on the device: reading each would hold up the next
        self._rate = 0.0  # of the last step
        self._good: TrainingState | None = None  # where the epoch began
        self._history: list[EpochCompleted] = []
        self.best_epoch = snapshot.best_epoch if snapshot is not None else 0
        """Of the best model that an earlier process kept."""
        if snapshot is not None:
            self._resume(snapshot)
        self._clock = Clock(self._counters.elapsed)

    @property
    def model(self) -> CharLSTM:
        """The network that learns."""
        return self._learner.model

    @property
    def history(self) -> tuple[EpochCompleted, ...]:
        """The epochs completed, also those before this trainer took over."""
        return tuple(self._history)

    def run(self, control: Control | None = None) -> Iterator[Event]:
        """Train, yielding events; `RunFinished` is the last, whether the run was finished, stopped or failed."""
        with self.choice.applied():
            yield from self._run(control or Control())

    def _run(self, control: Control) -> Iterator[Event]:
        self._clock.start()
        plan = self._plan = make_plan(
            self.config,
            self._streams.windows_at(0),
            self._counters,
            self._plan,
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
            device=self.choice.device,
            precision=self.choice.precision,
            threads=self.choice.threads,
            epochs_done=self._counters.epochs,
            elapsed_seconds=self._counters.elapsed,
            history=self.history,
        )
        if self._good is None:
            self._good = self._training_state()
        if not self._history and not self._counters.epoch_steps:
            yield from self._sample(control)  # noise, to see what becomes of it
        ended: Reason | None = None
        while ended is None and self._counters.epochs < plan.epochs and not self._is_out_of_patience():
            ended = yield from self._epoch(plan, control)
        yield RunFinished(
            reason=ended or "finished", epochs=self._counters.epochs, elapsed_seconds=self._clock.elapsed()
        )

    def checkpoint(self) -> Checkpoint:
        """Return the model as it stands: itself, or its average; not a copy."""
        return Checkpoint(
            model=self._learner.kept,
            vocabulary=self.vocabulary,
            corpus=self.corpus.config,
            training=self.config,
            epoch=self._counters.epochs,
            train_loss=self._counters.train_loss,
            val_loss=self._counters.val_loss,
        )

    def snapshot(self) -> Snapshot:
        """Return the run as it stands, with all that it takes to go on: copies, on the processor."""
        self._read_losses()
        now = good = self._good or self._training_state()
        if self._counters.epoch_steps and math.isfinite(self._counters.epoch_loss):  # else that is where to go on from
            now = self._training_state()
        return Snapshot(
            model=self.model.config,
            vocabulary=self.vocabulary,
            corpus=self.corpus.config,
            training=self.config,
            choice=self.choice,
            plan=self._plan,
            history=self.history,
            now=now,
            good=good if good is not now else None,
        )

    # --- steps and epochs

    def _time_steps(self, seconds: float, control: Control) -> tuple[int, float]:
        """Take steps for so many seconds; return how many, and the seconds that they took. They count for no epoch."""
        self._plan = Plan(epochs=1, steps=1, seconds=self.config.seconds)
        self._step()  # the first builds what the others use
        started, taken = self._clock.elapsed(), 0
        until = started + seconds
        while not control.stopped and (not taken or self._clock.elapsed() < until):
            self._step()
            taken += 1
        self._unread.clear()
        return taken, self._clock.elapsed() - started

    def _step(self) -> None:
        """Learn from the next window."""
        window = self._windows.next()
        assert self._plan is not None
        share = rate_share(progress(self._plan, self._counters, self._clock), self.config)
        self._rate = self.config.learning_rate * share * self._counters.rate_factor
        state = None if window.begins else self._state
        loss, self._state = self._learner.step(window.inputs, window.targets, state, self._rate)
        self._counters.steps += 1
        self._unread.append(loss)

    def _epoch(self, plan: Plan, control: Control) -> Generator[Event, None, Reason | None]:
        """Train for an epoch, or what is left of it, then validate. Returns why the run ends here; None if it goes on.

        An epoch whose loss diverged ends where it began: it is gone through again.
        """
        counters = self._counters
        steps = plan.steps if plan.seconds is not None else self._windows.steps_of(counters.epochs + 1)
        reports = StepReports(counters, self._clock.elapsed(), steps=steps, characters=self._characters(1))
        while not counters.epoch_over and not control.stopped:
            self._step()
            counters.epoch_steps += 1
            over = self._epoch_is_over(plan, steps)
            check = over or counters.epoch_steps % CHECK_STEPS == 0
            now = self._clock.elapsed()
            report = over or now - reports.begun >= REPORT_SECONDS
            if check or report:
                self._read_losses()
                diverged = has_diverged(counters, len(self.vocabulary), due=check, over=over)
                if diverged or (over and not self._learner.is_finite()):
                    rolled_back = self._roll_back()
                    yield rolled_back
                    return None if isinstance(rolled_back, RateHalved) else "failed"
            counters.epoch_over = over
            if report:
                counters.training_seconds += now - reports.begun
                yield reports.make(
                    now,
                    learning_rate=self._rate,
                    gradient_norm=self._learner.gradient_norm(),
                    memory_bytes=memory_in_use(self.choice.device),
                )
                reports.begin(self._clock.elapsed())
            if control.takes_sample():
                yield from self._sample(control, asked=True)
            yield from self._hold_while_paused(control)
        if control.stopped:
            return "stopped"
        val_loss = yield from self._validate(control)
        if control.stopped:
            return "stopped"
        yield self._complete(val_loss)
        yield from self._sample(control)
        return None

    def _epoch_is_over(self, plan: Plan, steps: int) -> bool:
        afterwards = self._counters.validating_seconds + self._sampler.last_seconds
        return epoch_is_over(plan, self._counters, self._clock, steps, afterwards)

    def _is_out_of_patience(self) -> bool:
        return 0 < self.config.patience <= self._counters.without_better

    def _sample(self, control: Control, *, asked: bool = False) -> Iterator[SampleDrawn]:
        """Have the model write; nothing where that is not due, or the run was stopped meanwhile."""
        if not (asked or self._sampler.is_due(self._clock.elapsed())):
            return
        text = self._sampler.draw(self._learner.kept, control)
        if text is not None:
            steps, epoch = self._counters.steps, self._counters.epochs
            yield SampleDrawn(epoch=epoch, total_steps=steps, prompt=self._sampler.prompt, text=text, asked=asked)

    def _complete(self, val_loss: float | None) -> EpochCompleted:
        """Note that the epoch is over, and where it ended."""
        counters = self._counters
        now = self._clock.elapsed()
        completed = EpochCompleted(
            epoch=counters.epochs + 1,
            train_loss=counters.epoch_loss / counters.epoch_steps,
            val_loss=val_loss,
            best=counters.would_be_best(val_loss),
            seconds=max(now - counters.epoch_began, 0.0),
            elapsed_seconds=now,
            chars_per_second=self._characters(counters.epoch_steps) / max(counters.training_seconds, 1e-9),
            total_steps=counters.steps,
        )
        counters.complete(completed)
        self._history.append(completed)
        self._good = self._training_state()
        return completed

    def _read_losses(self) -> None:
        """Add up the losses of the steps since this was last done, one by one: it is the same whenever it is done."""
        if self._unread:
            for loss in torch.stack(self._unread).tolist():
                self._counters.epoch_loss += loss
            self._unread.clear()

    def _validate(self, control: Control) -> Generator[Event, None, float | None]:
        """Return the loss on the validation part; None without one, or when told to stop meanwhile."""
        if not len(self._validation_ids):
            return None
        started = reported_at = self._clock.elapsed()
        readings = quick_loss(self._learner.kept, self._validation_ids, self.vocabulary.start_id)
        while True:
            with self.choice.autocast():  # not while others have their turn
                reading = next(readings)
            if isinstance(reading, float) or control.stopped:
                break
            now = self._clock.elapsed()
            if now - reported_at >= REPORT_SECONDS:
                epoch = self._counters.epochs + 1
                yield ValidationProgressed(epoch=epoch, done=reading.scored / reading.characters, elapsed_seconds=now)
                reported_at = self._clock.elapsed()
            yield from self._hold_while_paused(control)
        self._counters.validating_seconds = self._clock.elapsed() - started
        return reading if isinstance(reading, float) else None

    def _hold_while_paused(self, control: Control) -> Iterator[Event]:
        if control.paused:
            self._clock.stop()
            yield Paused()
            while control.paused:
                control.wait_while_paused()
                if control.takes_sample():
                    yield from self._sample(control, asked=True)
            self._clock.start()
            yield Resumed()

    def _characters(self, steps: int) -> int:
        return steps * self.config.streams * self.config.window

    # --- where a run stands, and the way back to where it stood

    def _roll_back(self) -> RateHalved | Diverged:
        """Return to where the epoch began, with half the rate; too often, and the run has failed."""
        counters, good = self._counters, self._good
        epoch, step, times, rate_factor = (
            counters.epochs + 1, counters.epoch_steps, counters.roll_backs + 1, counters.rate_factor / 2
        )  # fmt: skip
        assert good is not None
        if times > MAX_ROLL_BACKS:
            return Diverged(epoch=epoch, step=step)
        self._restore(good)
        self._counters.roll_backs, self._counters.rate_factor = times, rate_factor
        self._good = TrainingState(msgspec.structs.replace(self._counters), good.tensors)
        return RateHalved(epoch=epoch, step=step, rate_factor=rate_factor, time=times)

    def _training_state(self) -> TrainingState:
        """Return where the run stands, copied."""
        self._read_losses()
        self._counters.elapsed = self._clock.elapsed()
        tensors = self._learner.state()
        if self._state is not None:
            tensors |= {"state.hidden": self._state.hidden, "state.cell": self._state.cell}
        copied = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        return TrainingState(msgspec.structs.replace(self._counters, **self._windows.state_dict()), copied)

    def _restore(self, training_state: TrainingState) -> None:
        """Go to where a run once stood."""
        tensors = training_state.tensors
        self._counters = msgspec.structs.replace(training_state.counters)
        self._learner.restore(tensors, self._counters.steps)
        self._windows.load_state_dict({"reading": self._counters.reading, "window": self._counters.window})
        self._unread.clear()
        self._state = None
        if "state.hidden" in tensors:
            hidden, cell = (tensors[name].to(self.choice.device) for name in ("state.hidden", "state.cell"))
            if self.choice.precision == "fp32":
                hidden, cell = hidden.float(), cell.float()
            self._state = State(hidden, cell)

    def _resume(self, snapshot: Snapshot) -> None:
        self._restore(snapshot.now)
        self._good = snapshot.good or snapshot.now
        self._plan = snapshot.plan
        self._history = list(snapshot.history)
        if (self.config.epochs, self.config.seconds) != (snapshot.training.epochs, snapshot.training.seconds):
            self._counters.without_better = 0  # who asks for more has patience
