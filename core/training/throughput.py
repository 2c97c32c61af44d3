"""Measuring how fast a run would be on this machine, by timing real training steps on random text.

Other processes delay some steps, so the fastest of at least five steps counts, in two rounds with other measurements in
between. If the machine is busy all the time, most steps are slower than the fastest; then the result is a range, from
the fastest step to the median step or the slower round.
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
"""Bounds on the number of steps in a round."""
ROUND_SECONDS = 0.15
"""Minimum duration of a round, unless it needs more than `MAX_STEPS`."""
PATIENCE = 6.0
"""Seconds after which no more steps are timed, if a round of `MIN_STEPS` would take longer than this."""
AGREES = 1.3
"""Maximum ratio of two measurements that are reported as one figure."""
_CHARACTERS_DRAWN = 20
_QUICK = 0.5  # approximate maximum of seconds for timing a validation or a sample; a longer one is calculated

Clock = Callable[[], float]


def estimate(rounds: list[list[float]]) -> Span:
    """Return the duration of a step from the timed steps of each round: one figure if they agree, otherwise a range."""
    fastest = [min(steps) for steps in rounds if steps]
    usual = median(seconds for steps in rounds for seconds in steps)
    most = max(*fastest, usual) if len(fastest) > 1 else max(fastest[0], usual)
    if most <= AGREES * min(fastest):
        return Span(median(fastest), median(fastest))
    return Span(min(fastest), most)


def time_rounds(
    step: Callable[[], object], between: Callable[[], object], control: Control, clock: Clock = time.perf_counter
) -> Iterator[Span]:
    """Time steps in two rounds, and call `between` in between. Yields the estimate after each step.

    The first step includes one-time setup. It gives a first estimate, for slow settings, and is then ignored.
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
                if len(rounds[0]) < MIN_STEPS:  # with so few steps, the first one counts too
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
    """Yield estimates of the speed of training on this machine, more and more accurate; the last one is settled.

    If `control` stops it, it ends without a settled one. The steps are real training steps, on random text.
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
            float(loss)  # waits until a GPU has finished the step

        other_parts: tuple[float, float] | None = None

        def between() -> None:
            nonlocal other_parts
            if speed is not None and other_parts is None:
                timer = _OtherParts(learner, config, vocabulary_size, speed.step.least, control, clock)
                other_parts = timer.validation(validation_characters) + timer.copies(), timer.sample()

        for span in time_rounds(step, between, control, clock):
            speed = Speed(step=span, settled=False)
            yield speed
        if speed is not None and not control.stopped:
            between()
            assert other_parts is not None
            yield Speed(step=speed.step, epoch_end=other_parts[0], sample=other_parts[1])


class _OtherParts:
    """Times the other parts of a run: validation, copies and samples. Long ones are calculated from the step time."""

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
        self._forward = (
            step_seconds / 3 / (config.streams * config.window)
        )  # seconds per character: backward takes two thirds of a step
        self._control = control
        self._clock = clock

    def validation(self, characters: int) -> float:
        """Return the duration of a validation, from the time of a few of its passes."""
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
        """Return the duration of copying the learner's state, as for a checkpoint or a roll-back."""
        begun = self._clock()
        for tensor in self._learner.state().values():
            tensor.detach().to("cpu", copy=True)
        return self._clock() - begun

    def sample(self) -> float:
        """Return the duration of a sample."""
        length = self._config.sample_length
        if not length or self._control.stopped:
            return 0.0
        if _CHARACTERS_DRAWN * self._forward > _QUICK:
            return length * self._forward
        vocabulary = Vocabulary(chr(0x4E00 + number) for number in range(self._vocabulary_size))
        begun = self._clock()
        sampler = Sampler(self._learner.kept, vocabulary, SamplingConfig())
        next(sampler)
        first = self._clock() - begun
        begun = self._clock()
        for _ in range(min(length, _CHARACTERS_DRAWN)):
            next(sampler)
        return first + (self._clock() - begun) * length / min(length, _CHARACTERS_DRAWN)
