"""Benchmark of training on a GPU: speed of the presets, share of the card's matrix speed, and whether it ever waits.

python -m tests.benchmarks.gpu [TEXT] [--device cuda] [--presets small standard best] [--rounds 3] [--steps 50]

The steps are those of a run, with the windows of TEXT, or of random characters without it. With TEXT, a run of each
preset is also trained for some seconds, and the duration of `best` on the whole text is estimated. The compared tasks
run in turn; each figure is the median of the rounds. Without a GPU, the exit code is 2; `--device cpu` tries it out.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from core.control import Control
from core.cores import available_cores
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.streams import Streams
from core.data.text_slice import Ids
from core.data.vocabulary import Vocabulary
from core.events import ComputePrecision, StepsCompleted
from core.model.device import ComputeSettings, works_here
from core.settings.config import ComputeDevice, ModelConfig, TrainingConfig
from core.settings.forecast import Span, forecast
from core.settings.presets import Preset, preset_named
from core.training.learner import Learner
from core.training.replica import Replica
from core.training.throughput import measure_speed
from core.training.trainer import Trainer
from tests.benchmarks.steps import VOCABULARY, Work, in_turn, operations, product

SQUARE = {"cuda": 8192, "mps": 4096, "cpu": 2048}
"""Rows and columns of the large matrix product that stands for the speed of the device."""
RANDOM_CHARACTERS = 1_000_000
TYPES: dict[ComputePrecision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Product(NamedTuple):
    """A matrix product of a training step, (rows, inner) @ (inner, columns)."""

    rows: int
    inner: int
    columns: int
    times: int = 1
    """How often a step computes it."""

    @property
    def operations(self) -> float:
        """Number of multiplications and additions in a step."""
        return 2.0 * self.rows * self.inner * self.columns * self.times


def products_of(model: ModelConfig, config: TrainingConfig, vocabulary: int) -> list[Product]:
    """Return the matrix products of a training step of an LSTM, forward and backward, without those of Muon.

    The recurrent products are computed one character after the other, the others for a whole window at once.
    """
    characters, gates = config.streams * config.window, 4 * model.hidden_size
    found, below = [], model.embedding_size
    for _ in range(model.num_layers):
        found += [
            Product(characters, below, gates),
            Product(characters, gates, below),
            Product(gates, characters, below),
        ]
        recurrent = (config.streams, model.hidden_size, gates)
        found += [Product(*recurrent, config.window), Product(recurrent[0], gates, model.hidden_size, config.window)]
        found.append(Product(gates, characters, model.hidden_size))
        below = model.hidden_size
    found += [Product(characters, below, vocabulary), Product(characters, vocabulary, below)]
    found.append(Product(vocabulary, characters, below))
    assert sum(one.operations for one in found) == characters * operations(model, vocabulary)
    return found


def wait(device: ComputeDevice) -> None:
    """Wait until the device has done everything that was queued."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def queued(work: Work, times: int, device: ComputeDevice) -> Work:
    """Return the task of queueing some work `times` times, and waiting for the device once, at the end."""

    def all_of_it() -> float:
        done = sum(work() for _ in range(times))
        wait(device)
        return done

    return all_of_it


@contextmanager
def rounding_as_cudnn_does() -> Iterator[None]:
    """Let matrix products in float32 use TF32 if those of cuDNN do, which is PyTorch's default."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def bare(shape: Product, dtype: torch.dtype, times: int, device: ComputeDevice) -> Work:
    """Return the task of the bare product, on the device."""
    with torch.device(device):
        work = queued(product(shape.rows, shape.inner, shape.columns, dtype), times, device)

    def rounded() -> float:
        with rounding_as_cudnn_does():
            return work()

    return rounded


def steps_of(ids: Ids, vocabulary: int, preset: Preset, compute: ComputeSettings) -> Work:
    """Return the task of a training step on the next window."""
    config = preset.training
    streams = Streams(ids, streams=config.streams, window=config.window)
    replica = Replica(Learner(preset.model, vocabulary, config, compute), streams)

    def work() -> float:
        replica.step(config.learning_rate)
        return float(replica.characters)

    return work


def queueing_share(step: Work, times: int, device: ComputeDevice) -> float:
    """Return the share of the time of some steps that the CPU needs to queue them. Below 1, the device never waits."""
    wait(device)
    began = time.perf_counter()
    for _ in range(times):
        step()
    took = time.perf_counter() - began
    wait(device)
    return took / (time.perf_counter() - began)


def compare(ids: Ids, vocabulary: int, preset: Preset, compute: ComputeSettings, *, rounds: int, times: int) -> float:
    """Print the figures of a preset in one precision, and return the seconds of a step."""
    device, dtype = compute.device, TYPES[compute.precision]
    step = steps_of(ids, vocabulary, preset, compute)
    shapes = products_of(preset.model, preset.training, vocabulary)
    square = Product(SQUARE[device], SQUARE[device], SQUARE[device])
    works = [queued(step, times, device), queued(step, 1, device)]
    works += [bare(shape, dtype, times, device) for shape in (square, *shapes)]
    characters = preset.training.streams * preset.training.window
    with compute.applied():
        in_a_row, one_by_one, of_square, *of_shapes = in_turn(works, rounds)
        share = median(queueing_share(step, times, device) for _ in range(rounds))
    took = [characters / speed for speed in in_a_row]  # seconds of a step
    of_products = [
        sum(shape.operations / speeds[number] for shape, speeds in zip(shapes, of_shapes, strict=True))
        for number in range(rounds)
    ]
    done = sum(shape.operations for shape in shapes)  # operations of a step
    own = median(a / b for a, b in zip(of_products, took, strict=True))
    large = median(done / a / b for a, b in zip(took, of_square, strict=True))
    waiting = median(a / b for a, b in zip(one_by_one, in_a_row, strict=True))
    print(
        f"\n{preset.name}, {compute.precision}: {median(in_a_row):,.0f} char/s,"
        f" {done / median(took) / 1e12:.2f} TFLOP/s in matrix products\n"
        f"  {own:.0%} of the speed of its products alone, {large:.1%} of that of a product of {SQUARE[device]:,} rows"
        f" ({median(of_square) / 1e12:,.1f} TFLOP/s)\n"
        f"  {waiting:.2f} of the speed with a wait after each step; the CPU queues steps for {share:.0%} of the time",
        flush=True,
    )
    return median(took)


def trained(corpus: Corpus, preset: Preset, compute: ComputeSettings, seconds: float) -> float:
    """Return the characters per second of a run, from its second report on, with its reports and without samples."""
    training = msgspec.structs.replace(preset.training, sample_length=0)
    control = Control()
    steps = [
        event
        for event in _for_some_time(Trainer(corpus, preset.model, training, compute), control, seconds)
        if isinstance(event, StepsCompleted)
    ]
    characters, took, before = 0.0, 0.0, steps[0].total_steps
    for event in steps[1:]:
        read = (event.total_steps - before) * training.streams * training.window
        characters, took, before = characters + read, took + read / event.chars_per_second, event.total_steps
    return characters / took if took else steps[0].chars_per_second


def _for_some_time(trainer: Trainer, control: Control, seconds: float) -> Iterator[object]:
    until: float | None = None
    for event in trainer.run(control):
        if isinstance(event, StepsCompleted):
            until = until or time.perf_counter() + seconds
            if time.perf_counter() >= until:
                control.stop()
        yield event


def estimate(corpus: Corpus, preset: Preset, compute: ComputeSettings, step: float) -> float:
    """Return the seconds of a whole run with steps of this duration, its validations, copies and samples included."""
    config = preset.training
    validation = len(corpus.part("validation", config.validation))
    train, vocabulary = len(corpus.part("train", config.validation)), len(corpus.characters)
    *_, speed = measure_speed(compute, preset.model, config, vocabulary, Control(), validation_characters=validation)
    speed = msgspec.structs.replace(speed, step=Span(step, step))
    run = msgspec.structs.replace(forecast(preset.model, config, vocabulary, train, validation), speed=speed).run(
        config
    )
    assert run is not None
    return run.most


def _text(corpus: Corpus | None, preset: Preset) -> tuple[Ids, int]:
    """Return the ids to train on, and the number of distinct characters; without a corpus, random characters."""
    if corpus is None:
        return np.random.default_rng(0).integers(VOCABULARY, size=RANDOM_CHARACTERS), VOCABULARY
    known = Vocabulary(corpus.characters)
    return corpus.part("train", preset.training.validation).ids(known), len(known)


def main() -> int:
    """Print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, nargs="?")
    parser.add_argument("--device", choices=("cuda", "mps", "cpu"), default="cuda")
    parser.add_argument("--presets", nargs="+", default=["small", "standard", "best"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50, help="steps that are queued without reading a loss")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of each run on TEXT")
    options = parser.parse_args()
    device: ComputeDevice = options.device
    if not works_here(ComputeSettings(device=device, precision="fp32", threads=1)):
        print("PyTorch finds no GPU on this machine. `--device cpu` tries the benchmark out.", file=sys.stderr)
        return 2
    corpus = load_corpus(CorpusConfig(source=str(options.text.absolute()))) if options.text is not None else None
    print(torch.cuda.get_device_name() if device == "cuda" else device, f"PyTorch {torch.__version__}", sep=", ")
    if device == "cuda":
        print(f"cuDNN rounds fp32 to TF32: {'yes' if torch.backends.cudnn.allow_tf32 else 'no'}")
    for preset in map(preset_named, options.presets):
        for precision in TYPES:
            compute = ComputeSettings(device=device, precision=precision, threads=available_cores())
            if not works_here(compute):
                print(f"  {preset.name}, {precision}: does not work here")
                continue
            ids, vocabulary = _text(corpus, preset)
            step = compare(ids, vocabulary, preset, compute, rounds=options.rounds, times=options.steps)
            if corpus is not None:
                print(f"  {trained(corpus, preset, compute, options.seconds):,.0f} char/s in a run", flush=True)
                if preset.name == "best":
                    minutes = estimate(corpus, preset, compute, step) / 60
                    print(f"  {minutes:,.1f} minutes for all of its epochs on {options.text.name}, estimated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
