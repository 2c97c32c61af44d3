"""Running totals of a model's score. Of the text itself, only the mean loss of each block is stored."""

import math

import numpy as np
from numpy.typing import NDArray

from core.data.play_roles import ROLES, Roles
from core.data.vocabulary import Vocabulary
from core.evaluation.character_classes import KINDS, kinds_of
from core.evaluation.scored_chunk import ScoredChunk
from core.reports.results import Group, Score

BLOCK = 200
"""Minimum number of characters of a block, for the standard error."""
MAX_BLOCKS = 50
"""Number of blocks, about, that a long text is divided into: the longer the blocks, the less correlated neighbours are.
On the test part of all of Molière, where some plays are harder than others, blocks of 200 characters would give a third
of the standard error."""


class Blocks:
    """The mean of a long series, and its standard error, estimated from the means of blocks."""

    def __init__(self) -> None:
        self.count = 0
        self._total = 0.0
        self._means: list[NDArray[np.float64]] = []
        self._begun = np.empty(0)  # values of a block that is not full yet

    def add(self, values: NDArray[np.float64]) -> None:
        """Add the next values of the series: shape (n,)."""
        self.count += len(values)
        self._total += float(values.sum())
        values = np.concatenate([self._begun, values])
        full = len(values) // BLOCK * BLOCK
        self._means.append(values[:full].reshape(-1, BLOCK).mean(axis=1))
        self._begun = values[full:]

    @property
    def mean(self) -> float:
        """Mean of all values; 0 if there are none."""
        return self._total / max(self.count, 1)

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean; None with fewer than two blocks."""
        if self.count < 2 * BLOCK:
            return None
        means = np.concatenate(self._means)
        together = max(len(means) // MAX_BLOCKS, 1)
        means = means[: len(means) // together * together].reshape(-1, together).mean(axis=1)
        return float(means.std(ddof=1) / math.sqrt(len(means)))


class LossAccumulator:
    """Adds up a model's losses and hits on a text, in total and by group of characters."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._kind_of_id = kinds_of(vocabulary)
        self._losses = Blocks()
        self._first = 0
        self._among_first = 0
        self._kinds = _Groups(KINDS)
        self._roles = _Groups(ROLES)

    def add(self, chunk: ScoredChunk, roles: Roles) -> None:
        """Add a chunk of the text. `roles` has the role of each of its characters: shape (T,)."""
        known = chunk.known
        ids = chunk.ids[known]
        hits = chunk.expected == ids[:, None]
        self._losses.add(chunk.losses)
        self._first += int(hits[:, :1].sum())
        self._among_first += int(hits.sum())
        self._kinds.add(self._kind_of_id[ids], chunk.losses)
        self._roles.add(roles[known].astype(np.intp), chunk.losses)

    def score(self, *, is_play: bool) -> Score:
        """Return the score of the whole text. The losses by role are included only if `is_play`."""
        count = max(self._losses.count, 1)
        return Score(
            scored=self._losses.count,
            loss=self._losses.mean,
            standard_error=self._losses.standard_error,
            accuracy=self._first / count,
            accuracy_of_five=self._among_first / count,
            kinds=self._kinds.groups(),
            roles=self._roles.groups() if is_play else (),
        )


class _Groups:
    """Total loss and number of characters of each group."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._counts = np.zeros(len(names), dtype=np.int64)
        self._totals = np.zeros(len(names))

    def add(self, groups: NDArray[np.intp], losses: NDArray[np.float64]) -> None:
        self._counts += np.bincount(groups, minlength=len(self._names))
        self._totals += np.bincount(groups, weights=losses, minlength=len(self._names))

    def groups(self) -> tuple[Group, ...]:
        """Return the groups that have at least one character."""
        total_loss = max(float(self._totals.sum()), np.finfo(float).tiny)
        return tuple(
            Group(name=name, characters=int(count), loss=float(total / count), share=float(total / total_loss))
            for name, count, total in zip(self._names, self._counts, self._totals, strict=True)
            if count
        )
