"""What is measured of three models that do not exist, for tests of what is shown."""

import math
from pathlib import Path

from charlstm_tui.jobs.memory import NamedModel
from core.reports.memory import ContextLoss, MemoryReport, ModelMemory, Spread, TimeConstant
from core.settings.config import Cell

REACH = 200
CONTEXTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def model_memory(name: str, cell: Cell, decay: float, *, gain: float) -> ModelMemory:
    """Return what is measured of a model whose gradient falls by e in `decay` characters."""
    norms = [math.exp(-k / decay) for k in range(REACH + 1)]
    spreads = tuple(Spread(mean=2 * n, low=n / 2, median=n, high=3 * n) for n in norms)
    constants = tuple(TimeConstant(0, 7 * rank, 300 / (rank + 1) ** 2) for rank in range(30)) if cell == "lstm" else ()
    return ModelMemory(
        name=name, cell=cell, parameters=1000, hidden=spreads, cell_state=spreads if cell == "lstm" else (),
        inputs=spreads, time_constants=constants,
        contexts=tuple(ContextLoss(k, 1.3 + gain * math.exp(-k / 20), 0.05) for k in CONTEXTS),
    )  # fmt: skip


RNN = model_memory("rnn", "rnn", 6.0, gain=2.0)
GRU = model_memory("gru", "gru", 25.0, gain=1.9)
LSTM = model_memory("lstm", "lstm", 60.0, gain=1.8)
NGRAMS = tuple(ContextLoss(k, 1.7 + abs(k - 5) / 100, 0.05) for k in CONTEXTS)


def report_of(*models: ModelMemory) -> MemoryReport:
    return MemoryReport(corpus="moliere", part="test", places=200, characters=440, models=models, ngrams=NGRAMS)


def models_of(report: MemoryReport) -> tuple[NamedModel, ...]:
    return tuple(NamedModel(model.name, Path(model.name)) for model in report.models)
