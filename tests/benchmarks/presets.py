"""Benchmark of the presets: loss and training time of each, compared with the course's notebook.

python -m tests.benchmarks.presets FILE [quick] [small] [standard] [interleaved] [soon] [best] [--seed 0] [--json]

FILE is a copy of Molière's plays (`charlstm-tui corpus path moliere` prints the path of a fetched one). Everything
runs in one process, one run after the other; the notebook runs before each of `quick` and `small`. Times are of
training with its validation and the choice of threads and precision; the test part is scored afterwards.

    notebook, quick, small    the first 100,000 characters, tail split
    standard, interleaved     the whole text, for 300 s, tail or interleaved split
    soon                      standard for --soon seconds, tail split: compare with 1.509, which nanoGPT's
                              configuration for CPUs reached in 217 s on two cores
    best                      the whole text, tail split, all epochs: an hour or more, so only on request
"""

import argparse
import copy
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import torch

from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.splits import Split
from core.data.text_slice import Ids
from core.data.vocabulary import Vocabulary
from core.evaluation.evaluator import score
from core.events import EpochCompleted
from core.reports.results import Score
from core.settings.presets import preset_named
from core.training.trainer import Trainer
from tests.benchmarks import notebook

if TYPE_CHECKING:
    from core.checkpoints.checkpoint import Checkpoint

FIRST = 100_000
STANDARD_SECONDS = 300.0


class Result(NamedTuple):
    """One training run, and its score on the test part."""

    what: str
    seed: int
    seconds: float
    epochs: int
    validation: float | None
    test: float
    standard_error: float | None


def _all(ids: Ids) -> torch.Tensor:
    return torch.from_numpy(ids.take(np.arange(len(ids)))).long()


def run_notebook(corpus: Corpus, seed: int) -> Result:
    """Train and score like the notebook: its last weights, on complete windows, which are 99 % of the test part."""
    vocabulary = Vocabulary(corpus.characters)
    train_ids = _all(corpus.part("train").ids(vocabulary))
    test_ids = _all(corpus.part("test").ids(vocabulary))
    model, seconds = notebook.train(train_ids, len(vocabulary), seed)
    loss = notebook.evaluate(model, test_ids)
    return Result("notebook", seed, seconds, 20, None, loss, None)


def run_preset(name: str, corpus: Corpus, seed: int, seconds: float = 0.0) -> Result:
    """Train with a preset and score the checkpoint with the best validation loss on the test part."""
    preset = preset_named(name)
    training = msgspec.structs.replace(preset.training, seed=seed, seconds=seconds)
    started = time.perf_counter()
    trainer = Trainer(corpus, preset.model, training)
    best: Checkpoint | None = None
    for event in trainer.run():
        if isinstance(event, EpochCompleted) and event.best:
            best = copy.deepcopy(trainer.checkpoint())
    took = time.perf_counter() - started
    assert best is not None, "no epoch was completed"
    scored = next(event for event in score(best, corpus.part("test")) if isinstance(event, Score))
    return Result(name, seed, took, trainer.checkpoint().epoch, best.val_loss, scored.loss, scored.standard_error)


def main() -> None:
    """Print one row per run, as each ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("what", nargs="*", default=["quick", "small", "standard", "interleaved", "soon"])
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--soon", type=float, default=35.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def text(split: Split, limit: int | None = None) -> Corpus:
        return load_corpus(CorpusConfig(source=str(options.file.absolute()), split=split, limit=limit))

    def show(result: Result, notebook_seconds: float | None = None) -> Result:
        if options.json:
            print(json.dumps(result._asdict()), flush=True)
            return result
        error = f" ± {result.standard_error:.3f}" if result.standard_error is not None else ""
        validation = f"{result.validation:.4f}" if result.validation is not None else "none"
        of_notebook = f"   {result.seconds / notebook_seconds:.3f} of the notebook's time" if notebook_seconds else ""
        print(
            f"{result.what:12} seed {result.seed}  {result.seconds:7.1f} s  {result.epochs:3} epochs  "
            f"validation {validation:6}  test {result.test:.4f}{error}{of_notebook}",
            flush=True,
        )
        return result

    for seed in options.seed or [0]:
        for name in ("quick", "small"):
            if name in options.what:
                corpus = text("tail", FIRST)
                base = show(run_notebook(corpus, seed)).seconds
                show(run_preset(name, corpus, seed), base)
        if "soon" in options.what:
            show(run_preset("standard", text("tail"), seed, options.soon)._replace(what="soon"))
        if "standard" in options.what:
            show(run_preset("standard", text("tail"), seed, STANDARD_SECONDS))
        if "interleaved" in options.what:
            interleaved = run_preset("standard", text("interleaved"), seed, STANDARD_SECONDS)
            show(interleaved._replace(what="interleaved"))
        if "best" in options.what:
            show(run_preset("best", text("tail"), seed))


if __name__ == "__main__":
    main()
