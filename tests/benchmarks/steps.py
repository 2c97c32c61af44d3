"""Benchmark of a training step, compared with the notebook's loop on the same model and with bare matrix products.

python -m tests.benchmarks.steps [--rounds 9]

The compared tasks run in turn in one process, on random ids; each figure is the median of the rounds' ratios.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from core.model.device import ComputeSettings
from core.settings.config import ModelConfig, TrainingConfig
from core.settings.presets import preset_named
from core.training.learner import Learner
from tests.benchmarks import notebook

VOCABULARY = 76
SECONDS = 0.7
"""Seconds of a task in a round."""

Work = Callable[[], float]
"""A task: does some work and returns its amount, in characters or floating-point operations."""


def rate(work: Work) -> float:
    """Return the amount of work per second."""
    started, done = time.perf_counter(), 0.0
    while time.perf_counter() - started < SECONDS:
        done += work()
    return done / (time.perf_counter() - started)


def in_turn(works: list[Work], rounds: int) -> list[list[float]]:
    """Return the rates of each task, measured in turn, after a first call that does not count."""
    for work in works:
        work()
    found: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, rates in zip(works, found, strict=True):
            rates.append(rate(work))
    return found


def ratio(above: list[float], below: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return median(a / b for a, b in zip(above, below, strict=True))


def notebook_steps() -> Work:
    """Return the task of the notebook's loop over fifty windows."""
    ids = torch.randint(VOCABULARY, (50 * notebook.WINDOW + 1,))
    model = notebook.Notebook(VOCABULARY)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def work() -> float:
        notebook.train_epoch(model, optimizer, ids)
        return 49.0 * notebook.WINDOW

    return work


def our_step(model: ModelConfig, config: TrainingConfig, compute: ComputeSettings) -> Work:
    """One step of the engine."""
    learner = Learner(model, VOCABULARY, config, compute)
    ids = torch.randint(VOCABULARY, (config.window + 1, config.streams))
    state = None

    def work() -> float:
        nonlocal state
        _, state = learner.step(ids[:-1], ids[1:], state, config.learning_rate)
        return float(config.streams * config.window)

    return work


def product(rows: int, inner: int, columns: int, dtype: torch.dtype) -> Work:
    """Return the task of a matrix product, repeated so often that the clock's resolution does not matter."""
    a, b = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    out: Tensor = torch.empty(rows, columns, dtype=dtype)

    def work() -> float:
        for _ in range(10):
            torch.mm(a, b, out=out)
        return 10 * 2.0 * rows * inner * columns

    return work


def operations(model: ModelConfig, vocabulary: int) -> float:
    """Return the number of multiplications and additions in matrix products for one training character.

    A layer multiplies its input and its hidden state by the weights of the four gates. The backward pass takes two
    products for each of these: one for the gradient of the weights, one for the gradient of the input.
    """
    below, forward = model.embedding_size, 0.0
    for _ in range(model.num_layers):
        forward += 2 * 4 * model.hidden_size * (below + model.hidden_size)
        below = model.hidden_size
    return 3 * (forward + 2 * model.hidden_size * vocabulary)


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    threads = torch.get_num_threads()
    torch.set_flush_denormal(True)

    small = ModelConfig(embedding_size=128, hidden_size=128)
    batches = [(1, "fp32"), (8, "bf16"), (16, "bf16"), (32, "fp32"), (32, "bf16")]
    ours = [
        our_step(
            small,
            TrainingConfig(streams=streams, window=100, gradient_clip=1.0),
            ComputeSettings(device="cpu", precision=precision, threads=threads),  # type: ignore[arg-type]
        )
        for streams, precision in batches
    ]
    base, *others = in_turn([notebook_steps(), *ours], rounds)
    print(f"A training step of the notebook's model (1x128), {threads} threads: characters per second\n")
    print(f"  {'notebook':22} {median(base):9,.0f}")
    for (streams, precision), rates in zip(batches, others, strict=True):
        name = f"{streams} x 100, {precision}"
        print(f"  {name:22} {median(rates):9,.0f}   {ratio(rates, base):5.2f} times")

    standard = preset_named("standard")
    large = ModelConfig(embedding_size=standard.model.embedding_size, hidden_size=512)
    print("\nA training step of 1x512: GFLOP/s in its matrix products, and as a share of bare products\n")
    shapes = [(standard.training.streams, standard.training.window), (32, 100), (64, 100)]
    for streams, window in dict.fromkeys(shapes):
        for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            step = our_step(
                large,
                TrainingConfig(streams=streams, window=window, gradient_clip=1.0),
                ComputeSettings(device="cpu", precision=precision, threads=threads),  # type: ignore[arg-type]
            )
            same, square = product(streams, 512, 2048, dtype), product(2048, 2048, 2048, dtype)
            rates, of_same, of_square = in_turn([step, same, square], rounds)
            did = [chars * operations(large, VOCABULARY) for chars in rates]
            print(
                f"  {f'{streams} x {window}, {precision}':16}"
                f" {median(rates):8,.0f} char/s {median(did) / 1e9:5,.0f} GFLOP/s"
                f"   {ratio(did, of_same):4.0%} of {streams}x512x2048 ({median(of_same) / 1e9:,.0f})"
                f"   {ratio(did, of_square):4.0%} of 2048x2048x2048 ({median(of_square) / 1e9:,.0f})"
            )


if __name__ == "__main__":
    main()
