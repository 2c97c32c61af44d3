"""A model reading along as the textbooks have it: NumPy, double precision, one character after another."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.checkpoint import Checkpoint
from core.config import Cell, ModelConfig, TrainingConfig
from core.corpus import Corpus, CorpusConfig
from core.model import CharLSTM
from core.passage import Passage
from core.reading import encode
from core.vocabulary import Vocabulary

Vector = NDArray[np.float64]


class Guess(NamedTuple):
    """What the model made of a character that it knows."""

    place: int
    character: str
    loss: float
    likelier: int
    """How many other characters it held to be likelier."""
    costs: Vector
    """What each character of the vocabulary would have cost: shape (V,)."""


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
    weights = {name: tensor.double().numpy() for name, tensor in checkpoint.model.state_dict().items()}
    config, characters = checkpoint.model.config, checkpoint.vocabulary.characters
    hidden = [np.zeros(config.hidden_size) for _ in range(config.num_layers)]
    memory = [np.zeros(config.hidden_size) for _ in range(config.num_layers)]
    before = "." if "." in characters else characters[0]
    known = [(place, character) for place, character in enumerate(text) if character in characters]
    outputs = np.empty((len(known), config.hidden_size))
    for row, (_, character) in enumerate(known):
        signal = weights["embedding.weight"][characters.index(before)]
        for layer in range(config.num_layers):
            inputs = weights[f"layers.{layer}.weight_ih_l0"] @ signal + weights[f"layers.{layer}.bias_ih_l0"]
            recurrent = weights[f"layers.{layer}.weight_hh_l0"] @ hidden[layer] + weights[f"layers.{layer}.bias_hh_l0"]
            hidden[layer], memory[layer] = _step(config.cell, inputs, recurrent, hidden[layer], memory[layer])
            signal = hidden[layer]
        outputs[row] = signal
        before = character
    logits = outputs @ weights["output.weight"].T + weights["output.bias"]
    costs = np.log(np.exp(logits).sum(axis=1, keepdims=True)) - logits  # (K, V)
    losses = costs[np.arange(len(known)), [characters.index(character) for _, character in known]]
    likelier = (costs < losses[:, None]).sum(axis=1)
    return [
        Guess(place, character, float(loss), int(count), cost)
        for (place, character), loss, count, cost in zip(known, losses, likelier, costs, strict=True)
    ]


def _step(cell: Cell, inputs: Vector, recurrent: Vector, hidden: Vector, memory: Vector) -> tuple[Vector, Vector]:
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
    memory = forget * memory + enter * np.tanh(gates[2 * H : 3 * H])
    return show * np.tanh(memory), memory


def _sigmoid(values: Vector) -> Vector:
    return 1 / (1 + np.exp(-values))
