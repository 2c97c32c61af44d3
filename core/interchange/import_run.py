"""Importing a model from elsewhere: a run in the store that holds its weights, and was not trained here."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch

from core.checkpoints.checkpoint import Checkpoint
from core.data.corpus import CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.interchange.notebook_model import NotebookModel, read_model
from core.interchange.notebook_vocabulary import in_order_of_code_points
from core.interchange.weights_file import converted, is_pickle, opened_safetensors, temporary_folder
from core.model.char_lstm import CharLSTM
from core.runs.origin import sha256_of
from core.runs.run import Origin, Run, RunConfig
from core.runs.store import RunStore
from core.settings.presets import PRESETS
from core.text import shortened

PRESET = "imported"
"""Preset of imported runs, after which they are called imported-1, imported-2 and so on."""
UNKNOWN_TEXT = CorpusConfig(source="")
"""The text of a model of which only the characters are known."""


@dataclass(frozen=True, kw_only=True)
class ImportedFile:
    """A file of weights that was read."""

    path: Path
    sha256: str
    """SHA-256 of its bytes."""
    model: NotebookModel

    @property
    def shown(self) -> str:
        """Its path, shortened for messages."""
        return shortened(self.path)


def open_model(path: Path) -> Generator[None, None, ImportedFile]:
    """Read a model from a .safetensors or .pt file, and return it. Yields several times a second.

    To cancel, stop iterating and close the generator.

    Raises:
        UserError: the file cannot be read, is no file of weights, or has those of another kind of network.
    """
    path = path.absolute()
    with temporary_folder() as folder:
        source = path
        if is_pickle(path):
            source = yield from converted(path, folder)
        with opened_safetensors(source, path) as file:
            model = read_model(file)
    return ImportedFile(path=path, sha256=sha256_of(path), model=model)


def store_model(
    store: RunStore, file: ImportedFile, characters: str, corpus: CorpusConfig = UNKNOWN_TEXT, name: str | None = None
) -> Run:
    """Create a run with an imported model as its best one.

    Args:
        store: the folder of the runs.
        file: the file that was read.
        characters: the characters of the model, in the order of its ids.
        corpus: the text that it was trained on.
        name: name of the run; by default "imported" and a number.

    Raises:
        UserError: the name is taken or invalid, or the store cannot be written to.
    """
    training = PRESETS["notebook"].training
    known = corpus if corpus.source else None
    origin = Origin(kind="import", name=file.path.name, path=str(file.path), sha256=file.sha256, corpus=known)
    with torch.device("meta"):
        network = CharLSTM(file.model.config, file.model.vocabulary_size)
    network.load_state_dict(in_order_of_code_points(file.model.weights, characters), assign=True)
    checkpoint = Checkpoint(
        model=network,
        vocabulary=Vocabulary(characters),
        corpus=corpus,
        training=training,
        epoch=0,
        train_loss=None,
        val_loss=None,
        origin=origin,
    )
    config = RunConfig(preset=PRESET, corpus=corpus, model=file.model.config, training=training, origin=origin)
    run = store.create(config, name)
    try:
        checkpoint.save(run.best_path, kind="best")
    except BaseException:
        with contextlib.suppress(UserError):
            store.delete(run.name)
        raise
    return run
