"""An experiment: its settings, and the run of each trial."""

import datetime
import math
from typing import Literal

import msgspec
from msgspec import Struct

from core.data.corpus import CorpusConfig
from core.errors import UserError
from core.experiments.varied import (
    Listed,
    Params,
    Searched,
    Varied,
    check_varied,
    combinations,
    count_combinations,
    shown,
)
from core.runs.run import RunConfig
from core.settings.config import ModelConfig, TrainingConfig, configure, fields_of
from core.settings.forecast import count_parameters
from core.settings.presets import PRESETS, Preset, preset_for

MAX_RUNS = 10_000
"""Maximum number of runs of an experiment."""
Pruning = Literal["none", "median", "hyperband"]
"""How hopeless trials are recognised: by the median of the others at the same epoch, or by Hyperband."""
PRUNING: dict[Pruning, str] = {
    "none": "all trials run to their end",
    "median": "a trial stops if its validation loss is above the median of the others at the same epoch",
    "hyperband": "of many trials, only the better ones get more epochs (Li et al., 2018)",
}
_MODEL = {field.name for field in fields_of(ModelConfig)}


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of an experiment. All of its runs have the same text, and differ in `varied` and in the seed."""

    name: str
    preset: str
    corpus: CorpusConfig
    model: ModelConfig
    training: TrainingConfig
    varied: tuple[Varied, ...]
    seeds: int = 1
    """Number of runs of each combination, with consecutive seeds from `training.seed` on."""
    trials: int | None = None
    """Number of combinations that are proposed; None for a grid, which has all combinations of the listed values."""
    seconds: float = 0.0
    """Time limit in seconds; 0 sets none."""
    pruning: Pruning = "none"
    created: datetime.datetime | None = None

    @property
    def is_grid(self) -> bool:
        """Whether every combination of the listed values is tried."""
        return self.trials is None

    @property
    def listed(self) -> tuple[Listed, ...]:
        """The settings with a list of values."""
        return tuple(each for each in self.varied if isinstance(each, Listed))

    @property
    def combinations(self) -> int:
        """Number of combinations."""
        return count_combinations(self.listed) if self.trials is None else self.trials

    @property
    def possible(self) -> int | None:
        """Number of combinations that exist; None if a range has fractions, so that there are too many to count."""
        counts = []
        for each in self.varied:
            if isinstance(each, Listed):
                counts.append(len(each.values))
            elif isinstance(each.low, int) and isinstance(each.high, int):
                counts.append(each.high - each.low + 1)
            else:
                return None
        return math.prod(counts)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.combinations * self.seeds

    @property
    def all_seeds(self) -> range:
        """The seeds of each combination."""
        return range(self.training.seed, self.training.seed + self.seeds)

    def grid(self) -> list[Params]:
        """Return all combinations of a grid."""
        return combinations(self.listed)

    @property
    def base(self) -> RunConfig:
        """The settings of a run with nothing varied."""
        return self.run_config({}, self.training.seed)

    def cost(self, params: Params, vocabulary: int = 100) -> float:
        """Return a number in proportion to the time of a run: its epochs times its number of parameters."""
        config = self.run_config(params, self.training.seed)
        return float(count_parameters(config.model, vocabulary) * config.training.epochs)

    def schedule(self) -> list[Params]:
        """Return all combinations of a grid, the longest runs first, so that no worker is left alone with one at the
        end."""
        return sorted(self.grid(), key=self.cost, reverse=True)

    def run_config(self, params: Params, seed: int) -> RunConfig:
        """Return the settings of the run with these values and this seed.

        Raises:
            UserError: a value is not possible.
        """
        model = {name: value for name, value in params.items() if name in _MODEL}
        training: dict[str, object] = {name: value for name, value in params.items() if name not in _MODEL}
        return RunConfig(
            preset=self.preset,
            corpus=self.corpus,
            model=configure(self.model, model),
            training=configure(self.training, training | {"seed": seed}),
        )

    def as_preset(self, params: Params) -> Preset:
        """Return the settings with these values as a preset, to write them to a file."""
        config = self.run_config(params, self.training.seed)
        base = PRESETS.get(self.preset) or preset_for(0)
        purpose = f"The best of the experiment {self.name}: {shown(params)}."
        return msgspec.structs.replace(base, purpose=purpose, model=config.model, training=config.training)

    def is_like(self, other: "Experiment") -> bool:
        """Return whether both have the same settings, apart from where the text lies and when they were made."""
        same = msgspec.structs.replace(other, corpus=self.corpus, created=self.created)
        return self == same and self.corpus.is_like(other.corpus)


def check_experiment(experiment: Experiment) -> None:
    """Check that the settings of an experiment fit together.

    Raises:
        UserError: nothing is varied, there are too many runs, a range is not searched, or the runs have no validation
            part.
    """
    check_varied(experiment.varied)
    ranges = [each for each in experiment.varied if isinstance(each, Searched)]
    if experiment.is_grid and ranges:
        raise UserError(f"{ranges[0].name} has a range, which is searched: give the number of combinations, --trials.")
    if experiment.seeds < 1 or (experiment.trials is not None and experiment.trials < 1):
        raise UserError("An experiment needs at least one trial and one seed.")
    possible = experiment.possible
    if experiment.trials is not None and possible is not None and experiment.trials > possible:
        raise UserError(
            f"These values have only {possible:,} combinations, so a search cannot try {experiment.trials:,}. Leave "
            "--trials out for a list of values, or give fewer trials."
        )
    if experiment.runs > MAX_RUNS:
        raise UserError(
            f"That would be {experiment.runs:,} runs; an experiment has at most {MAX_RUNS:,}. Give fewer values, or "
            "search with --trials."
        )
    if not experiment.training.validation:
        raise UserError(
            "The runs are compared by their validation loss, and these settings have no validation part: set "
            "--validation, for example to 0.05."
        )
