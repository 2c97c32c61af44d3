"""What an experiment found: each combination's loss over its seeds, each setting's effect, and what may be chance.

Losses are the lowest validation losses of finished runs, in nats per character. The variance between seeds is pooled
over all combinations. A difference counts as more than chance if it is larger than the 95 % quantile of Student's t
times its standard error; with many comparisons, one in twenty exceeds that by chance.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist, mean, stdev

from msgspec import Struct

from core.experiments.experiment import Experiment
from core.experiments.results import TrialResult
from core.experiments.varied import Listed, Params, Searched, Varied, field_named, shown
from core.settings.config import Value
from core.text import count_of

MAX_BINS = 5
"""Number of parts into which a searched range is divided."""
MIN_TRIALS = 10
"""Fewest finished trials from which the importance of the settings is estimated."""
_CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)


class Losses(Struct, frozen=True, kw_only=True):
    """Losses of several runs."""

    values: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Their mean."""
        return mean(self.values)

    @property
    def deviation(self) -> float | None:
        """Their standard deviation; None for a single run."""
        return stdev(self.values) if len(self.values) > 1 else None


class Combination(Struct, frozen=True, kw_only=True):
    """The finished runs with the same values."""

    params: Params
    losses: Losses


class Difference(Struct, frozen=True, kw_only=True):
    """The difference between two mean losses."""

    value: float
    """Negative if the first one is lower, so better."""
    error: float | None
    """Standard error; None if no combination has two seeds."""
    freedom: int = 0
    """Degrees of freedom of the standard error."""

    @property
    def may_be_chance(self) -> bool | None:
        """Whether chance alone may explain it; None if that is unknown."""
        if self.error is None:
            return None
        return abs(self.value) <= student_quantile(self.freedom) * self.error

    @property
    def sentence(self) -> str:
        """The difference with its standard error, and what it means."""
        if self.error is None:
            return f"{signed(self.value)}; with one seed, chance cannot be told"
        means = "may be chance" if self.may_be_chance else "better" if self.value < 0 else "worse"
        return f"{signed(self.value)} ± {self.error:.3f}, {means}"


class Point(Struct, frozen=True, kw_only=True):
    """The losses with one value of a setting, or with values in a part of its range."""

    label: str
    value: Value
    """The value, or the middle of the part."""
    mean: float
    """Mean loss. In a grid: of the combinations that were tried with each of the plotted values, so that the means
    differ in nothing else; each combination counts the same, however many seeds it has."""
    runs: int
    """Number of runs in the mean."""
    spread: float | None = None
    """In a grid: standard deviation over the seeds, pooled over these combinations; None if none was repeated. In a
    search: standard deviation of all the runs."""
    difference: Difference | None = None
    """To the mean of the first value; None for the first one, and in a search."""


class Effect(Struct, frozen=True, kw_only=True):
    """The effect of one setting."""

    name: str
    points: tuple[Point, ...]

    @property
    def title(self) -> str:
        """Name of the setting in words."""
        return field_named(self.name).title

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence for each value that was compared with the first."""
        first = self.points[0].label if self.points else ""
        return tuple(
            f"{self.title} {point.label} instead of {first}: {point.difference.sentence}."
            for point in self.points
            if point.difference is not None
        )


class Findings(Struct, frozen=True, kw_only=True):
    """What an experiment found so far."""

    combinations: tuple[Combination, ...]
    """Best first."""
    effects: tuple[Effect, ...]
    margin: Difference | None
    """Between the best combination and the next; None if there are not two."""
    finished: int
    """Number of finished trials."""

    @property
    def best_sentence(self) -> str:
        """One or two sentences on the best combination; empty if there is none."""
        if not self.combinations:
            return ""
        best = self.combinations[0]
        said = f"The best is {shown(best.params)}: {with_deviation(best.losses)} nats/char."
        if self.margin is None:
            return said
        gap = -self.margin.value
        if self.margin.error is None:
            return f"{said} The next is {gap:.3f} above it; with one seed, chance cannot be told."
        if not self.margin.error:
            return f"{said} The next is {gap:.3f} above it."
        chance = ", which may be chance" if self.margin.may_be_chance else ""
        return f"{said} The next is {gap:.3f} above it, {gap / self.margin.error:.1f} standard errors{chance}."


def find(experiment: Experiment, trials: Iterable[TrialResult]) -> Findings:
    """Return what the finished trials of an experiment say."""
    finished = [trial for trial in trials if trial.state == "finished" and trial.loss is not None]
    names = [each.name for each in experiment.varied]
    by_values: dict[tuple[Value, ...], list[float]] = {}
    for trial in finished:
        by_values.setdefault(tuple(trial.params[name] for name in names), []).append(trial.loss or 0.0)
    cells = {values: Losses(values=tuple(losses)) for values, losses in by_values.items()}
    combinations = sorted(
        (Combination(params=dict(zip(names, values, strict=True)), losses=losses) for values, losses in cells.items()),
        key=lambda each: each.losses.mean,
    )
    spread = _Spread(cells.values())
    margin = None
    if len(combinations) > 1:
        margin = spread.difference([(combinations[0].losses, combinations[1].losses)])
    effects = [
        _effect_of_range(varied, finished)
        if not isinstance(varied, Listed)
        else _effect_of_list(position, varied, cells, spread)
        if experiment.is_grid
        else _effect_in_search(varied, finished)
        for position, varied in enumerate(experiment.varied)
    ]
    return Findings(combinations=tuple(combinations), effects=tuple(effects), margin=margin, finished=len(finished))


class _Spread:
    """The variance between seeds, pooled over all combinations."""

    def __init__(self, cells: Iterable[Losses]) -> None:
        repeated = [cell for cell in cells if cell.deviation is not None]
        self._freedom = sum(cell.count - 1 for cell in repeated)
        squares = sum((cell.count - 1) * (cell.deviation or 0.0) ** 2 for cell in repeated)
        self._variance = squares / self._freedom if self._freedom else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation; None if no combination has two seeds."""
        return None if self._variance is None else math.sqrt(self._variance)

    def difference(self, pairs: Sequence[tuple[Losses, Losses]]) -> Difference:
        """Return the mean difference of pairs of combinations, first minus second."""
        value = mean(first.mean - second.mean for first, second in pairs)
        if self._variance is None:
            return Difference(value=value, error=None)
        each = sum(1 / first.count + 1 / second.count for first, second in pairs)
        return Difference(value=value, error=math.sqrt(self._variance * each) / len(pairs), freedom=self._freedom)


def _effect_of_list(position: int, varied: Listed, cells: dict[tuple[Value, ...], Losses], spread: _Spread) -> Effect:
    """Return the effect of a setting of a grid, each value compared with the first.

    While the grid is not complete, only combinations count that were tried with each of the plotted values, and as many
    values are plotted as possible.
    """
    by_others: dict[tuple[Value, ...], dict[Value, Losses]] = {}
    for values, cell in cells.items():
        by_others.setdefault((*values[:position], *values[position + 1 :]), {})[values[position]] = cell
    candidates = [set(tried) for tried in by_others.values()]
    plotted = max(
        candidates, key=lambda each: (len(each), sum(each <= other for other in candidates)), default=set[Value]()
    )
    matched = [tried for tried in by_others.values() if plotted <= set(tried)]
    shown_values = [value for value in varied.values if value in plotted]
    if len(shown_values) < 2:
        return Effect(name=varied.name, points=())
    points = []
    for value in shown_values:
        with_value = [tried[value] for tried in matched]
        points.append(
            Point(
                label=field_named(varied.name).show(value),
                value=value,
                mean=mean(cell.mean for cell in with_value),
                runs=sum(cell.count for cell in with_value),
                spread=_Spread(with_value).deviation,
                difference=spread.difference([(tried[value], tried[shown_values[0]]) for tried in matched])
                if value != shown_values[0]
                else None,
            )
        )
    return Effect(name=varied.name, points=tuple(points))


def _effect_in_search(varied: Listed, finished: Sequence[TrialResult]) -> Effect:
    """Return the mean loss with each value of a listed setting in a search."""
    field = field_named(varied.name)
    points = []
    for value in varied.values:
        losses = tuple(trial.loss or 0.0 for trial in finished if trial.params[varied.name] == value)
        if losses:
            points.append(_point(field.show(value), value, Losses(values=losses)))
    return Effect(name=varied.name, points=tuple(points))


def _point(label: str, value: Value, losses: Losses) -> Point:
    return Point(label=label, value=value, mean=losses.mean, runs=losses.count, spread=losses.deviation)


def _effect_of_range(varied: Searched, finished: Sequence[TrialResult]) -> Effect:
    """Return the mean loss in parts of a searched range, which have equally many runs."""
    field = field_named(varied.name)
    ordered = sorted(finished, key=lambda trial: float(trial.params[varied.name]))
    bins = max(1, min(MAX_BINS, len(ordered) // 2))
    points = []
    for number in range(bins):
        part = ordered[number * len(ordered) // bins : (number + 1) * len(ordered) // bins]
        if not part:
            continue
        low, high = float(part[0].params[varied.name]), float(part[-1].params[varied.name])
        middle = math.sqrt(low * high) if varied.log else (low + high) / 2
        shown_low, shown_high = (field.show(_rounded(value, field.kind is int)) for value in (low, high))
        losses = Losses(values=tuple(trial.loss or 0.0 for trial in part))
        label = shown_low if shown_low == shown_high else f"{shown_low}–{shown_high}"
        points.append(_point(label, middle, losses))
    return Effect(name=varied.name, points=tuple(points))


def _rounded(value: float, whole: bool) -> Value:
    """Return a value with two significant digits, as in an axis label."""
    return int(value) if whole else float(f"{value:.2g}")


def with_deviation(losses: Losses) -> str:
    """Return a mean with the standard deviation and the number of runs: `1.512 ± 0.004 (3 seeds)`."""
    if losses.deviation is None:
        return f"{losses.mean:.3f} (1 seed)"
    return f"{losses.mean:.3f} ± {losses.deviation:.3f} ({count_of(losses.count, 'seed')})"


def signed(value: float) -> str:
    """Return a difference of losses with its sign."""
    return f"{value:+.3f}".replace("-", "−")


def student_quantile(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t distribution.

    Exact for one and two degrees of freedom; from three on by the expansion in 1/n of Abramowitz and Stegun, 26.7.5,
    which is within 1 %.
    """
    if freedom < 1:
        return math.inf
    tail = (1 - _CONFIDENCE) / 2
    if freedom == 1:
        return math.tan(math.pi * (0.5 - tail))
    if freedom == 2:
        two = 4 * (1 - tail) * tail
        return (1 - 2 * tail) * math.sqrt(2 / two)
    z, n = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def best_quantile(finished: int) -> float:
    """Return the share of the trials that count as the best: a quarter, at least five of them, at most a half."""
    return min(0.5, max(0.25, 5 / finished))


def importance_of(varied: Sequence[Varied], finished: int) -> str:
    """Return the reason why no importances are given; empty if they can be."""
    if len(varied) < 2:
        return "Only one setting is varied."
    if finished < MIN_TRIALS:
        return f"{count_of(finished, 'finished trial')} of the {MIN_TRIALS} that an estimate of importance needs."
    return ""


def importance_sentence(varied: Sequence[Varied], finished: int, shares: Mapping[str, float]) -> str:
    """Return what matters most, or the reason why that is not known yet; empty if only one setting is varied."""
    if len(varied) < 2:
        return ""
    if reason := importance_of(varied, finished):
        return f"Which setting matters most: {reason}"
    if not shares:
        return ""
    best = round(best_quantile(finished) * finished)
    listed = ", ".join(f"{field_named(name).title} {share:.0%}" for name, share in shares.items())
    return f"What matters for being among the best {best} runs (PED-ANOVA): {listed}."
