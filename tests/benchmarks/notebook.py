"""A rewrite of the course notebook's training loop: the baseline of all comparisons of speed and loss.

One stream, windows of 100 characters, state carried across them, one AdamW step per window, PyTorch's defaults
throughout, and the loss of each window read back at once. The test loss is computed over the same windows, without
gradients.
"""

import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WINDOW = 100


class Notebook(nn.Module):
    """An embedding, an LSTM layer and a linear layer."""

    def __init__(self, vocabulary_size: int, size: int = 128) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, size)
        self.lstm = nn.LSTM(size, size)
        self.linear = nn.Linear(size, vocabulary_size)

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the logits, (T, V), of a window of ids, (T,), and the state after it."""
        outputs, state = self.lstm(self.embedding(ids), state)
        return self.linear(outputs), state


def windows(ids: Tensor, offset: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each window and its targets (the ids shifted by one); an incomplete last window is dropped."""
    for start in range(offset, len(ids) - WINDOW, WINDOW):
        yield ids[start : start + WINDOW], ids[start + 1 : start + WINDOW + 1]


def train_epoch(model: Notebook, optimizer: torch.optim.Optimizer, ids: Tensor) -> float:
    """Train one epoch. Returns the mean of the windows' losses, in nats per character."""
    losses = []
    state = None
    for inputs, targets in windows(ids, int(torch.randint(WINDOW, ()))):
        logits, state = model(inputs, state)
        state = (state[0].detach(), state[1].detach())
        loss = F.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def evaluate(model: Notebook, ids: Tensor) -> float:
    """Return the mean loss over the windows of a text, in nats per character."""
    state = None
    losses = []
    with torch.no_grad():
        for inputs, targets in windows(ids, 0):
            logits, state = model(inputs, state)
            losses.append(F.cross_entropy(logits, targets).item())
    return sum(losses) / len(losses)


def train(train_ids: Tensor, vocabulary_size: int, seed: int, epochs: int = 20) -> tuple[Notebook, float]:
    """Train like the notebook. Returns the model and the seconds of training."""
    torch.manual_seed(seed)
    model = Notebook(vocabulary_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    started = time.perf_counter()
    for _ in range(epochs):
        train_epoch(model, optimizer, train_ids)
    return model, time.perf_counter() - started
