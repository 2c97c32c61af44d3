"""Views of an experiment for tests of its screen."""

import msgspec

from charlstm_tui.state.experiment import ExperimentView, TrialsRead, WorkersStarted
from core.data.corpus import CorpusConfig
from core.experiments.experiment import Experiment
from core.experiments.findings import find
from core.experiments.results import TrialResult
from core.experiments.trial_events import TrialEpoch, TrialProgressed, TrialStarted
from core.experiments.varied import parse_varied
from core.settings.config import ModelConfig, TrainingConfig

EXPERIMENT = Experiment(
    name="layers", preset="quick", corpus=CorpusConfig(source="moliere", limit=100_000),
    model=ModelConfig(hidden_size=64), training=TrainingConfig(epochs=4, validation=0.05),
    varied=(parse_varied("num_layers=1,2"), parse_varied("hidden_size=64,128")), seeds=3,
)  # fmt: skip


def _trials() -> list[TrialResult]:
    """All twelve trials; the losses are made up from the values and the seed."""
    trials = []
    for number, (seed, params) in enumerate(
        ((seed, params) for seed in EXPERIMENT.all_seeds for params in EXPERIMENT.grid()), start=1
    ):
        end = 1.6 - (0.1 if params["hidden_size"] == 128 else 0.0) - 0.02 * int(params["num_layers"]) + 0.003 * seed
        losses = {epoch: end + 0.6 / epoch - 0.15 for epoch in range(1, 5)}
        trials.append(TrialResult(
            number=number, params=params, seed=seed, run=f"layers-{number}", state="finished", losses=losses,
            loss=min(losses.values()),
        ))  # fmt: skip
    return trials


def experiment_view(*, over: int = 12, alive: bool = False) -> ExperimentView:
    """Return the experiment with its first `over` trials over; with `alive`, the next two are in progress."""
    trials = _trials()
    read = TrialsRead(
        experiment=EXPERIMENT, trials=tuple(trials[:over]), findings=find(EXPERIMENT, trials[:over]),
        importances={"hidden_size": 0.92, "num_layers": 0.08},
        used_seconds=30.0,
    )  # fmt: skip
    view = ExperimentView().after([read])
    if not alive:
        return view.ended()
    view = msgspec.structs.replace(view, phase="preparing").after([WorkersStarted(workers=2, threads=1)])
    current = trials[over : over + 2]
    for trial in current:
        view = view.after([
            TrialStarted(trial=trial.number, run=trial.run, params=trial.params, seed=trial.seed, epochs=4,
                         resumed=False),
            TrialEpoch(trial=trial.number, epoch=1, train_loss=2.0, val_loss=trial.losses[1]),
            TrialProgressed(trial=trial.number, done=0.25, chars_per_second=9_000.0),
        ])  # fmt: skip
    running = [msgspec.structs.replace(trial, state="running", losses={}, loss=None) for trial in current]
    return view.after([msgspec.structs.replace(read, trials=(*read.trials, *running), used_seconds=42.0)])
