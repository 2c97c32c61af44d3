"""Past runs as the screens show them: one by one, and compared."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from charlstm_tui.state.preferences import XAxis
from charlstm_tui.state.run_progress import characters_per_step
from core.data.corpus import CorpusConfig
from core.events import EpochCompleted
from core.runs.run import RunConfig
from core.runs.summary import RunSummary

Kind = Literal["train", "validation"]
"""Of a loss: measured on what the model learns from, or on what it does not."""

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
    def kind(self) -> Kind:
        """Which of its losses are compared: those of validation, or, of a run without, those of training."""
        return "validation" if any(epoch.val_loss is not None for epoch in self.run.epochs) else "train"


def with_letter(compared: Sequence[ComparedRun], run: PastRun) -> tuple[ComparedRun, ...]:
    """Return the compared runs with one more, under the first letter that is free; without it, where it is there."""
    without = tuple(other for other in compared if other.name != run.name)
    if len(without) < len(compared):
        return without
    free = [letter for letter in LETTERS if letter not in {other.letter for other in compared}]
    return (*compared, ComparedRun(free[0], run)) if free else tuple(compared)


def cautions(runs: Sequence[tuple[str, RunConfig, Kind]], by: XAxis) -> list[str]:
    """Return why the curves of some runs do not compare with the first one's, a sentence each.

    A run is given by what it is called, by its settings, and by which of its losses are drawn.
    """
    if not runs:
        return []
    (first, config, kind), *others = runs
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, other, other_kind in others:
        reasons = _reasons(config, kind, other, other_kind)
        if reasons:
            alike.setdefault(reasons, []).append(name)
    said = [
        f"{', '.join(names)} {'does' if len(names) == 1 else 'do'} not compare with {first}: {', '.join(reasons)}."
        for reasons, names in alike.items()
    ]
    sizes: dict[int, list[str]] = {}
    for name, other, _ in runs:
        sizes.setdefault(characters_per_step(other.training), []).append(name)
    if by == "steps" and len(sizes) > 1:
        words = [f"{', '.join(names)} {size:,}" for size, names in sizes.items()]
        said.append(f"Characters a step: {'; '.join(words)}.")
    return said


def _reasons(first: RunConfig, first_kind: Kind, other: RunConfig, kind: Kind) -> tuple[str, ...]:
    """Return why the losses of another run do not compare with those of the first."""
    here, there = first.corpus, other.corpus
    reasons = []
    if _is_another_text(here, there):
        reasons.append(f"another {'file of that name' if here.name == there.name else f'text ({there.name})'}")
    elif here.limit != there.limit:
        reasons.append(f"{'all' if there.limit is None else f'{there.limit:,} characters'} of the text")
    if here.split != there.split:
        reasons.append(f"split {there.split}")
    if kind != first_kind:
        reasons.append("training loss" if kind == "train" else "validation loss")
    elif kind == "validation" and first.training.validation != other.training.validation:
        reasons.append("another validation part")
    return tuple(reasons)


def _is_another_text(one: CorpusConfig, other: CorpusConfig) -> bool:
    known = one.sha256 and other.sha256
    return one.sha256 != other.sha256 if known else one.source != other.source


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
