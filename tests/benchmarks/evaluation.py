"""Benchmark of the exact evaluation: its duration, its bound by memory bandwidth, and the error of the quick loss.

    python -m tests.benchmarks.evaluation TEXT CHECKPOINT...

Without a checkpoint, an untrained 1×512 network is evaluated, which takes as many operations. Each character depends on
the previous one and takes one product of a vector with the recurrent weights, so reading the weights bounds the speed.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.data.corpus import CorpusConfig, load_corpus
from core.data.vocabulary import Vocabulary
from core.evaluation.evaluator import score
from core.evaluation.scoring import score_text
from core.evaluation.validation_loss import quick_loss
from core.model.char_lstm import CharLSTM
from core.reports.results import Score
from core.settings.config import ModelConfig, TrainingConfig

BLOCKS = (50, 200, 1_000, 3_374)


def untrained(characters: str, hidden: int) -> Checkpoint:
    """Return an untrained network."""
    model = CharLSTM(ModelConfig(embedding_size=128, hidden_size=hidden), len(characters))
    model.initialise(torch.Generator().manual_seed(0))
    return Checkpoint(
        model=model, vocabulary=Vocabulary(characters), corpus=CorpusConfig(source="moliere"),
        training=TrainingConfig(), epoch=0, train_loss=None, val_loss=None,
    )  # fmt: skip


def main() -> None:
    """Print the measurements."""
    corpus = load_corpus(CorpusConfig(source=str(Path(sys.argv[1]).absolute())))
    test = corpus.part("test")
    named = [(path, load_checkpoint(Path(path))) for path in sys.argv[2:]]
    for name, checkpoint in named or [("1×512, untrained", untrained(corpus.characters, 512))]:
        model, vocabulary = checkpoint.model, checkpoint.vocabulary
        started = time.perf_counter()
        exact = next(event for event in score(checkpoint, test) if isinstance(event, Score))
        took = time.perf_counter() - started
        megabytes = 16 * model.config.hidden_size**2 * model.config.num_layers / 1e6
        print(f"{name}: {len(test):,} characters in {took:.1f} s, {len(test) / took:,.0f} per second")
        read = megabytes * len(test) / took / 1_000
        print(f"  {megabytes:.1f} MB of recurrent weights for each character: {read:,.0f} GB/s")
        started = time.perf_counter()
        *_, quick = quick_loss(model, test.ids(vocabulary), vocabulary.start_id)
        assert isinstance(quick, float)
        print(
            f"  exact {exact.loss:.6f}, quick {quick:.6f}: {quick - exact.loss:+.6f}, "
            f"{took / (time.perf_counter() - started):.1f} times as fast"
        )
        losses = np.concatenate(
            [
                chunk.losses
                for chunk in score_text(model, test.ids(vocabulary), vocabulary.start_id)
                if not isinstance(chunk, float)
            ]
        )
        for block in BLOCKS:
            means = losses[: len(losses) // block * block].reshape(-1, block).mean(axis=1)
            print(f"  standard error from blocks of {block:5,}: {means.std(ddof=1) / len(means) ** 0.5:.4f}")


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    main()
