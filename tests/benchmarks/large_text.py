"""Benchmark of a text of a gigabyte compared with one of a megabyte: memory, time to the first step, speed.

python -m tests.benchmarks.large_text [--bytes 1e9] [--seconds 20] [--rounds 2] [--processes 1]

With --processes, torchrun starts several processes that train together. The text is encoded into the cache once: only
one of them writes as much as the text is long.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
import psutil

ONSETS = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "ch", "tr", "qu"]
RHYMES = ["a", "e", "i", "o", "u", "é", "è", "ê", "à", "ou", "an", "on", "oi"]


class Measured(NamedTuple):
    """Measurements of one training run."""

    megabytes: float
    """Peak resident memory of the process; of several, the largest."""
    first_step: float
    """Seconds from the launch to the first report of a step."""
    speed: float
    """Characters per second."""
    written: list[float]
    """Megabytes that each process wrote: the cache of the encoded text and the run's checkpoints."""


def write_text(path: Path, size: int) -> None:
    """Write a text of made-up words with accents, at least `size` bytes of UTF-8."""
    generator = random.Random(0)
    syllables = [onset + rhyme for onset in ONSETS for rhyme in RHYMES]
    words = ["".join(generator.choices(syllables, k=generator.randint(1, 4))) for _ in range(20_000)]
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            lines = (" ".join(generator.choices(words, k=9)).capitalize() for _ in range(3_000))
            file.write(".\n".join(lines) + ".\n")


class Watched:
    """The processes that train, looked at a few times per second: which there are, and what they use."""

    def __init__(self, starter: int) -> None:
        """Watch the process `starter` and all that it starts."""
        self.megabytes: dict[int, float] = {}
        """Largest resident memory of each process that trains, by its number."""
        self.written: dict[int, float] = {}
        """Megabytes that it wrote to disk."""
        self._starter = psutil.Process(starter)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            with contextlib.suppress(psutil.Error):
                for process in (self._starter, *self._starter.children(recursive=True)):
                    if "charlstm_tui" in process.cmdline() and "torch.distributed.run" not in process.cmdline():
                        memory, written = process.memory_info().rss / 1e6, process.io_counters().write_bytes / 1e6
                        self.megabytes[process.pid] = max(memory, self.megabytes.get(process.pid, 0.0))
                        self.written[process.pid] = written


def train(text: Path, seconds: float, data: Path, processes: int) -> Measured:
    """Train on a text with `charlstm-tui train` for some seconds, in one process or several under torchrun."""
    launcher = (
        ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    )
    arguments = ["--json", "--corpus", str(text), "--seconds", str(seconds)]
    environment = os.environ | {"CHARLSTM_DATA": str(data), "CHARLSTM_RUNS": str(data / "runs")}
    started = time.perf_counter()
    first_step, speed = 0.0, 0.0
    process = subprocess.Popen(
        [sys.executable, *launcher, "-m", "charlstm_tui", "train", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip
    watched = Watched(process.pid)
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            event = json.loads(line)
            first_step = first_step or (time.perf_counter() - started if event["event"] == "steps_completed" else 0.0)
            speed = event["chars_per_second"] if event["event"] == "epoch_completed" else speed
    watched.stop()
    assert process.wait() == 0, f"training ended with {process.returncode}"
    assert len(watched.megabytes) == processes
    return Measured(max(watched.megabytes.values()), first_step, speed, sorted(watched.written.values(), reverse=True))


def speeds_in_turn(texts: list[Path], rounds: int) -> list[float]:
    """Return the characters per second of training on each text, in turn, in one process."""
    from core.data.corpus import CorpusConfig, load_corpus
    from core.events import StepsCompleted
    from core.settings.presets import preset_named
    from core.training.trainer import Trainer

    quick = preset_named("quick")
    model, training = quick.model, msgspec.structs.replace(quick.training, epochs=1_000_000)
    trainers = [Trainer(load_corpus(CorpusConfig(source=str(text))), model, training) for text in texts]
    runs = [trainer.run() for trainer in trainers]
    speeds: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, found in zip(runs, speeds, strict=True):
            steps = (event for event in run if isinstance(event, StepsCompleted))
            before, started = next(steps), time.perf_counter()
            after = before
            while time.perf_counter() - started < 1:
                after = next(steps)
            if after.epoch == before.epoch:
                taken = (after.step - before.step) * training.streams * training.window
                found.append(taken / (time.perf_counter() - started))
    return [median(found) for found in speeds]


def main() -> None:
    """Print one row per run, and the comparison of the two texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=float, default=1e9)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1, help="number of processes that train together")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, small, large = Path(folder), Path(folder) / "small.txt", Path(folder) / "large.txt"
        write_text(small, 1_000_000)
        write_text(large, int(options.bytes))
        time.sleep(3)  # a file that was just written is not cached yet
        runs: dict[str, list[Measured]] = {"small": [], "large": []}
        print(f"{'text':>6} {'megabytes':>10} {'first step':>11} {'char/s':>9}  megabytes written, by process")
        for _ in range(options.rounds):
            for name, path in (("small", small), ("large", large)):
                measured = train(path, options.seconds, data, options.processes)
                runs[name].append(measured)
                written = ", ".join(f"{megabytes:,.0f}" for megabytes in measured.written)
                numbers = f"{measured.megabytes:10,.0f} {measured.first_step:9.1f} s {measured.speed:9,.0f}"
                print(f"{name:>6} {numbers}  {written}", flush=True)
        memory = max(run.megabytes for run in runs["large"]) - max(run.megabytes for run in runs["small"])
        of_small, of_large = speeds_in_turn([small, large], rounds=20)
        print(
            f"\nmemory: {memory:+,.0f} MB; speed, in turn in one process: {of_large / of_small:.3f} of the small text's"
        )
        first, *_, again = (run.first_step for run in runs["large"])
        print(f"first step: {first:.1f} s the first time, {again:.1f} s later")


if __name__ == "__main__":
    main()
