"""How fast a run would be on this machine: real steps on made-up text, timed so that other work does not mislead.

A step that another process holds up says nothing of the run, so the fastest of at least five steps counts, in two
rounds with other measurements between them. Where a machine is busy throughout, most steps are slower than the fastest:
then what the rounds and the usual step say is given as a range.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.control import Control
from core.data.vocabulary import Vocabulary
from core.evaluation.validation_loss import MAX_STREAMS, WARM_UP, quick_loss
from core.model.device import ComputeSettings
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig, TrainingConfig
from core.settings.forecast import Span, Speed
from core.training.learner import Learner

if TYPE_CHECKING:
    from core.model.char_lstm import State

MIN_STEPS, MAX_STEPS = 5, 25
"""Of a round."""
ROUND_SECONDS = 0.15
"""Of a round, at least, unless that takes more than the most steps."""
PATIENCE = 6.0
"""Seconds of steps after which no more are timed, where as many as a round needs would take as long again."""
AGREES = 1.3
"""What two measurements may differ by, as a factor, and still be told as one."""
_CHARACTERS_DRAWN = 20
_QUICK = 0.5  # seconds that the measuring of a validation or a sample may take, about; a longer one is computed

Clock = Callable[[], float]


def estimate(rounds: list[list[float]]) -> Span:
    """Return the seconds of a step, of which each round timed some: one figure where they agree, else a range."""
    fastest = [min(steps) for steps in rounds if steps]
    usual = median(seconds for steps in rounds for seconds in steps)
    most = max(*fastest, usual) if len(fastest) > 1 else max(fastest[0], usual)
    if most <= AGREES * min(fastest):
        return Span(median(fastest), median(fastest))
    return Span(min(fastest), most)


def time_rounds(
    step: Callable[[], object], between: Callable[[], object], control: Control, clock: Clock = time.perf_counter
) -> Iterator[Span]:
    """Time steps in two rounds, with something else between them; yield what is known after each step.

    The first step is timed for settings so slow that nothing else is known for a while, and then counts no more: it
    builds what the others use.
    """
    rounds: list[list[float]] = []

    def timed() -> float:
        begun = clock()
        step()
        return clock() - begun

    first = timed()
    yield Span(first, first)
    began = clock()
    for number in range(2):
        if number:
            between()
        taken: list[float] = []
        rounds.append(taken)
        while len(taken) < MIN_STEPS or (sum(taken) < ROUND_SECONDS and len(taken) < MAX_STEPS):
            if control.stopped:
                return
            fastest = min([first, *itertools.chain(*rounds)])
            if rounds[0] and clock() - began > PATIENCE and MIN_STEPS * fastest > PATIENCE:
                if len(rounds[0]) < MIN_STEPS:  # so few that the first one says as much
                    yield estimate([*rounds, [first]])
                return
            taken.append(timed())
            yield estimate(rounds)


def measure_speed(
    compute: ComputeSettings,
    model: ModelConfig,
    config: TrainingConfig,
    vocabulary_size: int,
    control: Control,
    *,
    validation_characters: int = 0,
    clock: Clock = time.perf_counter,
) -> Iterator[Speed]:
    """Yield what is known of a training's speed on this machine, better and better; the last one is settled.

    Ends without that when told to stop. The steps are real ones, on made-up text.
    """
    speed: Speed | None = None
    with compute.applied():
        learner = Learner(model, vocabulary_size, config, compute)
        shape = (config.window + 1, config.streams)
        ids = torch.randint(vocabulary_size, shape, generator=torch.Generator().manual_seed(0)).to(compute.device)
        state: State | None = None

        def step() -> None:
            nonlocal state
            loss, state = learner.step(ids[:-1], ids[1:], state, config.learning_rate)
            float(loss)  # a GPU has done it only when it is read

        rest: tuple[float, float] | None = None

        def between() -> None:
            nonlocal rest
            if speed is not None and rest is None:
                timer = _Rest(learner, config, vocabulary_size, speed.step.least, control, clock)
                rest = timer.validation(validation_characters) + timer.copies(), timer.sample()

        for span in time_rounds(step, between, control, clock):
            speed = Speed(step=span, settled=False)
            yield speed
        if speed is not None and not control.stopped:
            between()
            assert rest is not None
            yield Speed(step=speed.step, epoch_end=rest[0], sample=rest[1])


class _Rest:
    """Times what a run does beside its steps, or computes it where a single try would take long."""

    def __init__(
        self,
        learner: Learner,
        config: TrainingConfig,
        vocabulary_size: int,
        step_seconds: float,
        control: Control,
        clock: Clock,
    ) -> None:
        self._learner = learner
        self._config = config
        self._vocabulary_size = vocabulary_size
        self._forward = step_seconds / 3 / (config.streams * config.window)  # of a character: backward takes two thirds
        self._control = control
        self._clock = clock

    def validation(self, characters: int) -> float:
        """Return the seconds of a validation: some of its passes are timed."""
        if not characters or self._control.stopped:
            return 0.0
        streams = max(1, min(MAX_STREAMS, characters // (5 * WARM_UP)))
        passes = -(-characters // streams // WARM_UP) + (streams > 1)
        if 3 * self._forward * streams * WARM_UP > _QUICK:
            return self._forward * (characters + streams * WARM_UP)
        ids = np.random.default_rng(0).integers(self._vocabulary_size, size=characters)
        times: list[float] = []
        with self._learner.compute.autocast():
            readings = quick_loss(self._learner.kept, ids, 0)
            for _ in range(min(passes, 3)):
                begun = self._clock()
                next(readings)
                times.append(self._clock() - begun)
        return min(times) * passes

    def copies(self) -> float:
        """Return the seconds of copying all that a step changes, as is done for a save and to go back to."""
        begun = self._clock()
        for tensor in self._learner.state().values():
            tensor.detach().to("cpu", copy=True)
        return self._clock() - begun

    def sample(self) -> float:
        """Return the seconds of a sample."""
        length = self._config.sample_length
        if not length or self._control.stopped:
            return 0.0
        if _CHARACTERS_DRAWN * self._forward > _QUICK:
            return length * self._forward
        made_up = Vocabulary(chr(0x4E00 + number) for number in range(self._vocabulary_size))
        begun = self._clock()
        sampler = Sampler(self._learner.kept, made_up, SamplingConfig())
        next(sampler)
        first = self._clock() - begun
        begun = self._clock()
        for _ in range(min(length, _CHARACTERS_DRAWN)):
            next(sampler)
        return first + (self._clock() - begun) * length / min(length, _CHARACTERS_DRAWN)
