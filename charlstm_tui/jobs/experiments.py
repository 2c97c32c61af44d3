"""The jobs of the Experiments screen: list the experiments, read one, and run its trials with worker processes."""

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from charlstm_tui.jobs import forecast
from charlstm_tui.jobs.texts import read_corpus
from charlstm_tui.state.experiment import TrialsRead, WorkersStarted
from charlstm_tui.state.job_events import Doing
from core.control import Control
from core.experiments.budget import Budget, read_used
from core.experiments.experiment_store import ExperimentStore
from core.experiments.findings import find
from core.experiments.trial_events import TrialEnded, TrialEvent, TrialStarted
from core.runs.run import RunConfig
from core.runs.store import RunStore
from core.settings.forecast import Forecast

if TYPE_CHECKING:
    from core.experiments.experiment import Experiment
    from core.experiments.results import TrialResult
    from core.experiments.trial_book import TrialBook

READ_SECONDS = 2.0
"""Seconds after which the trials are read again, for what workers of other machines have done."""


def worker_command(store: RunStore, name: str, threads: int) -> list[str]:
    """Return the command that starts a worker of an experiment."""
    return [
        sys.executable, "-m", "charlstm_tui", "sweep", "work", name, "--runs", str(store.root.absolute()),
        "--threads", str(threads),
    ]  # fmt: skip


def forecast_run(control: Control, config: RunConfig) -> "Iterator[Forecast | WorkersCounted]":
    """Forecast a run of an experiment, up to its speed, and then count the workers that there would be."""
    for item in forecast.estimate_run(control, config):
        if isinstance(item, Forecast):
            yield item
            if item.speed is not None and item.speed.settled:
                break  # the losses of n-grams, which come next, are not needed
    if not control.stopped:
        from core.experiments.worker_count import usual_workers

        yield WorkersCounted(usual_workers(config))


def read_trials(experiments: ExperimentStore, name: str) -> "tuple[list[TrialResult], Experiment, TrialBook | None]":
    """Return the trials of an experiment that were begun, its settings, and the list of its trials.

    The list is None for an experiment that was never run: nothing is created.

    Raises:
        UserError: there is no such experiment, or its storage cannot be read.
    """
    stored = experiments.get(name)
    if not stored.storage and not experiments.journal(name).exists():
        return [], stored.experiment, None
    from core.experiments.opening import database_errors, open_experiment

    opened = open_experiment(experiments, name)
    with database_errors(stored.storage):
        return opened.book.results(), opened.experiment, opened.book


def read_experiment(control: Control, store: RunStore, name: str) -> Iterator[Doing | TrialsRead]:
    """Read the trials of an experiment."""
    yield Doing("reading the trials")
    experiments = ExperimentStore(store)
    trials, experiment, book = read_trials(experiments, name)
    yield TrialsRead(
        experiment=experiment, trials=tuple(trials), findings=find(experiment, trials),
        importances=book.importances() if book is not None else {},
        used_seconds=read_used(experiments.folder(name)),
    )  # fmt: skip


def run_experiment(
    control: Control, store: RunStore, name: str, workers: int | None = None
) -> Iterator[Doing | TrialsRead | WorkersStarted | TrialEvent]:
    """Train the trials of an experiment that are not over, with several worker processes.

    Yields the trials whenever one begins or ends, and the workers' events. `control` stops all workers in order.

    Raises:
        UserError: the experiment, its storage or its text cannot be read.
    """
    yield Doing("loading the experiment")
    experiments = ExperimentStore(store)
    stored = experiments.get(name)
    from core.experiments.opening import database_errors, open_experiment
    from core.experiments.worker_processes import WorkerProcesses

    with database_errors(stored.storage):
        opened = open_experiment(experiments, name)
        experiment, book = opened.experiment, opened.book
        budget = Budget(experiments.folder(name), experiment.seconds)

        def read() -> TrialsRead:
            trials = book.results()
            return TrialsRead(
                experiment=experiment, trials=tuple(trials), findings=find(experiment, trials),
                importances=book.importances(),
                used_seconds=budget.used,
            )  # fmt: skip

        yield read()
        yield Doing("loading PyTorch")
        from core.experiments.worker_count import share_threads, usual_workers

        workers = workers or min(usual_workers(experiment.base), experiment.runs)
        threads = share_threads(experiment, workers)
        if control.stopped:
            return
        yield WorkersStarted(workers=workers, threads=threads)
        processes = WorkerProcesses(worker_command(store, name, threads), workers)
        last_read = time.monotonic()
        for event in processes.run(control, budget.is_over):
            if event is not None:
                yield event
            if isinstance(event, TrialStarted | TrialEnded) or time.monotonic() - last_read > READ_SECONDS:
                last_read = time.monotonic()
                yield read()
        budget.save()
        yield read()


class WorkersCounted(Struct, frozen=True):
    """The default number of workers."""

    workers: int


class TestLossRead(Struct, frozen=True):
    """The test loss of the best combination, in words."""

    __test__ = False  # pytest would take it for tests

    sentence: str


def best_test_loss(control: Control, store: RunStore, name: str) -> Iterator[object]:
    """Read the test loss of an experiment's best combination, or return the one that was read before.

    Raises:
        UserError: the experiment is not over, or its text or runs cannot be read.
    """
    yield Doing("reading the test part")
    experiments = ExperimentStore(store)
    stored = experiments.get(name)
    from core.experiments.opening import database_errors, open_experiment
    from core.experiments.test_loss import TestLoss, read_test_loss

    with database_errors(stored.storage):
        book = open_experiment(experiments, name).book
        corpus = yield from read_corpus(control, stored.experiment.corpus)
        if corpus is None:
            return
        for event in read_test_loss(control, book, store, corpus):
            if isinstance(event, TestLoss):
                best = find(book.experiment, book.results()).combinations[0]
                yield TestLossRead(event.sentence(best.params))
            else:
                yield Doing(f"evaluating {event.run}, {event.done:.0%}")


def delete_experiment(control: Control, store: RunStore, name: str, runs: list[str]) -> Iterator[Doing]:
    """Delete an experiment and these runs.

    Raises:
        UserError: a run is being trained, or a file cannot be deleted.
    """
    from core.experiments.opening import delete_trials

    for run in runs:
        yield Doing(f"deleting {run}")
        store.delete(run)
    delete_trials(ExperimentStore(store), name)
