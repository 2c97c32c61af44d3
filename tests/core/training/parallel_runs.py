"""Short runs of several processes, for `test_process_group.py`; torchrun starts each process with this module.

    torchrun --standalone --nproc-per-node 2 -m tests.core.training.parallel_runs TEXT FOLDER

Each run's events, and its state at the end, are written to FOLDER by rank 0.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.training_state import Snapshot
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.vocabulary import Vocabulary
from core.events import Event, StepsCompleted, to_json
from core.model.char_lstm import CharLSTM
from core.model.device import ComputeSettings
from core.runs.run import Origin
from core.settings.config import ModelConfig, TrainingConfig
from core.training import trainer as trainer_module
from core.training.follower import follow
from core.training.process_group import ProcessGroup, joined
from core.training.starting_model import StartingModel, adapted
from core.training.trainer import Trainer

CPU = ComputeSettings(device="cpu", precision="fp32", threads=1)
STEPS = 50
STOPPED_AT = 20
PLAIN = TrainingConfig(
    epochs=1, streams=8, window=12, learning_rate=0.01, validation=0.1, sample_length=0, threads=1, precision="fp32"
)  # fmt: skip
"""A run without random numbers."""
DROPPING = msgspec.structs.replace(
    PLAIN, input_dropout=0.1, output_dropout=0.2, weight_drop=0.3, state_reset=0.05, averaging=0.9, optimizer="muon"
)
MODELS = {cell: ModelConfig(cell=cell, embedding_size=8, hidden_size=24, num_layers=2) for cell in ("lstm", "gru")}
EQUAL: dict[str, tuple[ModelConfig, TrainingConfig]] = {
    "lstm": (MODELS["lstm"], PLAIN),
    "gru": (MODELS["gru"], PLAIN),
    "lstm-muon": (MODELS["lstm"], msgspec.structs.replace(PLAIN, optimizer="muon", averaging=0.9)),
}
"""Runs that several processes train like one."""


def another_model(corpus: Corpus) -> StartingModel:
    """Return a model to start from, which knows characters that the text does not have."""
    model, _ = EQUAL["lstm"]
    network = CharLSTM(model, len(corpus.characters) + 2)
    network.initialise(torch.Generator().manual_seed(7))
    checkpoint = Checkpoint(
        model=network, vocabulary=Vocabulary(corpus.characters + "§¶"), corpus=corpus.config, training=PLAIN, epoch=1,
        train_loss=None, val_loss=None,
    )  # fmt: skip
    origin = Origin(kind="model", name="old", path="/old", sha256="", keeps_vocabulary=True)
    return adapted(checkpoint, origin, corpus.characters, 0)


def stopped_after(trainer: Trainer, steps: int) -> Iterator[Event]:
    """Yield the events of a run, which is stopped after so many steps."""
    control = Control()
    for event in trainer.run(control):
        yield event
        if isinstance(event, StepsCompleted) and event.total_steps >= steps:
            control.stop()


def lead(group: ProcessGroup, corpus: Corpus, folder: Path) -> None:
    """Train each run and write what it gave."""

    def trained(name: str, trainer: Trainer, steps: int = 10**9) -> Snapshot:
        lines = [to_json(event) for event in stopped_after(trainer, steps)]
        snapshot = trainer.snapshot()
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        torch.save(snapshot.now.tensors, folder / f"{name}.pt")
        group.end()
        return snapshot

    for name, (model, config) in EQUAL.items():
        trained(f"{name}-steps", Trainer(corpus, model, config, CPU, group=group), STEPS)
    model, config = EQUAL["lstm"]
    trained("lstm-epoch", Trainer(corpus, model, config, CPU, group=group))
    trained("whole", Trainer(corpus, model, DROPPING, CPU, group=group))
    first = trained("first", Trainer(corpus, model, DROPPING, CPU, group=group), STOPPED_AT)
    trained("second", Trainer(corpus, model, DROPPING, CPU, first, group=group))
    trained("asked", Trainer(corpus, model, config, CPU, group=group))  # the last rank asks to stop
    wild = msgspec.structs.replace(config, learning_rate=10.0, gradient_clip=0.0, epochs=1)
    trained("diverged", Trainer(corpus, model, wild, CPU, group=group))
    trained("from-model-steps", Trainer(corpus, model, config, CPU, group=group, start=another_model(corpus)), STEPS)


def main(text: str, folder: Path) -> None:
    """Take part in all runs."""
    trainer_module.REPORT_SECONDS = 0.0  # events after each step
    corpus = load_corpus(CorpusConfig(source=text))
    with joined() as group:
        if group.leads:
            lead(group, corpus, folder)
            return
        for run in range(len(EQUAL) + 7):
            group.stopping = run == len(EQUAL) + 4 and group.rank == group.size - 1
            follow(group, lambda _: corpus)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    os._exit(0)  # as the program does: PyTorch's threads sometimes abort the end of the interpreter
