"""Benchmark of training while another program uses the CPU: adapted threads, compared with one thread throughout.

python -m tests.benchmarks.busy_machine FILE [--rounds 2] [--json]

FILE is a copy of Molière's plays. Each run trains with `standard` for 40 seconds; after 15 seconds another process
starts to compute without end. Runs with the number of threads left to the program and runs with `--threads 1` take
turns. Compared are the characters read from 5 seconds after the start of the other process.

    adapted / one thread    characters read while the other process computes; seconds until the number was changed
    cost                    time of the adaptation in an undisturbed run, as a share of a step
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from statistics import median

import msgspec

from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.events import StepsCompleted, ThreadsChanged
from core.model.device import ComputeSettings, choose, thread_counts
from core.settings.presets import PRESETS
from core.training.thread_count import OtherPrograms, ThreadCount
from core.training.trainer import Trainer

SECONDS, BUSY_FROM, COUNTED_FROM = 40.0, 15.0, 20.0


def be_busy() -> None:
    """Compute without end."""
    while True:
        sum(range(10_000))


def characters_when_busy(corpus: Corpus, compute: ComputeSettings, threads: int) -> tuple[float, list[str]]:
    """Train while another process becomes busy; return the characters per second, and the changes of the threads."""
    preset = PRESETS["standard"]
    training = msgspec.structs.replace(preset.training, threads=threads, epochs=50, sample_length=0)
    compute = msgspec.structs.replace(compute, threads=threads or compute.threads)
    control = Control()
    other = multiprocessing.get_context("spawn").Process(target=be_busy, daemon=True)
    per_step = training.streams * training.window
    began, first, steps, changes, is_busy = time.perf_counter(), 0, 0, list[str](), False
    try:
        for event in Trainer(corpus, preset.model, training, compute).run(control):
            now = time.perf_counter() - began
            if isinstance(event, ThreadsChanged):
                changes.append(f"{event.threads} after {now - BUSY_FROM:.1f} s")
            if now > BUSY_FROM and not is_busy:
                other.start()
                is_busy = True
            if isinstance(event, StepsCompleted):
                steps = event.total_steps
                first = first or (steps if now > COUNTED_FROM else 0)
            if now > SECONDS:
                control.stop()
    finally:
        if is_busy:
            other.kill()
            other.join()
    return (steps - first) * per_step / (SECONDS - COUNTED_FROM), changes


def cost_of_a_step() -> float:
    """Return the seconds that the adaptation takes after a step of an undisturbed run."""
    count = ThreadCount(thread_counts()[-1], thread_counts(), OtherPrograms().cores)
    began, calls = time.perf_counter(), 20_000
    for number in range(calls):
        count.add(0.04, 0.04 * number)
    return (time.perf_counter() - began) / calls


def main() -> None:
    """Print the speeds of each round and the median of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    corpus = load_corpus(CorpusConfig(source=str(options.file.absolute())))
    preset = PRESETS["standard"]
    compute = choose(preset.model, len(corpus.characters), preset.training)
    rounds = []
    for _ in range(options.rounds):
        adapted, changes = characters_when_busy(corpus, compute, 0)
        one, _ = characters_when_busy(corpus, compute, 1)
        rounds.append({"adapted": adapted, "one_thread": one, "ratio": adapted / one, "changes": changes})
        if not options.json:
            print(
                f"adapted {adapted:,.0f}, one thread {one:,.0f} characters/s: {adapted / one:.2f}; {changes}",
                flush=True,
            )
    ratio = median(row["ratio"] for row in rounds)  # type: ignore[type-var]
    cost = cost_of_a_step()
    if options.json:
        print(json.dumps({"rounds": rounds, "ratio": ratio, "cost_seconds": cost, "threads": compute.threads}))
    else:
        print(f"{compute.threads} threads at first; ratio {ratio:.2f}; the adaptation takes {1e6 * cost:.1f} µs a step")


if __name__ == "__main__":
    main()
