"""Past runs as the screens show them: one at a time, or compared on a chart."""

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
"""Kind of a loss: on the training part or on the validation part."""

LETTERS = "ABCDEF"
"""Names of the compared runs on a chart; each letter has its own colour."""


class PastRun(Struct, frozen=True, kw_only=True):
    """A run, read from its files."""

    summary: RunSummary
    config: RunConfig
    epochs: tuple[EpochCompleted, ...]

    @property
    def name(self) -> str:
        """The run's name."""
        return self.summary.name

    @property
    def can_go_on(self) -> bool:
        """Whether the run can be resumed: it was stopped or interrupted, or is finished and can have more epochs."""
        return self.summary.state in ("stopped", "interrupted", "finished")

    @property
    def is_finished(self) -> bool:
        """Whether the run has completed all its epochs."""
        return self.summary.state == "finished"


class ComparedRun(NamedTuple):
    """A run that was chosen for comparison; it keeps its letter, and so its colour."""

    letter: str
    run: PastRun

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name

    @property
    def role(self) -> str:
        """Name of the run's line style on the chart."""
        return f"other-{LETTERS.index(self.letter)}"

    @property
    def kind(self) -> Kind:
        """Kind of loss that is compared: validation, or train if the run has no validation losses."""
        return "validation" if any(epoch.val_loss is not None for epoch in self.run.epochs) else "train"


def with_letter(compared: Sequence[ComparedRun], run: PastRun) -> tuple[ComparedRun, ...]:
    """Return the compared runs after `run` is toggled: added under the first free letter, or removed if present.

    Without a free letter the runs stay as they are.
    """
    without = tuple(other for other in compared if other.name != run.name)
    if len(without) < len(compared):
        return without
    free = [letter for letter in LETTERS if letter not in {other.letter for other in compared}]
    return (*compared, ComparedRun(free[0], run)) if free else tuple(compared)


def cautions(runs: Sequence[tuple[str, RunConfig, Kind]], by: XAxis) -> list[str]:
    """Return sentences that say why the curves of some runs cannot be compared with the first run's.

    A run is given by its name on the chart, its settings, and the kind of loss that is drawn.
    """
    if not runs:
        return []
    (first, config, kind), *others = runs
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, other, other_kind in others:
        reasons = _reasons(config, kind, other, other_kind)
        if reasons:
            alike.setdefault(reasons, []).append(name)
    sentences = [
        f"{', '.join(names)} {'does' if len(names) == 1 else 'do'} not compare with {first}: {', '.join(reasons)}."
        for reasons, names in alike.items()
    ]
    sizes: dict[int, list[str]] = {}
    for name, other, _ in runs:
        sizes.setdefault(characters_per_step(other.training), []).append(name)
    if by == "steps" and len(sizes) > 1:
        words = [f"{', '.join(names)} {size:,}" for size, names in sizes.items()]
        sentences.append(f"Characters a step: {'; '.join(words)}.")
    return sentences


def _reasons(first: RunConfig, first_kind: Kind, other: RunConfig, kind: Kind) -> tuple[str, ...]:
    """Return the reasons why the losses of another run cannot be compared with the first run's."""
    first_corpus, corpus = first.corpus, other.corpus
    reasons = []
    if _is_another_text(first_corpus, corpus):
        reasons.append(
            f"another {'file of that name' if first_corpus.name == corpus.name else f'text ({corpus.name})'}"
        )
    elif first_corpus.limit != corpus.limit:
        reasons.append(f"{'all' if corpus.limit is None else f'{corpus.limit:,} characters'} of the text")
    if first_corpus.split_name != corpus.split_name:
        reasons.append(f"split {corpus.split_name}")
    if kind != first_kind:
        reasons.append("training loss" if kind == "train" else "validation loss")
    elif kind == "validation" and first.training.validation != other.training.validation:
        reasons.append("another validation part")
    return tuple(reasons)


def _is_another_text(first: CorpusConfig, other: CorpusConfig) -> bool:
    known = first.sha256 and other.sha256
    return first.sha256 != other.sha256 if known else first.sources != other.sources


def differences(runs: Sequence[PastRun]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the settings that differ between the runs: the name of each, and its value in each run."""
    settings = [_settings(run.config) for run in runs]
    names = settings[0] if settings else {}
    rows = [(name, tuple(some[name] for some in settings)) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _settings(config: RunConfig) -> dict[str, str]:
    shown = {"text": config.corpus.title, "split": config.corpus.split_name, "preset": config.preset}
    for some in (config.model, config.training):
        shown |= {name.replace("_", " "): _value(value) for name, value in msgspec.structs.asdict(some).items()}
    return shown


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
