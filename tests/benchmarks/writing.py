"""Benchmark of generation: the notebook's loop, one text, and 64 texts in a batch, with the same weights, in turn.

    python -m tests.benchmarks.writing TEXT [ROUNDS]

The notebook's loop starts from `.` and takes a step of the network, a softmax and a multinomial draw for each of 1,000
characters. The networks are the notebook's 1×128 and the same with hidden size 512. They are trained for a few seconds,
because samples of an untrained network do not resemble text.
"""

import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch

from core.data.vocabulary import Vocabulary
from core.model.char_lstm import CharLSTM
from core.sampling.batch_sampling import Text, write_texts
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig
from tests.benchmarks.notebook import Notebook, train_epoch

LENGTH = 1_000
TEXTS = 64


def notebook_loop(model: Notebook, characters: str) -> str:
    """Generate like the notebook."""
    text = "."
    state = None
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.tensor([characters.index(text[-1])])
            logits, state = model(ids, state)
            drawn = torch.multinomial(logits[-1].softmax(dim=0), 1)
            text += characters[int(drawn)]
    return text


def ours(model: Notebook, size: int, characters: str) -> CharLSTM:
    """Return a `CharLSTM` with the notebook's weights."""
    made = CharLSTM(ModelConfig(embedding_size=size, hidden_size=size, num_layers=1), len(characters))
    with torch.no_grad():
        for mine, theirs in zip(made.parameters(), model.parameters(), strict=True):
            mine.copy_(theirs)
    return made


def speed(write: Callable[[], int]) -> float:
    """Return the characters per second."""
    started = time.perf_counter()
    return write() / (time.perf_counter() - started)


def main() -> None:
    """Print each speed and its ratio to that of the notebook's loop."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")[:100_000]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    vocabulary = Vocabulary(text)
    ids = torch.from_numpy(vocabulary.encode(text))
    config = SamplingConfig(temperature=1.0)
    for size, characters in ((128, 90_000), (512, 20_000)):
        torch.manual_seed(0)
        notebook = Notebook(len(vocabulary), size)
        train_epoch(notebook, torch.optim.AdamW(notebook.parameters(), lr=1e-3), ids[:characters])
        network = ours(notebook, size, vocabulary.characters)

        def loop(notebook: Notebook = notebook) -> int:
            return len(notebook_loop(notebook, vocabulary.characters)) - 1

        def one(network: CharLSTM = network) -> int:
            return sum(1 for _ in islice(Sampler(network, vocabulary, config, "."), LENGTH))

        def many(network: CharLSTM = network) -> int:
            events = write_texts(network, vocabulary, config, ".", length=LENGTH, count=TEXTS)
            return sum(len(event.text) for event in events if isinstance(event, Text))

        ways: dict[str, Callable[[], int]] = {"the notebook's loop": loop, "one text": one, f"{TEXTS} texts": many}
        for write in ways.values():
            write()
        taken = [[speed(write) for write in ways.values()] for _ in range(rounds)]
        print(f"1×{size}")
        for number, name in enumerate(ways):
            ratio = statistics.median(row[number] / row[0] for row in taken)
            print(f"  {name:20} {statistics.median(row[number] for row in taken):10,.0f} char/s   {ratio:6.1f} times")


if __name__ == "__main__":
    main()
