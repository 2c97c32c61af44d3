"""Kills the workers of an experiment at random moments, and sometimes the process that started them.

    python -m tests.benchmarks.sweep_kills [KILLS]

The program replaces a killed worker by itself; after a kill of the process that started it, `sweep run` is called
again. After the last kill, the experiment is finished. Each combination and seed must then count once, no run may lack
an epoch, and all losses must equal those of the same experiment without kills.
"""

import json
import math
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil
from click.testing import CliRunner

from charlstm_tui.cli import commands
from core.data.corpus import CorpusConfig
from core.experiments.experiment import Experiment
from core.experiments.experiment_store import ExperimentStore
from core.experiments.opening import open_experiment
from core.experiments.varied import Listed
from core.runs.store import RunStore
from core.runs.summary import epochs_of
from core.settings.config import ModelConfig, TrainingConfig

NAME = "trials"
WORKERS = 2
PARENT_EACH = 5
"""Of this many kills, one is of the process that started the workers."""
MOST_EPOCHS = 5
"""Largest number of epochs, of all workers together, that are waited for before a kill."""
WAIT = 120.0
"""Seconds until a process that reports nothing counts as hanging."""


class SweepKills(NamedTuple):
    """Results of the kills."""

    kills: int
    of_the_parent: int
    """How many of them hit the process that started the workers."""
    resumed: int
    """How often a trial was resumed by another worker."""
    trials: int
    epochs: int
    """Number of epochs of each trial."""
    wrong: list[str]


def kill_workers(folder: Path, kills: int) -> SweepKills:
    """Run an experiment in `folder` and kill its processes `kills` times; let it finish, and check what it stored."""
    chance = random.Random(0)
    experiment = _experiment(epochs=math.ceil((kills + 4) * 1.5))
    store = RunStore(folder / "killed")
    ExperimentStore(store).create(experiment)
    done, of_the_parent, resumed, wrong = 0, 0, 0, list[str]()
    workers: list[psutil.Process] = []
    session = _Session(store, folder / "said")
    while done < kills:
        if not session.wait_for_epochs(chance.randint(0, MOST_EPOCHS)):
            break
        time.sleep(chance.uniform(0, 2 * session.seconds_between_epochs))
        children = session.workers()
        if not children:
            continue
        workers += children
        if done % PARENT_EACH == 1:
            session.kill()
            resumed += session.resumed
            session = _Session(store, folder / "said")
            of_the_parent += 1
        else:
            chance.choice(children).kill()
        done += 1
    if done < kills:
        wrong.append(f"the experiment was over after {done} kills")
    wrong += session.finish()
    resumed += session.resumed
    wrong += [f"the worker {each.pid} did not end" for each in psutil.wait_procs(workers, timeout=WAIT)[1]]
    whole = RunStore(folder / "whole")
    ExperimentStore(whole).create(experiment)
    work = ["sweep", "work", NAME, "--threads", "1", "--runs", str(whole.root)]
    CliRunner().invoke(commands, work, catch_exceptions=False)
    wrong += _faults(experiment, store, whole)
    return SweepKills(done, of_the_parent, resumed, experiment.runs, experiment.training.epochs, wrong)


def _experiment(epochs: int) -> Experiment:
    """Return an experiment with six short trials on the play that comes with the program."""
    return Experiment(
        name=NAME,
        preset="quick",
        corpus=CorpusConfig(source="l-homme-aux-contrats", limit=3_000),
        model=ModelConfig(embedding_size=8),
        training=TrainingConfig(
            epochs=epochs, streams=4, window=20, validation=0.1, precision="fp32", device="cpu", threads=1
        ),
        varied=(Listed(name="hidden_size", values=(8, 12, 16)),),
        seeds=2,
    )


class _Session:
    """A process of `sweep run`, and what its workers report."""

    def __init__(self, store: RunStore, said: Path) -> None:
        command = [
            sys.executable, "-m", "charlstm_tui", "sweep", "run", NAME, "--runs", str(store.root),
            "--workers", str(WORKERS), "--json",
        ]  # fmt: skip
        self._said = said
        with said.open("wb") as file:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file)
        self._epochs: queue.SimpleQueue[bool] = queue.SimpleQueue()  # True for each epoch, False at the end
        self._times: list[float] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.resumed = 0

    @property
    def seconds_between_epochs(self) -> float:
        """Mean number of seconds between two epochs of any workers."""
        times = self._times[-10:]
        return min((times[-1] - times[0]) / len(times), 1.0) if len(times) > 1 else 0.1

    def wait_for_epochs(self, number: int) -> bool:
        """Wait until so many more epochs are completed; return False if the process ends before."""
        try:
            return all(self._epochs.get(timeout=WAIT) for _ in range(number)) and self._process.poll() is None
        except queue.Empty:
            raise RuntimeError(f"no epoch in {WAIT:.0f} seconds: {self._errors()}") from None

    def workers(self) -> list[psutil.Process]:
        """Return the workers that are alive."""
        try:
            return [
                child for child in psutil.Process(self._process.pid).children()
                if child.status() != psutil.STATUS_ZOMBIE
            ]  # fmt: skip
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill the process, and not its workers."""
        self._process.kill()
        self._process.wait()
        # Its workers hold the other end of no pipe of this one: the reader sees the end.
        self._reader.join(WAIT)

    def finish(self) -> list[str]:
        """Wait until the process ends; return what is wrong."""
        self._reader.join(5 * WAIT)
        if self._reader.is_alive():
            self._process.kill()
            return [f"it did not end: {self._errors()}"]
        code = self._process.wait()
        errors = self._errors()
        return [f"it ended with code {code}: {errors}"] if code or errors else []

    def _errors(self) -> str:
        return self._said.read_text("utf-8", "replace").strip()[-1000:]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break
            event = json.loads(line)
            if event["event"] == "trial_started":
                self.resumed += event["resumed"]
            if event["event"] == "trial_epoch":
                self._times.append(time.monotonic())
                self._epochs.put(True)
        self._epochs.put(False)


def _faults(experiment: Experiment, store: RunStore, whole: RunStore) -> list[str]:
    """Return what is wrong with a finished experiment, also compared with one that was never disturbed."""
    wrong = []
    results = open_experiment(ExperimentStore(store), NAME).book.results()
    expected = {
        (trial.params["hidden_size"], trial.seed): trial
        for trial in open_experiment(ExperimentStore(whole), NAME).book.results()
    }
    counted = Counter((trial.params["hidden_size"], trial.seed) for trial in results)
    if len(expected) != experiment.runs or counted != Counter([*expected]):
        wrong.append(f"the trials are {dict(counted)}")
    extra = {run.name for run in store.all()} - {trial.run for trial in results}
    wrong += [f"the run {name} is no trial's" for name in sorted(extra)]
    every = list(range(1, experiment.training.epochs + 1))
    for trial in results:
        where = f"trial {trial.number}"
        if trial.state != "finished":
            wrong.append(f"{where} is {trial.state}: {trial.why}")
            continue
        epochs = epochs_of(store.get(trial.run).events())
        if [epoch.epoch for epoch in epochs] != every:
            wrong.append(f"{where}: its run has epochs {[epoch.epoch for epoch in epochs]}")
        if [*trial.losses] != every:
            wrong.append(f"{where}: the storage has epochs {[*trial.losses]}")
        other = expected.get((trial.params["hidden_size"], trial.seed))
        if other is None:
            continue
        if (trial.loss, trial.losses) != (other.loss, other.losses):
            wrong.append(f"{where}: its losses differ")
        undisturbed = epochs_of(whole.get(other.run).events())
        if [(e.train_loss, e.val_loss) for e in epochs] != [(e.train_loss, e.val_loss) for e in undisturbed]:
            wrong.append(f"{where}: the losses of its run differ")
    return wrong


def main() -> None:
    """Run the kills and print the results."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        seen = kill_workers(Path(folder), kills)
    print(
        f"{seen.kills} kills in {time.monotonic() - began:.0f} s, {seen.of_the_parent} of them of the process that "
        f"started the workers; {seen.trials} trials of {seen.epochs} epochs, resumed {seen.resumed} times"
    )
    print(
        "\n".join(seen.wrong) or "each trial finished and counted once, with the losses of an experiment without kills"
    )
    sys.exit(bool(seen.wrong))


if __name__ == "__main__":
    main()
