"""The results of a class: the losses in many reports, as tables in which only comparable losses stand together.

Losses are comparable if they were computed on the same part of the same split of the same text, up to the same limit.
The text is recognised by its SHA-256, whatever its file is called.
"""

import csv
import io
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from core.errors import UserError

FEW = 4
"""Smallest number of losses among which an outlier can be told."""
FAR = 3.5
"""Distance from the median, in scaled median absolute deviations, from which a loss counts as an outlier (Iglewicz and
Hoaglin, 1993)."""
_SCALE = 0.6745  # the median absolute deviation of a standard normal distribution
MIN_SPREAD = 1e-3
"""Smallest deviation, in nats, that is used as the scale: equal losses would make every other one an outlier."""


class Basis(Struct, frozen=True, order=True, kw_only=True):
    """What a loss was computed on."""

    text: str
    """Name of the text."""
    sha256: str
    limit: int | None = None
    split: str | None = None
    part: str = "test"

    @property
    def title(self) -> str:
        """Name of the text, its limit, split and part."""
        limit = f", first {self.limit:,} characters" if self.limit else ""
        split = f" · {self.split}" if self.split else ""
        return f"{self.text}{limit}{split} · {self.part}"

    @property
    def key(self) -> tuple[str, int | None, str | None, str]:
        """What has to be equal for two losses to be comparable: not the file's name."""
        return (self.sha256 or f"name:{self.text}", self.limit, self.split, self.part)


class Result(Struct, frozen=True, kw_only=True):
    """One loss in one report."""

    student: str
    """Who handed it in: the name of the file, without its suffix."""
    model: str
    basis: Basis
    loss: float
    """In nats per character."""
    standard_error: float | None = None
    settings: str = ""
    """The run's settings in a few words; empty if they are unknown."""


class Table(Struct, frozen=True, kw_only=True):
    """Comparable results, the lowest loss first."""

    title: str
    results: tuple[Result, ...]
    outliers: frozenset[str]
    """Students whose loss is far from the others'."""

    @property
    def mean(self) -> float:
        """Mean loss."""
        return statistics.fmean(result.loss for result in self.results)

    @property
    def median(self) -> float:
        """Median loss."""
        return statistics.median(result.loss for result in self.results)

    @property
    def best(self) -> Result:
        """The result with the lowest loss."""
        return self.results[0]


def tables_of(results: Iterable[Result]) -> list[Table]:
    """Return one table for each set of comparable results, the largest first.

    Raises:
        UserError: there are no results.
    """
    groups: dict[object, list[Result]] = {}
    for result in results:
        groups.setdefault(result.basis.key, []).append(result)
    if not groups:
        raise UserError(
            "There are no reports with a loss. Give a folder of lesson reports or of evaluate --save files."
        )
    tables = []
    for group in groups.values():
        ordered = tuple(sorted(group, key=lambda result: (result.loss, result.student, result.model)))
        tables.append(Table(title=group[0].basis.title, results=ordered, outliers=_outliers(ordered)))
    return sorted(tables, key=lambda table: (-len(table.results), table.title))


def _outliers(results: Sequence[Result]) -> frozenset[str]:
    if len(results) < FEW:
        return frozenset()
    losses = [result.loss for result in results]
    middle = statistics.median(losses)
    deviation = max(statistics.median(abs(loss - middle) for loss in losses), MIN_SPREAD)
    return frozenset(result.student for result in results if _SCALE * abs(result.loss - middle) / deviation > FAR)


def as_csv(tables: Iterable[Table]) -> bytes:
    """Return the tables as CSV: one row per result, with what it was computed on."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(
        [
            "student",
            "model",
            "text",
            "limit",
            "split",
            "part",
            "sha256",
            "loss",
            "standard_error",
            "outlier",
            "settings",
        ]
    )
    for one in tables:
        for result in one.results:
            basis = result.basis
            row: list[Any] = [
                result.student, result.model, basis.text, basis.limit, basis.split, basis.part, basis.sha256,
                result.loss, result.standard_error, result.student in one.outliers, result.settings,
            ]  # fmt: skip
            writer.writerow(row)
    return table.getvalue().encode("utf-8", "replace")
