"""A textbook implementation of a model's forward pass: NumPy, double precision, one character at a time."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import Corpus, CorpusConfig
from core.data.encoded_text import encode
from core.data.text_slice import Passage
from core.data.vocabulary import Vocabulary
from core.model.char_lstm import CharLSTM
from core.settings.config import Cell, ModelConfig, TrainingConfig

Vector = NDArray[np.float64]


class Guess(NamedTuple):
    """The model's prediction at a character that it knows."""

    place: int
    character: str
    loss: float
    likelier: int
    """Number of characters that the model considered more probable."""
    costs: Vector
    """Loss that each character of the vocabulary would have had, in nats: shape (V,)."""


class Nudge(NamedTuple):
    """A small change of one number while a text is read."""

    place: int
    """Index of the character after which it is changed, or whose embedding is changed."""
    what: str
    """embedding, hidden or cell."""
    layer: int
    number: int
    by: float

    def at(self, place: int, what: str, layer: int, values: Vector) -> Vector:
        """Return the values with the change, if they are those that it is for."""
        if (place, what, layer) != (self.place, self.what, self.layer):
            return values
        changed = values.copy()
        changed[self.number] += self.by
        return changed


NO_NUDGE = Nudge(-1, "", 0, 0, 0.0)


def tiny_checkpoint(
    alphabet: str,
    *,
    corpus: CorpusConfig | None = None,
    validation: float = 0.0,
    cell: Cell = "lstm",
    seed: int = 1,
) -> Checkpoint:
    vocabulary = Vocabulary(alphabet)
    model = CharLSTM(ModelConfig(cell=cell, embedding_size=4, hidden_size=5, num_layers=2), len(vocabulary))
    model.initialise(torch.Generator().manual_seed(seed))
    return Checkpoint(
        model=model,
        vocabulary=vocabulary,
        corpus=corpus or CorpusConfig(source="x"),
        training=TrainingConfig(validation=validation),
        epoch=0,
        train_loss=None,
        val_loss=None,
    )


def corpus_of(text: str) -> Corpus:
    encoded = encode(text)
    return Corpus(CorpusConfig(source="x", sha256=encoded.sha256), encoded)


def passage_of(text: str) -> Passage:
    return corpus_of(text).part("whole")


def read_by_hand(checkpoint: Checkpoint, text: str) -> list[Guess]:
    characters = checkpoint.vocabulary.characters
    known = [(place, character) for place, character in enumerate(text) if character in characters]
    first = "." if "." in characters else characters[0]
    before = [first, *(character for _, character in known)][: len(known)]
    logits = logits_by_hand(
        checkpoint.model, np.array([characters.index(character) for character in before], dtype=int)
    )
    costs = np.log(np.exp(logits).sum(axis=1, keepdims=True)) - logits  # (K, V)
    losses = costs[np.arange(len(known)), [characters.index(character) for _, character in known]]
    likelier = (costs < losses[:, None]).sum(axis=1)
    return [
        Guess(place, character, float(loss), int(count), cost)
        for (place, character), loss, count, cost in zip(known, losses, likelier, costs, strict=True)
    ]


def logits_by_hand(model: CharLSTM, ids: NDArray[np.int64], nudge: Nudge = NO_NUDGE) -> Vector:
    """Return the logits after each character of a text, (T, V).

    A changed cell state also changes the hidden state after the same character, which is computed from it.
    """
    weights = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    config = model.config
    hidden = [np.zeros(config.hidden_size) for _ in range(config.num_layers)]
    memory = [np.zeros(config.hidden_size) for _ in range(config.num_layers)]
    outputs = np.empty((len(ids), config.hidden_size))
    for row, number in enumerate(ids):
        signal = nudge.at(row, "embedding", 0, weights["embedding.weight"][number])
        for layer in range(config.num_layers):
            inputs = weights[f"layers.{layer}.weight_ih_l0"] @ signal + weights[f"layers.{layer}.bias_ih_l0"]
            recurrent = weights[f"layers.{layer}.weight_hh_l0"] @ hidden[layer] + weights[f"layers.{layer}.bias_hh_l0"]
            changed = partial(nudge.at, row, "cell", layer)
            hidden[layer], memory[layer] = _step(config.cell, inputs, recurrent, hidden[layer], memory[layer], changed)
            hidden[layer] = nudge.at(row, "hidden", layer, hidden[layer])
            signal = hidden[layer]
        outputs[row] = signal
    logits: Vector = outputs @ weights["output.weight"].T + weights["output.bias"]
    return logits


def assert_rounds_like(ours: NDArray[np.float32], theirs: NDArray[np.float32], exact: Vector) -> None:
    """Assert that the largest rounding error of one float32 computation is at most four times that of another.

    The difference between two float32 computations depends on the CPU's matrix kernels, and a recurrent network may
    amplify it with each character, so no fixed bound holds on every machine. Both errors grow in the same way, so their
    ratio stays near 1: it was between 0.5 and 1.4 with five kernels of OpenBLAS and oneDNN.
    """
    mine, its = (np.abs(values - exact).max() for values in (ours, theirs))
    assert its < 1e-2, "the other computation is too inaccurate to compare with"
    assert mine <= 4 * its, f"an error of {mine:.2e}, where the other computation has {its:.2e}"


def _step(
    cell: Cell,
    inputs: Vector,
    recurrent: Vector,
    hidden: Vector,
    memory: Vector,
    changed: Callable[[Vector], Vector],
) -> tuple[Vector, Vector]:
    if cell == "rnn":
        return np.tanh(inputs + recurrent), memory
    if cell == "gru":
        (reset, update, new), (reset_before, update_before, new_before) = np.split(inputs, 3), np.split(recurrent, 3)
        candidate = np.tanh(new + _sigmoid(reset + reset_before) * new_before)
        kept = _sigmoid(update + update_before)
        return (1 - kept) * candidate + kept * hidden, memory
    H = len(hidden)
    gates = inputs + recurrent
    enter, forget, show = _sigmoid(gates[:H]), _sigmoid(gates[H : 2 * H]), _sigmoid(gates[3 * H :])
    memory = changed(forget * memory + enter * np.tanh(gates[2 * H : 3 * H]))
    return show * np.tanh(memory), memory


def _sigmoid(values: Vector) -> Vector:
    return 1 / (1 + np.exp(-values))
