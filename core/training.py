"""Training, as a generator of events.

    for event in Trainer(corpus, model_config, training_config).run(control):
        ...

The trainer writes no file and prints nothing. Between two events it stands still, so whoever holds one may read the
model (`checkpoint()`) without a lock.
"""

import itertools
import math
import time
from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.checkpoint import Checkpoint
from core.config import ModelConfig, TrainingConfig
from core.control import Control
from core.corpus import Corpus
from core.evaluation import quick_loss
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
    StepsCompleted,
)
from core.learner import Learner
from core.machine import Choice, choose
from core.model import CharLSTM, State
from core.streams import Streams
from core.vocabulary import Vocabulary

REPORT_SECONDS = 0.1
"""At most ten reports a second: more cannot be seen, and each reads the loss back from the device."""
CALIBRATION = 0.05
"""Share of a run by time, of a second at most, in which its speed is measured: on steps that count."""
FEWEST_EPOCHS, MOST_EPOCHS = 8, 60
"""Of a run by time: enough to see the loss fall, and not so many that validating takes the time."""
ASTRAY = 3.0
"""How many times its running mean a loss may be before the run goes back to where it was good."""
RETREATS = 3
"""How often it may."""


class Trainer:
    """One training run, to be run once.

    Raises:
        UserError: the corpus is too short for the streams and the window asked for, or the machine has not the device.
    """

    def __init__(
        self, corpus: Corpus, model_config: ModelConfig, config: TrainingConfig, choice: Choice | None = None
    ) -> None:
        self.corpus = corpus
        self.config = config
        self.vocabulary = Vocabulary(corpus.characters)
        self._validation_ids = corpus.part("validation", config.validation).ids(self.vocabulary)
        train_ids = corpus.part("train", config.validation).ids(self.vocabulary)
        self._streams = Streams(train_ids, streams=config.streams, window=config.window)
        self.choice = choice or choose(model_config, len(self.vocabulary), config)
        self._learner = Learner(model_config, len(self.vocabulary), config, self.choice)
        self._clock = _Clock()
        self._walk = self._windows()
        self._state: State | None = None
        self._steps = 0  # taken
        self._pass = 1  # through the text
        self._began = (0, 1)  # steps and pass when the epoch began
        self._retreats = 0
        self._running_loss: float | None = None
        self._validating_seconds = 0.0  # what the last validation took
        self._epochs = 0  # completed
        self._train_loss: float | None = None
        self._val_loss: float | None = None
        self._best_val_loss = math.inf
        self._without_better = 0  # epochs since the best

    @property
    def model(self) -> CharLSTM:
        """The network that learns."""
        return self._learner.model

    def run(self, control: Control | None = None) -> Iterator[Event]:
        """Train, yielding events; `RunFinished` is the last, whether the run was finished, stopped or failed."""
        with self.choice.applied():
            yield from self._run(control or Control())

    def _run(self, control: Control) -> Iterator[Event]:
        self._clock.start()
        self._plan = self._make_plan(control)
        yield RunStarted(
            parameters=self.model.count_parameters(),
            vocabulary=len(self.vocabulary),
            train_characters=len(self._streams.ids),
            validation_characters=len(self._validation_ids),
            test_characters=len(self.corpus.part("test")),
            epochs=self._plan.epochs,
            steps_per_epoch=self._plan.steps,
            device=self.choice.device,
            precision=self.choice.precision,
            threads=self.choice.threads,
        )
        ended: Reason | Literal["again"] | None = None
        while ended in (None, "again") and self._epochs < self._plan.epochs:
            ended = yield from self._epoch(self._epochs + 1, control)
        reason: Reason = "finished" if ended is None or ended == "again" else ended
        yield RunFinished(reason=reason, epochs=self._epochs, elapsed_seconds=self._clock.elapsed())

    def checkpoint(self) -> Checkpoint:
        """Return the run as it stands: the model itself, or its average; not a copy."""
        return Checkpoint(
            model=self._learner.kept,
            vocabulary=self.vocabulary,
            corpus=self.corpus.config,
            training=self.config,
            epoch=self._epochs,
            train_loss=self._train_loss,
            val_loss=self._val_loss,
        )

    # --- the plan

    def _make_plan(self, control: Control) -> "_Plan":
        """Return the epochs asked for, or as many as fit into the time asked for at the speed measured here."""
        steps = self._streams.windows_at(0)
        if not self.config.seconds:
            return _Plan(epochs=self.config.epochs, steps=steps, seconds=None)
        self._plan = _Plan(epochs=1, steps=1, seconds=self.config.seconds)
        self._step()  # the first builds what the others use
        started, taken = self._clock.elapsed(), 0
        until = started + min(CALIBRATION * self.config.seconds, 1.0)
        while not control.stopped and (not taken or self._clock.elapsed() < until):
            self._step()
            taken += 1
        in_all = self.config.seconds * taken / (self._clock.elapsed() - started)  # steps
        epochs = min(max(round(in_all / steps), FEWEST_EPOCHS), MOST_EPOCHS)
        return _Plan(epochs=epochs, steps=max(round(in_all / epochs), 1), seconds=self.config.seconds)

    def _progress(self) -> float:
        """Return the share of the run that is done."""
        plan = self._plan
        if plan.seconds is not None:
            return min(self._clock.elapsed() / plan.seconds, 1.0)
        return min(self._steps / (plan.epochs * plan.steps), 1.0)

    def _epoch_is_over(self, epoch: int, step: int, steps: int) -> bool:
        plan = self._plan
        if plan.seconds is None:
            return step == steps
        return self._clock.elapsed() + self._validating_seconds >= plan.seconds * epoch / plan.epochs

    # --- the walk

    def _windows(self, first: int = 1) -> Iterator[tuple[bool, Tensor, Tensor]]:
        """Yield the windows of one pass through the text after the other, and whether a pass begins with it."""
        for number in itertools.count(first):
            self._pass = number
            begins = True
            for inputs, targets in self._streams.epoch(self._offset(number), self.choice.device):
                yield begins, inputs, targets
                begins = False

    def _offset(self, number: int) -> int:
        """Return how many characters a pass leaves out at the start, so that no two have the same windows."""
        return int(np.random.default_rng((self.config.seed, number)).integers(self.config.window))

    def _step(self) -> Tensor:
        """Learn from the next window: returns its mean loss before the step."""
        begins, inputs, targets = next(self._walk)
        state = None if begins else self._state
        loss, self._state = self._learner.step(inputs, targets, state, self._progress())
        self._steps += 1
        return loss

    def _epoch(self, epoch: int, control: Control) -> Generator[Event, None, Reason | Literal["again"] | None]:
        """Walk through an epoch, then validate. Returns why the run ends here, or "again", or None."""
        started = self._clock.elapsed()
        steps = self._plan.steps if self._plan.seconds is not None else self._streams.windows_at(self._offset(epoch))
        self._learner.remember()
        self._began = (self._steps, self._pass)
        recent = torch.zeros((), dtype=torch.float64, device=self.choice.device)  # losses not read yet
        total = 0.0  # of those that were
        reported_at, reported_step, training_seconds = started, 0, 0.0
        step, over = 0, False
        while not over and not control.stopped:
            recent += self._step()
            step += 1
            over = self._epoch_is_over(epoch, step, steps)
            now = self._clock.elapsed()
            if now - reported_at >= REPORT_SECONDS or over:
                loss = recent.item() / (step - reported_step)
                if self._is_astray(loss) or (over and not self._learner.is_finite()):
                    retreat = self._retreat(epoch, step)
                    yield retreat
                    return "again" if isinstance(retreat, RateHalved) else "failed"
                total += recent.item()
                training_seconds += now - reported_at
                yield StepsCompleted(
                    epoch=epoch,
                    step=step,
                    steps=max(steps, step),
                    loss=total / step,
                    chars_per_second=self._characters(step - reported_step) / max(now - reported_at, 1e-9),
                    elapsed_seconds=now,
                    learning_rate=self._learner.rate,
                )
                recent.zero_()
                reported_at, reported_step = self._clock.elapsed(), step
            yield from self._hold_while_paused(control)
        if control.stopped:
            return "stopped"
        val_loss = self._validate(control)
        if control.stopped:
            return "stopped"
        self._epochs, self._train_loss, self._val_loss = epoch, total / step, val_loss
        best = val_loss is None or val_loss < self._best_val_loss
        if val_loss is not None and best:
            self._best_val_loss = val_loss
        self._without_better = 0 if best else self._without_better + 1
        now = self._clock.elapsed()
        yield EpochCompleted(
            epoch=epoch,
            train_loss=self._train_loss,
            val_loss=val_loss,
            best=best,
            seconds=now - started,
            elapsed_seconds=now,
            chars_per_second=self._characters(step) / max(training_seconds, 1e-9),
        )
        return "finished" if self.config.patience and self._without_better >= self.config.patience else None

    # --- the way back

    def _is_astray(self, loss: float) -> bool:
        """Tell whether a loss is no number or far above those before; takes it into their running mean if not."""
        if not math.isfinite(loss) or (self._running_loss is not None and loss > ASTRAY * self._running_loss):
            return True
        self._running_loss = loss if self._running_loss is None else 0.9 * self._running_loss + 0.1 * loss
        return False

    def _retreat(self, epoch: int, step: int) -> RateHalved | Diverged:
        """Go back to where the epoch began, with half the rate; after too many times, say that the run cannot go on."""
        if self._retreats == RETREATS:
            return Diverged(epoch=epoch, step=step)
        self._retreats += 1
        self._learner.go_back()
        self._steps, first = self._began
        self._walk = self._windows(max(first, 1))
        self._running_loss = None
        return RateHalved(epoch=epoch, step=step, rate_factor=self._learner.rate_factor, time=self._retreats)

    def _validate(self, control: Control) -> float | None:
        """Return the loss on the validation part; None without one, or when told to stop meanwhile."""
        if not len(self._validation_ids):
            return None
        started = self._clock.elapsed()
        with self.choice.autocast():
            for loss in quick_loss(self._learner.kept, self._validation_ids, self.vocabulary.start_id):
                if loss is not None or control.stopped:
                    break
        self._validating_seconds = self._clock.elapsed() - started
        return loss

    def _hold_while_paused(self, control: Control) -> Iterator[Event]:
        if control.paused:
            self._clock.stop()
            yield Paused()
            control.wait_while_paused()
            self._clock.start()
            yield Resumed()

    def _characters(self, steps: int) -> int:
        return steps * self.config.streams * self.config.window


class _Plan(NamedTuple):
    """How a run is laid out."""

    epochs: int
    steps: int
    """An epoch: of a run by time, about so many."""
    seconds: float | None
    """That the whole may take; None for a run by epochs."""


class _Clock:
    """Seconds since the start, without pauses."""

    def __init__(self) -> None:
        self._before = 0.0
        self._started: float | None = None

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self) -> None:
        self._before = self.elapsed()
        self._started = None

    def elapsed(self) -> float:
        running = time.perf_counter() - self._started if self._started is not None else 0.0
        return self._before + running
