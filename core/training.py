"""Training, as a generator of events.

    for event in Trainer(corpus, model_config, training_config).run(control):
        ...

The trainer writes no file and prints nothing. Between two events it stands still, so whoever holds one may read the
model (`checkpoint()`) without a lock.
"""

import math
import time
from collections.abc import Generator, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.checkpoint import Checkpoint
from core.config import ModelConfig, TrainingConfig
from core.control import Control
from core.corpus import Corpus
from core.evaluation import score
from core.events import (
    Diverged,
    EpochCompleted,
    Event,
    Paused,
    Reason,
    Resumed,
    RunFinished,
    RunStarted,
    StepsCompleted,
)
from core.model import CharLSTM, State
from core.scores import Score
from core.streams import Streams
from core.vocabulary import Vocabulary

REPORT_SECONDS = 0.1
"""At most ten reports a second: more cannot be seen, and each reads the loss back from the device."""


class Trainer:
    """One training run, to be run once.

    Raises:
        UserError: the corpus is too short for the streams and the window asked for.
    """

    def __init__(self, corpus: Corpus, model_config: ModelConfig, config: TrainingConfig) -> None:
        self.corpus = corpus
        self.config = config
        self.vocabulary = Vocabulary(corpus.characters)
        self._validation_ids = corpus.part("validation", config.validation).ids(self.vocabulary)
        train_ids = corpus.part("train", config.validation).ids(self.vocabulary)
        self._streams = Streams(train_ids, streams=config.streams, window=config.window)
        self.model = CharLSTM(model_config, len(self.vocabulary))
        self.model.initialise(torch.Generator().manual_seed(config.seed))
        self._optimizer = torch.optim.AdamW(self.model.parameters(), lr=config.learning_rate, fused=True)
        self._clock = _Clock()
        self._epochs = 0  # completed
        self._train_loss: float | None = None
        self._val_loss: float | None = None
        self._best_val_loss = math.inf

    def run(self, control: Control | None = None) -> Iterator[Event]:
        """Train, yielding events; `RunFinished` is the last, whether the run was finished, stopped or failed."""
        control = control or Control()
        self._clock.start()
        yield RunStarted(
            parameters=self.model.count_parameters(),
            vocabulary=len(self.vocabulary),
            train_characters=len(self._streams.ids),
            validation_characters=len(self._validation_ids),
            test_characters=len(self.corpus.part("test")),
            epochs=self.config.epochs,
            steps_per_epoch=self._streams.windows_at(0),
        )
        reason: Reason = "finished"
        for epoch in range(1, self.config.epochs + 1):
            ended = yield from self._epoch(epoch, control)
            if ended is not None:
                reason = ended
                break
        yield RunFinished(reason=reason, epochs=self._epochs, elapsed_seconds=self._clock.elapsed())

    def checkpoint(self) -> Checkpoint:
        """Return the run as it stands: the model itself, not a copy of it."""
        return Checkpoint(
            model=self.model,
            vocabulary=self.vocabulary,
            corpus=self.corpus.config,
            training=self.config,
            epoch=self._epochs,
            train_loss=self._train_loss,
            val_loss=self._val_loss,
        )

    def _epoch(self, epoch: int, control: Control) -> Generator[Event, None, Reason | None]:
        """Walk once through the training text, then validate. Returns why the run must end here, or None."""
        started = self._clock.elapsed()
        offset = int(np.random.default_rng((self.config.seed, epoch)).integers(self.config.window))
        steps = self._streams.windows_at(offset)
        total = torch.zeros((), dtype=torch.float64)  # of the window losses, on the device: read at reports only
        state: State | None = None
        reported_at, reported_step, training_seconds = started, 0, 0.0
        for step, (inputs, targets) in enumerate(self._streams.epoch(offset), start=1):
            loss, state = self._step(inputs, targets, state)
            total += loss
            now = self._clock.elapsed()
            if now - reported_at >= REPORT_SECONDS or step == steps or self._out_of_time():
                mean = total.item() / step
                if not math.isfinite(mean):
                    yield Diverged(epoch=epoch, step=step)
                    return "failed"
                training_seconds += now - reported_at
                yield StepsCompleted(
                    epoch=epoch,
                    step=step,
                    steps=steps,
                    loss=mean,
                    chars_per_second=self._characters(step - reported_step) / max(now - reported_at, 1e-9),
                    elapsed_seconds=now,
                )
                reported_at, reported_step = self._clock.elapsed(), step
            yield from self._hold_while_paused(control)
            if control.stopped or self._out_of_time():
                break
        if not self._weights_are_finite():  # each loss was taken before its step: the last step may have spoilt them
            yield Diverged(epoch=epoch, step=step)
            return "failed"
        if control.stopped:
            return "stopped"
        val_loss = self._validate(control)
        if control.stopped:
            return "stopped"
        self._epochs, self._train_loss, self._val_loss = epoch, mean, val_loss
        best = val_loss is None or val_loss < self._best_val_loss
        if val_loss is not None and best:
            self._best_val_loss = val_loss
        now = self._clock.elapsed()
        yield EpochCompleted(
            epoch=epoch,
            train_loss=mean,
            val_loss=val_loss,
            best=best,
            seconds=now - started,
            elapsed_seconds=now,
            chars_per_second=self._characters(step) / max(training_seconds, 1e-9),
        )
        return "finished" if self._out_of_time() else None

    def _step(self, inputs: Tensor, targets: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Learn from one window, (T, B) of ids: returns its mean loss before the step, and the state after it."""
        logits, state = self.model(inputs, state)  # (T, B) -> (T, B, V)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self._optimizer.step()
        return loss.detach(), state.detach()

    def _validate(self, control: Control) -> float | None:
        """Return the loss on the validation part; None without one, or when told to stop meanwhile."""
        if not len(self._validation_ids):
            return None
        for event in score(self.model, self._validation_ids, self.vocabulary.start_id):
            if isinstance(event, Score):
                return event.loss
            if control.stopped:
                break
        return None

    def _out_of_time(self) -> bool:
        return bool(self.config.seconds) and self._clock.elapsed() >= self.config.seconds

    def _weights_are_finite(self) -> bool:
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    def _hold_while_paused(self, control: Control) -> Iterator[Event]:
        if control.paused:
            self._clock.stop()
            yield Paused()
            control.wait_while_paused()
            self._clock.start()
            yield Resumed()

    def _characters(self, steps: int) -> int:
        return steps * self.config.streams * self.config.window


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
