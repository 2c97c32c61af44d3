"""Facts that follow from several others over the time of a lesson: extremes, repetitions, and how many were seen."""

from collections.abc import Iterable, Mapping

from charlstm_tui.lessons.facts import FACTS, Value
from core.data.splits import parts_of
from core.errors import UserError
from core.runs.run import RunConfig

TEXT = "generation.text"
"""Name by which the text itself is told. It is no fact, only whether it is repeated."""


_SETTINGS = (
    "run.preset", "run.text", "run.characters", "run.start", "run.cell", "run.hidden_size", "run.output_dropout",
    "run.weight_drop", "run.patience", "run.planned_epochs",
)  # fmt: skip


class Derived:
    """Derives facts from those that a lesson is told, in order."""

    def __init__(self, earlier_runs: Iterable[str] = ()) -> None:
        """`earlier_runs` are the names of the runs that were started when the lesson was open before."""
        self._texts: set[str] = set()
        self._cell: tuple[Value, Value] | None = None  # layer and number of the chosen one
        self._cells: set[tuple[Value, Value]] = set()
        self._cells_of_step: set[tuple[Value, Value]] = set()
        self._extremes: dict[str, tuple[float, Value]] = {}
        self._runs: set[Value] | None = None  # names of the runs so far; None until the lesson is first told of a run
        self._started = 0  # number of runs that were started since the lesson was opened
        self._earlier = frozenset(earlier_runs)
        self._run: dict[str, Value] = {}  # facts of the run in progress, or the last one

    def of(self, told: Mapping[str, Value], known: Mapping[str, Value]) -> dict[str, Value]:
        """Return facts that follow from those that are `told` now and those that were `known` before."""
        found: dict[str, Value] = {}
        temperature = told.get("generation.temperature")
        if told.get("generation.is_done") and isinstance(temperature, float):
            found |= self._extremes_with(temperature, told.get("generation.surprise"))
        if "run.state" in told:
            found |= self._runs_with(told)
        if isinstance(text := told.get(TEXT), str):
            found["generation.repeated"] = text in self._texts
            self._texts.add(text)
        if "inspection.cell" in told:
            cell = told.get("inspection.layer", known.get("inspection.layer")), told["inspection.cell"]
            if cell != self._cell:  # each fact on the cell at the cursor is told with the cell
                self._cell = cell
                self._cells.add(cell)
                self._cells_of_step.add(cell)
            found["inspection.cells_seen"] = float(len(self._cells))
            found["inspection.step_cells"] = float(len(self._cells_of_step))
        if isinstance(place := told.get("inspection.place"), float):
            found["inspection.position"] = place + 1.0
        return found

    def begin_step(self) -> dict[str, Value]:
        """Count what is counted of a step from 0; return that."""
        self._cells_of_step.clear()
        return {"inspection.step_cells": 0.0}

    def _runs_with(self, told: Mapping[str, Value]) -> dict[str, Value]:
        """Count the runs, and return the facts on the run before this one, if its settings are others."""
        name = told.get("run.name")
        found: dict[str, Value] = {}
        if self._runs is None:  # a run from before the lesson is not counted
            self._runs = {name} if name is not None else set()
        elif name is not None and name not in self._runs:
            self._runs.add(name)
            self._started += 1
            found |= as_before(self._run, told)
        if name is not None:
            of_lesson = self._started > 0 or name in self._earlier
            self._run = dict(told) if of_lesson else {}
        return found | {"run.count": float(self._started + len(self._earlier))}

    def _extremes_with(self, temperature: float, surprise: Value) -> dict[str, Value]:
        lowest, highest = self._extremes.get("lowest"), self._extremes.get("highest")
        if lowest is None or temperature <= lowest[0]:
            self._extremes["lowest"] = temperature, surprise
        if highest is None or temperature >= highest[0]:
            self._extremes["highest"] = temperature, surprise
        facts: dict[str, Value] = {}
        for name, (at, what) in self._extremes.items():
            facts[f"generation.{name}_temperature"] = at
            facts[f"generation.surprise_at_{name}"] = what
        return facts


def as_before(run: Mapping[str, Value], later: Mapping[str, Value]) -> dict[str, Value]:
    """Return facts of a run as those of the run before a later one; none if that is the same, or had no epoch."""
    if not run.get("run.epochs") or all(run.get(one) == later.get(one) for one in _SETTINGS):
        return {}
    return {one: run.get(one.replace("before.", "run.")) for one in FACTS if one.startswith("before.")}


def only_facts(told: Mapping[str, Value]) -> dict[str, Value]:
    """Return what is a fact of those that are told."""
    return {name: value for name, value in told.items() if name in FACTS}


def characters_to_test(config: RunConfig | None, characters: Value) -> Value:
    """Return the number of characters in the test part of a text; None if it is not known."""
    if config is None or not isinstance(characters, float) or config.corpus.split == "files":
        return None
    try:
        return float(parts_of(round(characters), config.corpus.split, config.training.validation)["test"])
    except UserError:
        return None
