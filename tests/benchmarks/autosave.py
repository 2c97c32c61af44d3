"""Benchmark of saving: how much training time a save costs.

python -m tests.benchmarks.autosave TEXT [--rounds 7] [PRESET ...]

One process trains for periods with and without a save, in turn. The difference in characters is the cost of a save. It
is printed in seconds of training and as a share of the 30 seconds between two saves.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from core.data.corpus import CorpusConfig, load_corpus
from core.events import Event, SavedKind
from core.files import replace_with
from core.runs.checkpoint_writer import CheckpointWriter, Savable
from core.runs.recorder import AUTOSAVE_SECONDS
from core.settings.config import configure
from core.settings.presets import preset_named
from core.training.trainer import Trainer

SECONDS = 5.0
"""Seconds of a period with or without a save: longer than a save takes."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=Path)
    parser.add_argument("presets", nargs="*", default=["standard", "best"])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    corpus = load_corpus(CorpusConfig(source=str(arguments.text.absolute())))
    for name in arguments.presets:
        preset = preset_named(name)
        trainer = Trainer(corpus, preset.model, configure(preset.training, {"validation": 0}))
        cost, copying, writing, size = measure(trainer, arguments.rounds)
        print(
            f"{name:9} {size / 1e6:6.1f} MB  copied in {copying:.3f} s, written in {writing:.2f} s  "
            f"costs {cost:.2f} s of training: {cost / AUTOSAVE_SECONDS:.2%} of {AUTOSAVE_SECONDS:g} s"
        )


def measure(trainer: Trainer, rounds: int) -> tuple[float, float, float, int]:
    """Return the medians of a save's cost, of copying and of writing, in seconds; and the file size in bytes."""
    events = trainer.run()
    for _ in range(20):
        next(events)
    costs, copies, writes = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "last.safetensors"

        def write(kind: SavedKind, snapshot: Savable) -> None:
            started = time.perf_counter()
            replace_with(path, path.with_name(f".{path.name}.tmp"), *snapshot.content(kind, ""))
            writes.append(time.perf_counter() - started)

        writer = CheckpointWriter(write)
        for _ in range(rounds):
            bare = _steps(trainer, events)
            started = time.perf_counter()
            writer.put("last", trainer.snapshot())
            copies.append(time.perf_counter() - started)
            saved = _steps(trainer, events, SECONDS - copies[-1])
            costs.append(SECONDS * (1 - saved / bare))
            while not writer.outcomes():
                time.sleep(0.01)
        writer.close()
        return median(costs), median(copies), median(writes), path.stat().st_size


def _steps(trainer: Trainer, events: Iterator[Event], seconds: float = SECONDS) -> float:
    """Train for a while; return the number of steps per `seconds` at the measured speed."""
    started, before = time.perf_counter(), trainer._live.counters.steps
    while time.perf_counter() - started < seconds:
        next(events)
    return (trainer._live.counters.steps - before) * seconds / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
