"""Benchmark of silenced cells: how long it takes, and what becomes of the lines of generated text.

python -m tests.benchmarks.silencing MODEL TEXT [--cells 817 491,700] [--seeds 8] [--ranking]

MODEL is a checkpoint, TEXT the corpus that it was trained on. Each entry of --cells is one or several cells of the
first layer, which are silenced together: set to their means over the first 2,000 characters of the test part. For each
it prints the loss that this adds there, and the lengths of the lines of generated texts, 4,000 characters for each
seed, next to those without silenced cells. `--ranking` computes the exact cost of every cell and compares it with the
estimates, which takes minutes.
"""

import argparse
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.data.corpus import load_corpus
from core.inspection.cell_ranking import exact_costs, first_order, worth_computing
from core.inspection.silencing import TextReading, effect_of, read_text
from core.model.clamped_lstm import ClampedLSTM, RowClamps
from core.reports.silencing import CellId, Clamp, GroupCost
from core.sampling.batch_draws import draw
from core.settings.config import SamplingConfig

CHARACTERS, GENERATED = 2_000, 4_000
LONG_LINE = 75
"""Number of characters beyond which few lines of the corpus are."""
MEAN = Clamp("mean")
Result = TypeVar("Result")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--cells", nargs="*", default=["817"])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--ranking", action="store_true")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(arguments.model)
    corpus = load_corpus(type(checkpoint.corpus)(source=str(arguments.text.absolute()), split=checkpoint.corpus.split))
    text = str(corpus.part("test").cut(0, CHARACTERS))
    groups = [[], *([int(cell) for cell in entry.split(",")] for entry in arguments.cells)]
    with threadpool_limits(1):
        reading = timed("reading", lambda: result_of(read_text(checkpoint.model, checkpoint.vocabulary, text)))
        derivatives = timed("estimates of all cells", lambda: result_of(first_order(checkpoint.model, reading.ids)))
        for clamp in (Clamp("zero"), MEAN):
            estimates = derivatives.estimates(0, reading.values(clamp, 0))
            best = worth_computing(estimates)
            costs = timed(f"exact costs of {len(best)} cells", lambda: exact(checkpoint, reading, best, clamp))  # noqa: B023
            if arguments.ranking:
                costs = exact(checkpoint, reading, list(range(len(estimates))), clamp)
                order = sorted(costs, key=lambda cell: -costs[cell])
                found = [len({*order[:count]} & {*best}) for count in (10, 20, 50)]
                print(f"set to {clamp.shown}: of the 10, 20 and 50 most costly cells, {found} were computed exactly")
                print("  " + ", ".join(f"{cell} {costs[cell]:+.1f}" for cell in order[:10]))
        for group in groups[1:]:
            effect = result_of(effect_of(checkpoint.model, reading, [CellId(0, cell) for cell in group], MEAN))
            print(f"{group}: {effect.before:.4f} {effect.difference:+.4f} ± {effect.standard_error:.4f} nats/char")
            print(f"  {told(effect.kinds)}\n  {told(effect.distances)}")
        lines_of(checkpoint, reading, groups, arguments.seeds)


def told(groups: tuple[GroupCost, ...]) -> str:
    """Return the losses of groups of characters in one line."""
    return "; ".join(f"{one.name} ({one.characters}) {one.before:.3f} {one.difference:+.3f}" for one in groups)


def lines_of(checkpoint: Checkpoint, reading: TextReading, groups: list[list[int]], seeds: int) -> None:
    """Generate texts, all at once, and print the lengths of their lines for each group of cells."""
    rows = [(seed, number) for number in range(len(groups)) for seed in range(seeds)]
    clamped = [(row, cell) for row, (_, number) in enumerate(rows) for cell in groups[number]]
    places = np.array([row for row, _ in clamped], dtype=np.int64)
    cells = np.array([cell for _, cell in clamped], dtype=np.int64)
    values = reading.means[0][cells].astype(np.float32)
    network = ClampedLSTM(checkpoint.model, [RowClamps(0, places, cells, values)], len(rows))
    generators = [np.random.default_rng(seed) for seed, _ in rows]
    ids = np.full(len(rows), checkpoint.vocabulary.start_id)
    drawn = np.empty((GENERATED, len(rows)), dtype=np.int64)
    for place in range(GENERATED):
        ids, _ = draw(network.step(ids), np.array([one.random() for one in generators]), SamplingConfig())
        drawn[place] = ids
    for number, group in enumerate(groups):
        texts = [checkpoint.vocabulary.decode(drawn[:, row]) for row, (_, which) in enumerate(rows) if which == number]
        by_text = [[len(line) for line in text.split("\n")[:-1] if line.strip()] for text in texts]
        lengths = np.array([length for lines in by_text for length in lines])
        longest = [max(lines) for lines in by_text]
        share = f"{(lengths > LONG_LINE).mean():.1%}"
        print(
            f"{group or 'none'}: {len(lengths)} lines, mean {lengths.mean():.1f}, longest {lengths.max()} "
            f"(by seed {min(longest)} to {max(longest)}), over {LONG_LINE} characters {share}"
        )


def exact(checkpoint: Checkpoint, reading: TextReading, cells: list[int], clamp: Clamp) -> dict[int, float]:
    """Return the exact costs of cells, at most a hundred at a time, which need little memory."""
    costs: dict[int, float] = {}
    for start in range(0, len(cells), 100):
        *_, some = exact_costs(checkpoint.model, reading, 0, cells[start : start + 100], clamp)
        assert isinstance(some, dict)
        costs |= some
    return costs


def timed(what: str, compute: Callable[[], Result]) -> Result:
    """Compute something, and print how long it took."""
    started = time.perf_counter()
    result = compute()
    print(f"{what}: {time.perf_counter() - started:.1f} s")
    return result


def result_of(computing: Generator[float, None, Result]) -> Result:
    """Run a computation to its end, and return its result."""
    while True:
        try:
            next(computing)
        except StopIteration as end:
            result: Result = end.value
            return result


if __name__ == "__main__":
    main()
