"""Facts: what the app knows about what a student has done, by the names that lessons use.

A fact has a value, or None as long as it is not known. Lessons ask for facts in conditions ("run.epochs >= 3") and show
them in sentences ("the loss fell to {run.last_train_loss:.2f}").
"""

from collections.abc import Mapping
from typing import NamedTuple

Value = float | str | bool | None


class Fact(NamedTuple):
    """The description of a fact."""

    kind: type[float] | type[str] | type[bool]
    meaning: str


_GROUPS: dict[str, tuple[str, dict[str, Fact]]] = {
    "app": ("The app", {
        "screen": Fact(str, "the screen: train, evaluate, generate, inspect, experiments, memory or silence"),
    }),
    "next": ("The settings on the Train screen; unknown while one of them is not valid", {
        "text": Fact(str, "name of the text"),
        "limit": Fact(float, "number of characters used; unknown if all are"),
        "split": Fact(str, "tail, interleaved or files"),
        "preset": Fact(str, "name of the preset"),
        "start": Fact(str, "name of the model to start from; empty for random weights"),
        "cell": Fact(str, "lstm, gru or rnn"),
        "num_layers": Fact(float, "number of layers"),
        "hidden_size": Fact(float, "number of cells in each layer"),
        "epochs": Fact(float, "number of epochs"),
        "learning_rate": Fact(float, "learning rate"),
        "output_dropout": Fact(float, "dropout before the output"),
        "input_dropout": Fact(float, "dropout of the embeddings"),
        "weight_drop": Fact(float, "dropout of the recurrent weights"),
        "validation": Fact(float, "share of the training part that is used for validation"),
        "patience": Fact(float, "epochs without improvement before the run stops; 0 is off"),
        "seed": Fact(float, "random seed"),
        "characters": Fact(float, "number of characters of the text that are used"),
        "distinct": Fact(float, "number of distinct characters: the size of the vocabulary"),
        "test_characters": Fact(float, "number of characters in the test part"),
        "parameters": Fact(float, "number of parameters of the network"),
    }),
    "run": ("The run on the Train screen: in progress, or the last one", {
        "name": Fact(str, "name of the run"),
        "state": Fact(str, "idle, preparing, training, paused, stopping, finished, stopped or failed"),
        "preset": Fact(str, "name of its preset"),
        "text": Fact(str, "name of its text"),
        "limit": Fact(float, "number of characters used; unknown if all are"),
        "characters": Fact(float, "number of characters of the text that are used"),
        "start": Fact(str, "name of the model that it started from; empty for random weights"),
        "cell": Fact(str, "lstm, gru or rnn"),
        "hidden_size": Fact(float, "number of cells in each layer"),
        "output_dropout": Fact(float, "dropout before the output"),
        "weight_drop": Fact(float, "dropout of the recurrent weights"),
        "patience": Fact(float, "epochs without improvement before it stops; 0 is off"),
        "vocabulary": Fact(float, "number of distinct characters"),
        "parameters": Fact(float, "number of parameters"),
        "planned_epochs": Fact(float, "number of epochs that it will have"),
        "epochs": Fact(float, "number of completed epochs"),
        "samples": Fact(float, "number of samples so far"),
        "sample_epoch": Fact(float, "epoch of the sample on screen; 0 before the first step"),
        "seconds": Fact(float, "seconds of training so far"),
        "uniform_loss": Fact(float, "loss of guessing every character alike: ln of the vocabulary's size"),
        "ngram_loss": Fact(float, "loss of the best n-gram model on the same text"),
        "first_train_loss": Fact(float, "training loss of the first epoch"),
        "middle_train_loss": Fact(float, "training loss of the epoch in the middle: 10 of 20, 11 of 21"),
        "last_train_loss": Fact(float, "training loss of the last epoch"),
        "first_val_loss": Fact(float, "validation loss of the first epoch"),
        "last_val_loss": Fact(float, "validation loss of the last epoch"),
        "best_val_loss": Fact(float, "lowest validation loss"),
        "best_epoch": Fact(float, "epoch with the lowest validation loss"),
        "verdict": Fact(str, "diagnosis: unknown, untrained, learning, levelled, overfitting or unsteady"),
        "count": Fact(float, "number of runs that were started since the lesson began"),
    }),
    "before": ("The last earlier run of this lesson that has other settings, with at least one epoch", {
        "name": Fact(str, "name of the run"),
        "cell": Fact(str, "lstm, gru or rnn"),
        "characters": Fact(float, "number of characters of the text that are used"),
        "output_dropout": Fact(float, "dropout before the output"),
        "patience": Fact(float, "epochs without improvement before it stops; 0 is off"),
        "epochs": Fact(float, "number of completed epochs"),
        "last_train_loss": Fact(float, "training loss of the last epoch"),
        "last_val_loss": Fact(float, "validation loss of the last epoch"),
        "best_val_loss": Fact(float, "lowest validation loss"),
        "best_epoch": Fact(float, "epoch with the lowest validation loss"),
        "ngram_loss": Fact(float, "loss of the best n-gram model on the same text"),
    }),
    "evaluation": ("The last evaluation", {
        "model": Fact(str, "name of the model"),
        "text": Fact(str, "name of the text"),
        "limit": Fact(float, "number of characters of the text used; unknown if all are"),
        "split": Fact(str, "tail, interleaved or files, with the seed of the last"),
        "sha256": Fact(str, "SHA-256 of the text"),
        "part": Fact(str, "train, validation, test or whole"),
        "characters": Fact(float, "number of characters that were read"),
        "loss": Fact(float, "loss in nats per character"),
        "standard_error": Fact(float, "its standard error"),
        "bits": Fact(float, "bits per character"),
        "perplexity": Fact(float, "perplexity"),
        "accuracy": Fact(float, "share of characters that were the first guess"),
        "uniform": Fact(float, "loss of uniform guessing"),
        "unigram": Fact(float, "loss of a unigram model"),
        "bigram": Fact(float, "loss of a bigram model"),
        "best_ngram": Fact(float, "loss of the best n-gram model"),
        "best_ngram_order": Fact(float, "its order: 6 for a 6-gram"),
        "notebook": Fact(float, "loss of the notebook's recipe on the same part of the same text, see notebook_loss"),
        "train_loss": Fact(float, "loss on the training part"),
        "validation_loss": Fact(float, "loss on the validation part"),
        "longest_copy": Fact(float, "length of the longest passage of a sample that is in the training part"),
        "natural_copy": Fact(float, "the same for held-out text"),
        "copies": Fact(bool, "whether the page Copying says that the model copies"),
        "gained": Fact(float, "loss on the new text before fine-tuning minus that after it"),
        "forgotten": Fact(float, "loss on the old text after fine-tuning minus that before it"),
        "page": Fact(str, "page on screen: baselines, breakdown, passages, text, copying, before or comparison"),
        "surprisal": Fact(float, "surprisal of the character at the cursor of the page text, in nats"),
        "probability": Fact(float, "its probability"),
        "count": Fact(float, "number of evaluations since the lesson began"),
    }),
    "generation": ("The last generated text", {
        "model": Fact(str, "name of the model"),
        "prompt": Fact(str, "the prompt, as it was typed"),
        "temperature": Fact(float, "temperature"),
        "top_k": Fact(float, "top-k; 0 is off"),
        "top_p": Fact(float, "top-p; 1 is off"),
        "seed": Fact(float, "random seed"),
        "characters": Fact(float, "number of generated characters"),
        "texts": Fact(float, "number of texts side by side: 1 or 3"),
        "surprise": Fact(float, "mean surprisal of the generated characters, in nats"),
        "is_done": Fact(bool, "whether the text is complete"),
        "tinted": Fact(bool, "whether characters are coloured by surprisal"),
        "lowest_temperature": Fact(float, "lowest temperature since the lesson began"),
        "highest_temperature": Fact(float, "highest temperature since the lesson began"),
        "surprise_at_lowest": Fact(float, "mean surprisal of the text with the lowest temperature"),
        "surprise_at_highest": Fact(float, "mean surprisal of the text with the highest temperature"),
        "count": Fact(float, "number of texts since the lesson began"),
        "repeated": Fact(bool, "whether the last text was equal to an earlier one of the lesson"),
    }),
    "inspection": ("The text on Inspect", {
        "model": Fact(str, "name of the model"),
        "characters": Fact(float, "number of characters that were read"),
        "quantity": Fact(str, "symbol of the quantity shown: f, i, g, o, c or h"),
        "layer": Fact(float, "number of the layer, from 1"),
        "cell": Fact(float, "number of the chosen cell, from 0"),
        "sort": Fact(str, "what the cells are sorted by: variation, or a property such as vowels"),
        "correlation": Fact(float, "correlation of the chosen cell with that property; unknown for variation"),
        "place": Fact(float, "number of the character at the cursor, from 0"),
        "moves": Fact(float, "number of moves of the cursor since the lesson began"),
        "step_moves": Fact(float, "the same since this step began, or another quantity was chosen"),
        "step_cells": Fact(float, "number of different cells that were chosen since this step began"),
        "position": Fact(float, "number of the character at the cursor, from 1"),
        "cells_seen": Fact(float, "number of different cells that were chosen since the lesson began"),
        "count": Fact(float, "number of texts that were read since the lesson began"),
        "forget": Fact(float, "forget gate of the cell at the cursor"),
        "input": Fact(float, "input gate"),
        "candidate": Fact(float, "candidate"),
        "output": Fact(float, "output gate"),
        "state": Fact(float, "cell state after the character at the cursor"),
        "state_before": Fact(float, "cell state before that character; 0 before the first one"),
        "hidden": Fact(float, "hidden state"),
        "kept": Fact(float, "forget gate times cell state before: what is kept"),
        "added": Fact(float, "input gate times candidate: what is added"),
    }),
    "memory": ("The last comparison of memories", {
        "models": Fact(float, "number of models"),
        "count": Fact(float, "number of comparisons since the lesson began"),
        "rnn": Fact(float, "distance in characters from which the gradient of an RNN is below 1 %, or the longest"),
        "gru": Fact(float, "the same for a GRU"),
        "lstm": Fact(float, "the same for an LSTM"),
        "rnn_context": Fact(float, "number of characters of context that a plain RNN uses"),
        "lstm_context": Fact(float, "the same for an LSTM"),
        "rnn_loss": Fact(float, "loss of the plain RNN with the longest context"),
        "lstm_loss": Fact(float, "the same for the LSTM"),
    }),
}  # fmt: skip

GROUPS = {name: title for name, (title, _) in _GROUPS.items()}
FACTS: dict[str, Fact] = {
    f"{group}.{name}": fact for group, (_, facts) in _GROUPS.items() for name, fact in facts.items()
}
"""All facts by their names, such as "run.last_train_loss"."""


def nested(known: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """Return the known facts by group and name. An unknown fact is absent, so that no condition holds by it."""
    return {
        group: {name: value for name in facts if (value := known.get(f"{group}.{name}")) is not None}
        for group, (_, facts) in _GROUPS.items()
    }
