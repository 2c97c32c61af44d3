"""Runs of the past as the screens show them: to look at, and to lay beside each other."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from charlstm_tui.curves import Point
from core.events import EpochCompleted
from core.runs import RunConfig
from core.summary import RunSummary

LETTERS = "ABCDEF"
"""What the runs laid beside each other are called on a chart, each with a colour of its own."""


class PastRun(Struct, frozen=True, kw_only=True):
    """A run, from its files."""

    summary: RunSummary
    config: RunConfig
    epochs: tuple[EpochCompleted, ...]

    @property
    def name(self) -> str:
        """The run's name."""
        return self.summary.name

    @property
    def can_go_on(self) -> bool:
        """Whether it was stopped or cut off, or is finished and can be given more epochs."""
        return self.summary.state in ("stopped", "interrupted", "finished")

    @property
    def is_finished(self) -> bool:
        """Whether it had all the epochs that it was to have."""
        return self.summary.state == "finished"


class ComparedRun(NamedTuple):
    """A run that was chosen to be laid beside others; it keeps its letter, and with it its colour."""

    letter: str
    run: PastRun

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name

    @property
    def role(self) -> str:
        """The chart's style for it."""
        return f"other-{LETTERS.index(self.letter)}"

    @property
    def points(self) -> tuple[Point, ...]:
        """Its validation losses against steps, or, of a run without, its training losses."""
        epochs = self.run.epochs
        judged = all(epoch.val_loss is not None for epoch in epochs)
        losses = [(epoch.total_steps, epoch.val_loss if judged else epoch.train_loss) for epoch in epochs]
        return tuple(Point(step, loss) for step, loss in losses if step and loss is not None)


def with_letter(compared: Sequence[ComparedRun], run: PastRun) -> tuple[ComparedRun, ...]:
    """Return the compared runs with one more, under the first letter that is free; without it, where it is there."""
    without = tuple(other for other in compared if other.name != run.name)
    if len(without) < len(compared):
        return without
    free = [letter for letter in LETTERS if letter not in {other.letter for other in compared}]
    return (*compared, ComparedRun(free[0], run)) if free else tuple(compared)


def differences(runs: Sequence[PastRun]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the settings that are not the same in all runs: a name, and each run's value."""
    settings = [_settings(run.config) for run in runs]
    names = settings[0] if settings else {}
    rows = [(name, tuple(some[name] for some in settings)) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _settings(config: RunConfig) -> dict[str, str]:
    shown = {"text": config.corpus.title, "split": config.corpus.split, "preset": config.preset}
    for some in (config.model, config.training):
        shown |= {name.replace("_", " "): _value(value) for name, value in msgspec.structs.asdict(some).items()}
    return shown


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
