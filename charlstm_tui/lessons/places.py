"""Places on the screens that a step of a lesson can point at: the widget is then highlighted."""

from typing import NamedTuple

from charlstm_tui.state.modes import MODES

SCREENS = (*MODES, "memory", "silence")
"""Names of the screens on which a step can take place."""


class Place(NamedTuple):
    """A widget."""

    screen: str
    selector: str
    """CSS selector of the widget on that screen."""


PLACES: dict[str, Place] = {
    "train.text": Place("train", "#corpus"),
    "train.limit": Place("train", "#limit"),
    "train.split": Place("train", "#split"),
    "train.start-from": Place("train", "#start-model"),
    "train.preset": Place("train", "#preset"),
    "train.network": Place("train", "#setting-hidden_size"),
    "train.cell": Place("train", "#setting-cell"),
    "train.dropout": Place("train", "#setting-output_dropout"),
    "train.epochs": Place("train", "#setting-epochs"),
    "train.seed": Place("train", "#setting-seed"),
    "train.patience": Place("train", "#setting-patience"),
    "train.forecast": Place("train", "#forecast"),
    "train.preview": Place("train", "#look"),
    "train.start": Place("train", "#start"),
    "train.sparkline": Place("train", "#sparkline"),
    "train.chart": Place("train", "#chart-box"),
    "train.numbers": Place("train", "#numbers"),
    "train.sample": Place("train", "#sample"),
    "train.verdict": Place("train", "#summary"),
    "evaluate.model": Place("evaluate", "#model"),
    "evaluate.part": Place("evaluate", "#part"),
    "evaluate.text": Place("evaluate", "#source"),
    "evaluate.loss": Place("evaluate", "#headline"),
    "evaluate.pages": Place("evaluate", "#pages"),
    "generate.model": Place("generate", "#model"),
    "generate.temperature": Place("generate", "#setting-temperature"),
    "generate.top-k": Place("generate", "#setting-top_k"),
    "generate.top-p": Place("generate", "#setting-top_p"),
    "generate.seed": Place("generate", "#setting-seed"),
    "generate.prompt": Place("generate", "#prompt"),
    "generate.text": Place("generate", "#desk"),
    "inspect.model": Place("inspect", "#model"),
    "inspect.quantity": Place("inspect", "#quantity"),
    "inspect.sort": Place("inspect", "#follow"),
    "inspect.prompt": Place("inspect", "#prompt"),
    "inspect.cells": Place("inspect", "#work"),
    "inspect.equations": Place("inspect", "#numbers"),
    "memory.models": Place("memory", "#models"),
    "memory.sentences": Place("memory", "#sentences"),
    "memory.gradients": Place("memory", "#gradients"),
    "memory.contexts": Place("memory", "#contexts"),
}
"""Places by the names that lessons use."""
