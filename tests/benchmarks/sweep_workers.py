"""Benchmark of an experiment's workers: one with the threads of all cores against one for each core with one thread.

    python -m tests.benchmarks.sweep_workers [TEXT] [--rounds 2] [--seeds 4] [--json]

The experiment has 1×64, 1×128 and 1×256 networks on the first 100,000 characters of TEXT, which is by default the play
that comes with the program. Everything else is as in the preset `quick`. Both sides take turns, in the other order each
round. Each begins in an empty folder and is timed as a process from its start to its end, so what its workers take to
start counts.

    trials an hour    of each side, and the ratio of the two; the exit code says whether it is at least 1.25
    others            share of the CPU time that other programs took meanwhile. Two threads that wait for each other
                      lose much more by it than two workers do, so the ratio is to be measured without them
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from core.cores import available_cores
from core.experiments.experiment_store import ExperimentStore
from core.experiments.worker_count import share_threads
from core.runs.store import RunStore

NAME = "sizes"
SIZES = "64,128,256"
LIMIT = 100_000
BAR = 1.25
"""Lowest ratio of the trials an hour, on two cores."""


class Side(NamedTuple):
    """An experiment with a certain number of workers."""

    trials: int
    seconds: float
    others: float
    """Share of the CPU time that other programs took meanwhile."""


def measure(text: str, workers: int, seeds: int) -> Side:
    """Train the experiment with this number of workers."""
    with tempfile.TemporaryDirectory() as folder:
        runs = ["--runs", folder]
        sweep("new", NAME, "--corpus", text, "--limit", str(LIMIT), "--preset", "quick",
              "--vary", f"hidden_size={SIZES}", "--seeds", str(seeds), *runs)  # fmt: skip
        began, others_before = time.perf_counter(), cpu_seconds_of_others()
        sweep("run", NAME, "--workers", str(workers), *runs)
        took, others = time.perf_counter() - began, cpu_seconds_of_others() - others_before
        trials = json.loads(sweep("show", NAME, "--json", *runs))["trials"]
        states = [trial["state"] for trial in trials]
        if states != ["finished"] * (len(SIZES.split(",")) * seeds):
            raise RuntimeError(f"not every trial has finished: {states}")
    return Side(len(states), took, max(0.0, others) / (took * (os.cpu_count() or 1)))


def cpu_seconds_of_others() -> float:
    """Return the CPU time since this computer's start, without that of the processes that this one has waited for."""
    spent = psutil.cpu_times()
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(spent.user + spent.system + getattr(spent, "nice", 0.0)) - own.ru_utime - own.ru_stime


def threads_of(text: str, workers: int) -> int:
    """Return the number of threads of each of these workers."""
    with tempfile.TemporaryDirectory() as folder:
        sweep("new", NAME, "--corpus", text, "--preset", "quick", "--vary", f"hidden_size={SIZES}", "--runs", folder)
        return share_threads(ExperimentStore(RunStore(Path(folder))).get(NAME).experiment, workers)


def sweep(*arguments: str) -> str:
    """Run a command of `sweep` in a process of its own; return what it prints."""
    command = [sys.executable, "-m", "charlstm_tui", "sweep", *arguments]
    # With cached bytecode, as people have it: compiling takes seconds in each worker.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"sweep {arguments[0]} failed: {done.stderr[-1000:]}")
    return done.stdout


def main() -> None:
    """Print the trials an hour of each round, and the median of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default="l-homme-aux-contrats")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=4, help="runs of each size")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    text = str(Path(options.text).absolute()) if Path(options.text).exists() else options.text
    sides = {"one worker": 1, "one for each core": available_cores()}
    threads = {side: threads_of(text, workers) for side, workers in sides.items()}
    rounds = []
    for number in range(options.rounds):
        row = {}
        for name in sides if number % 2 == 0 else reversed(sides):
            side = row[name] = measure(text, sides[name], options.seeds)
            if not options.json:
                print(
                    f"{name}: {sides[name]} with {threads[name]} threads each, {side.trials} trials in "
                    f"{side.seconds:.1f} s, {3600 * side.trials / side.seconds:,.0f} an hour; others {side.others:.0%}",
                    flush=True,
                )
        rounds.append(row)
    ratios = [row["one worker"].seconds / row["one for each core"].seconds for row in rounds]
    ratio = median(ratios)
    if options.json:
        sides_of_rounds = [{name: side._asdict() for name, side in row.items()} for row in rounds]
        print(json.dumps({"rounds": sides_of_rounds, "threads": threads, "ratio": ratio}))
    else:
        print(f"ratios {', '.join(f'{each:.2f}' for each in ratios)}; median {ratio:.2f} (at least {BAR})")
    sys.exit(ratio < BAR)


if __name__ == "__main__":
    main()
