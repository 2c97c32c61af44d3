"""Reading a test part exactly: how long it takes, what bounds it, and how near the quick form comes.

    python -m tests.benchmarks.evaluation TEXT CHECKPOINT...

Without a checkpoint, a 1×512 network that has learnt nothing reads: as many operations. The recurrence is one product
of a vector with the recurrent weights after another, each waiting for the last; how long those alone take is measured
beside it, by NumPy's BLAS on one thread and on two.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from core.checkpoint import Checkpoint, load_checkpoint
from core.config import ModelConfig, TrainingConfig
from core.corpus import CorpusConfig, load_corpus
from core.evaluation import score
from core.following import follow
from core.model import CharLSTM
from core.quick_evaluation import quick_loss
from core.scores import Score
from core.vocabulary import Vocabulary

BLOCKS = (50, 200, 1_000, 5_000)
PRODUCTS = 20_000


def untrained(characters: str, hidden: int) -> Checkpoint:
    """Return a network that has learnt nothing."""
    model = CharLSTM(ModelConfig(embedding_size=128, hidden_size=hidden), len(characters))
    model.initialise(torch.Generator().manual_seed(0))
    return Checkpoint(
        model=model, vocabulary=Vocabulary(characters), corpus=CorpusConfig(source="moliere"),
        training=TrainingConfig(), epoch=0, train_loss=None, val_loss=None,
    )  # fmt: skip


def product_seconds(hidden: int, threads: int) -> float:
    """Return the seconds of one product of a state with the recurrent weights."""
    weights = np.random.default_rng(0).standard_normal((4 * hidden, hidden)).astype(np.float32)
    state = np.ones(hidden, dtype=np.float32)
    with threadpool_limits(threads):
        started = time.perf_counter()
        for _ in range(PRODUCTS):
            weights @ state
        return (time.perf_counter() - started) / PRODUCTS


def main() -> None:
    """Print what was measured."""
    corpus = load_corpus(CorpusConfig(source=str(Path(sys.argv[1]).absolute())))
    test = corpus.part("test")
    named = [(path, load_checkpoint(Path(path))) for path in sys.argv[2:]]
    for name, checkpoint in named or [("1×512, untrained", untrained(corpus.characters, 512))]:
        model, vocabulary = checkpoint.model, checkpoint.vocabulary
        started = time.perf_counter()
        exact = next(event for event in score(checkpoint, test) if isinstance(event, Score))
        took = time.perf_counter() - started
        hidden = model.config.hidden_size
        print(f"{name}: {len(test):,} characters in {took:.1f} s, {len(test) / took:,.0f} a second")
        for threads in (1, 2):
            share = product_seconds(hidden, threads) * len(test) / took
            megabytes = 16 * hidden * hidden / 1e6
            print(
                f"  its products with {megabytes:.1f} MB of recurrent weights, {threads} threads: {share:.0%} of that"
            )
        started = time.perf_counter()
        *_, quick = quick_loss(model, test.ids(vocabulary), vocabulary.start_id)
        assert isinstance(quick, float)
        print(
            f"  exact {exact.loss:.6f}, quick {quick:.6f}: {quick - exact.loss:+.6f}, "
            f"{took / (time.perf_counter() - started):.1f} times as fast"
        )
        losses = np.concatenate(
            [stretch.losses for stretch in follow(model, test.ids(vocabulary), vocabulary.start_id)]
        )
        for block in BLOCKS:
            means = losses[: len(losses) // block * block].reshape(-1, block).mean(axis=1)
            print(f"  standard error from blocks of {block:5,}: {means.std(ddof=1) / len(means) ** 0.5:.4f}")


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    main()
