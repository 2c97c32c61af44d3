"""Small models and runs that the tests of exports share."""

import torch

from core.checkpoints.checkpoint import Checkpoint
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig
from core.data.vocabulary import Vocabulary
from core.events import Event, StepsCompleted
from core.model.char_lstm import CharLSTM
from core.runs.recorder import Listener, record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.settings.config import Cell, ModelConfig, TrainingConfig
from core.training.resume import resume, run_of
from core.training.trainer import Trainer
from tests.conftest import SMALL_TEXT


def checkpoint_of(cell: Cell = "lstm", layers: int = 1, characters: str = SMALL_TEXT) -> Checkpoint:
    """Return an untrained model whose predictions are far from even."""
    vocabulary = Vocabulary(characters)
    config = ModelConfig(cell=cell, embedding_size=6, hidden_size=8, num_layers=layers)
    model = CharLSTM(config, len(vocabulary))
    model.initialise(torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return Checkpoint(
        model=model,
        vocabulary=vocabulary,
        corpus=CorpusConfig(source="/texts/moutons.txt"),
        training=TrainingConfig(),
        epoch=4,
        train_loss=1.5,
        val_loss=None,
    )


def train(
    run: Run, corpus: Corpus, config: RunConfig, listeners: list[Listener], *, stop_at: tuple[int, int] | None = None
) -> list[Event]:
    """Record a run; `stop_at` gives the epoch and the step after which it is stopped, 0 for the last step."""
    control = Control()
    events = []
    for event in record(run, Trainer(corpus, config.model, config.training), control, listeners=listeners):
        events.append(event)
        if stop_at is not None and isinstance(event, StepsCompleted):
            epoch, step = stop_at
            if (event.epoch, event.step) == (epoch, step or event.steps):
                control.stop()
    return events


def resume_run(store: RunStore, run: Run, corpus: Corpus, listeners: list[Listener], **changes: object) -> list[Event]:
    """Resume a run to its end."""
    resumption = resume(store, run.name, run_of(store, run.name), changes)
    return list(record(resumption.begin(store), resumption.trainer(corpus), listeners=listeners))
