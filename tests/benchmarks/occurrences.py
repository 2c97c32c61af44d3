"""Benchmark of the search for cells that are on together: the reading against an exact evaluation, and the search.

    python -m tests.benchmarks.occurrences TEXT CHECKPOINT

Both read the test part in turn, twice, with the same segments and threads. The search has a million made-up values of
16 cells.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from core.checkpoints.checkpoint import load_checkpoint
from core.data.corpus import CorpusConfig, load_corpus
from core.evaluation.scoring import score_text
from core.inspection.cell_values import PartValues, read_cells
from core.inspection.kept_values import ValuesOf
from core.inspection.occurrences import MAX_CELLS, find_places
from core.settings.cell_kinds import MEMORY

CHARACTERS = 1_000_000
ROUNDS = 2


def main() -> None:
    """Print the measurements."""
    corpus = load_corpus(CorpusConfig(source=str(Path(sys.argv[1]).absolute())))
    checkpoint = load_checkpoint(Path(sys.argv[2]))
    model, vocabulary = checkpoint.model, checkpoint.vocabulary
    passage = corpus.part("test").ids(vocabulary)
    ids = passage.take(np.arange(len(passage)))
    cells = range(min(MAX_CELLS, model.config.hidden_size))
    for number in range(ROUNDS):
        of = ValuesOf(
            model=str(number), text="", reading="", limit=None, split="tail", validation=0, part="test",
            characters=len(ids), layer=0, symbol=MEMORY[model.config.cell],
        )  # fmt: skip
        for name, reading in (
            ("evaluation", score_text(model, passage, vocabulary.start_id)),
            (f"{len(cells)} cells", read_cells(model, ids, cells, of)),
            ("from the cache", read_cells(model, ids, cells, of)),
        ):
            started, used = time.perf_counter(), time.process_time()
            last: object = None
            for last in reading:  # noqa: B007
                pass
            took, used = time.perf_counter() - started, time.process_time() - used
            print(f"{name}: {len(ids):,} characters in {took:.2f} s, {used:.1f} s of CPU time")
            assert name == "evaluation" or isinstance(last, PartValues)
    generator = np.random.default_rng(0)
    walks = np.cumsum(generator.normal(scale=0.3, size=(MAX_CELLS, CHARACTERS)), axis=1)
    values = [row.astype(np.float16) for row in np.sin(walks)]
    for length in (1, 10, 100):
        started = time.perf_counter()
        places = find_places(values, [0.8] * MAX_CELLS, length, 0.5).places
        took = time.perf_counter() - started
        print(f"search for {length} characters among {CHARACTERS:,}: {took:.2f} s, {len(places)} places")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHARLSTM_DATA"] = folder
        main()
