"""The job of the Silence screen: rank cells, compute what silencing some of them changes, and generate text with it.

One worker thread does everything, the most urgent first: a text, the effect of the silenced cells, the ranking. The
screen changes what it wants on the same object, while the thread works; each change is one assignment. A ranking that
is interrupted is continued where it was.
"""

import contextlib
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from charlstm_tui.jobs.process import blas_on_one_thread, spare_the_collector
from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.reports.silencing import CellId, Clamp, RankedCell, SilencingEffect
from core.settings.config import ModelConfig, SamplingConfig
from core.text import count_of

if TYPE_CHECKING:
    from core.checkpoints.checkpoint import Checkpoint
    from core.inspection.cell_ranking import FirstOrder
    from core.inspection.silencing import Doubles, TextReading

GENERATED = 1_000
"""Number of characters of each of the two generated texts."""
REPORT_SECONDS = 1 / 30
"""Seconds between two reports of generated text."""

Result = TypeVar("Result")
Costs = dict[int, float]
"""Exact costs in nats by the numbers of the cells."""


class Subject(Struct, frozen=True, kw_only=True):
    """The model, the text and the cell that Inspect shows."""

    name: str
    """The model's name on screen."""
    checkpoint: "Checkpoint"
    """The model that has read the text: the file of a run may be replaced meanwhile."""
    config: ModelConfig
    text: str
    """Text of characters that the model knows."""
    layer: int
    """Layer of the selected cell, from 0."""
    cell: int
    """Number of the selected cell, from 0."""


class Ranking(Struct, frozen=True):
    """The cells of a layer, those that cost most first."""

    layer: int
    clamp: Clamp
    cells: tuple[RankedCell, ...]


class TextsBegun(Struct, frozen=True):
    """Two texts begin: one without and one with silenced cells."""

    seed: int
    cells: tuple[CellId, ...]
    clamp: Clamp


class Grown(Struct, frozen=True):
    """Newly generated characters of both texts."""

    without: str
    silenced: str


class Silencer:
    """Computes what a screen wants to know about silenced cells; `work` does all that is left to do."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.layer = subject.layer
        """Layer whose cells are ranked."""
        self.cells: tuple[CellId, ...] = (CellId(subject.layer, subject.cell),)
        """Silenced cells, in ascending order."""
        self.clamp = Clamp()
        """Value that their memory is set to. `change` changes these three."""
        self.seed: int | None = None
        """Seed of the two texts to generate next; None if none are wanted."""
        self.ranks = True
        """Whether cells are ranked."""
        self.is_generating = False
        """Whether a text is being generated."""
        self.considerate = False
        """Whether a run is in training, which has priority on the CPU."""
        self._checkpoint: Checkpoint | None = None
        self._reading: TextReading | None = None
        self._derivatives: FirstOrder | None = None
        self._told: object = None  # the ranking that was reported last
        self._effects: dict[tuple[tuple[CellId, ...], Clamp], SilencingEffect] = {}
        self._shown: object = None  # the effect that was reported last
        self._costs: dict[tuple[int, Clamp], Costs] = {}
        self._estimating: Generator[FirstOrder | float, None, None] | None = None
        self._costing: Generator[Costs | float, None, None] | None = None
        self._costing_of: object = None  # the layer and the clamp of `_costing`

    @property
    def is_ranked(self) -> bool:
        """Whether the exact costs of the present layer and clamp are known."""
        return (self.layer, self.clamp) in self._costs

    @property
    def has_work(self) -> bool:
        """Whether something that is wanted was not reported yet."""
        return self._is_urgent or (self.ranks and not self.is_complete)

    @property
    def is_complete(self) -> bool:
        """Whether the effect and the ranking were reported."""
        return not self._is_urgent and self.is_ranked and self._is_told

    def change(
        self, *, layer: int | None = None, cells: tuple[CellId, ...] | None = None, clamp: Clamp | None = None
    ) -> None:
        """Choose another layer, other silenced cells or another value; the results are then reported again."""
        self.layer = self.layer if layer is None else layer
        self.cells = self.cells if cells is None else cells
        self.clamp = self.clamp if clamp is None else clamp
        self._shown = self._told = None

    @property
    def _is_told(self) -> bool:
        """Whether all that is known of the ranking was reported."""
        return self._told == (self.layer, self.clamp, self.is_ranked)

    @property
    def _is_urgent(self) -> bool:
        """Whether a text or an effect is wanted, for which the ranking waits."""
        return self.seed is not None or (bool(self.cells) and self._shown != (self.cells, self.clamp))

    def work(self, control: Control) -> Iterator[object]:
        """Do all that is left. Yields `Doing`, `SilencingEffect`, `Ranking`, `TextsBegun` and `Grown`.

        When stopped, what is unfinished is dropped; the next call begins it again.
        """
        try:
            with blas_on_one_thread():  # several workers, each with one thread, do not wait for each other
                if self._reading is None:
                    yield from self._begin(control)
                while not control.stopped and self._reading is not None:
                    if self.seed is not None:
                        self.is_generating = True
                        yield from self._generate(control, self.seed)
                        self.is_generating = False
                    elif self._is_urgent:
                        yield from self._compute_effect(control)
                    elif self.ranks and self._derivatives is None:
                        yield from self._estimate(control)
                    elif self.ranks and not self._is_told:
                        self._told = (self.layer, self.clamp, self.is_ranked)
                        yield self._ranking()
                    elif self.ranks and not self.is_ranked:
                        yield from self._rank(control)
                    else:
                        return
        finally:
            self.is_generating = False
            for computing in (self._estimating, self._costing):
                if computing is not None:
                    computing.close()  # its worker threads end
            self._estimating = self._costing = None

    def _begin(self, control: Control) -> Iterator[Doing]:
        yield Doing("loading PyTorch")
        from core.inspection.cell_ranking import with_result
        from core.inspection.silencing import TextReading, read_text

        if control.stopped:
            return
        self._checkpoint = self.subject.checkpoint
        spare_the_collector()
        reading = read_text(self._checkpoint.model, self._checkpoint.vocabulary, self.subject.text)
        for item in with_result(reading):
            if isinstance(item, TextReading):
                self._reading = item
            elif control.stopped:
                return
            else:
                yield Doing(f"reading the text, {item:.0%}")

    def _compute_effect(self, control: Control) -> Iterator[object]:
        """Compute the effect of the silenced cells, unless others are wanted before it is known."""
        from core.inspection.cell_ranking import with_result
        from core.inspection.silencing import effect_of

        assert self._checkpoint is not None
        assert self._reading is not None
        wanted = self.cells, self.clamp
        if wanted not in self._effects:
            for item in with_result(effect_of(self._checkpoint.model, self._reading, *wanted)):
                if isinstance(item, SilencingEffect):
                    self._effects[wanted] = item
                elif control.stopped or wanted != (self.cells, self.clamp) or self.seed is not None:
                    return
                else:
                    yield Doing(f"reading it with silenced cells, {item:.0%}")
        self._shown = wanted
        yield self._effects[wanted]

    def _estimate(self, control: Control) -> Iterator[Doing]:
        """Compute the derivatives of the loss, until something more urgent is wanted."""
        from core.evaluation.worker_threads import advance
        from core.inspection.cell_ranking import FirstOrder, first_order, with_result

        assert self._checkpoint is not None
        assert self._reading is not None
        if self._estimating is None:
            computing = first_order(self._checkpoint.model, self._reading.ids)
            self._estimating = advance([with_result(computing)], 1)
        for item in self._estimating:
            if isinstance(item, FirstOrder):
                self._derivatives, self._estimating = item, None
                return
            yield Doing(f"estimating the cost of every cell, {item:.0%}")
            if control.stopped or self._is_urgent:
                return

    def _rank(self, control: Control) -> Iterator[Doing]:
        """Compute the exact costs of the best cells, until something more urgent is wanted."""
        from core.inspection.cell_ranking import exact_costs, worth_computing

        assert self._checkpoint is not None
        assert self._reading is not None
        wanted = layer, clamp = self.layer, self.clamp  # once: the screen may change them meanwhile
        if self._costing is None or self._costing_of != wanted:
            own = [one.cell for one in self.cells if one.layer == layer]
            cells = list(dict.fromkeys([*worth_computing(self._estimates(layer, clamp)), *own]))
            threads = 1 if self.considerate else None
            if self._costing is not None:
                self._costing.close()
            self._costing = exact_costs(self._checkpoint.model, self._reading, layer, cells, clamp, threads)
            self._costing_of = wanted
        for item in self._costing:
            if isinstance(item, dict):
                self._costs[wanted], self._costing = item, None
                return
            yield Doing(f"silencing each of {self._counted} alone, {item:.0%}")
            if control.stopped or self._is_urgent or wanted != (self.layer, self.clamp):
                return

    @property
    def _counted(self) -> str:
        from core.inspection.cell_ranking import EXACT

        return count_of(min(EXACT, self.subject.config.hidden_size), "cell")

    def _estimates(self, layer: int, clamp: Clamp) -> "Doubles":
        assert self._derivatives is not None
        assert self._reading is not None
        return self._derivatives.estimates(layer, self._reading.values(clamp, layer))

    def _ranking(self) -> Ranking:
        from core.inspection.cell_ranking import ranked

        layer, clamp = self.layer, self.clamp
        return Ranking(layer, clamp, ranked(self._estimates(layer, clamp), self._costs.get((layer, clamp), {})))

    def _generate(self, control: Control, seed: int) -> Iterator[object]:
        """Generate two texts that continue the text, from the same seed."""
        from core.inspection.silenced_sampler import generate_pairs

        assert self._checkpoint is not None
        assert self._reading is not None
        cells, clamp, self.seed = self.cells, self.clamp, None
        yield TextsBegun(seed, cells, clamp)
        pairs = generate_pairs(
            self._checkpoint.model, self._checkpoint.vocabulary, SamplingConfig(seed=seed), self.subject.text,
            self._reading.clamps(cells, clamp),
        )  # fmt: skip
        grown, count, told = ["", ""], 0, time.perf_counter()
        with contextlib.closing(pairs):
            for item in pairs:
                if isinstance(item, float):
                    yield Doing(f"reading the text, {item:.0%}")
                else:
                    grown, count = [grown[0] + item.without, grown[1] + item.silenced], count + 1
                    if count == GENERATED or control.stopped or time.perf_counter() - told > REPORT_SECONDS:
                        yield Grown(*grown)
                        yield Doing(f"generating, {count / GENERATED:.0%}")
                        grown, told = ["", ""], time.perf_counter()
                if control.stopped or count == GENERATED:
                    return
