"""The engine in a Python program or a notebook: load a text, train, evaluate, generate, look at activations.

    from charlstm_tui import library

    text = library.load_text("l-homme-aux-contrats")
    model = library.train(text, preset="quick")
    print(model.evaluate().score.loss)

It needs no terminal. Everything that it returns is a value of `core`, which has more than what is here.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from core.checkpoints.checkpoint import Checkpoint, load_checkpoint
from core.checkpoints.history import history_of
from core.checkpoints.origin_model import load_origin
from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.data.splits import PARTS, Part, Split
from core.errors import UserError
from core.evaluation.evaluator import evaluate
from core.events import EpochCompleted, RunFinished, RunStarted, StepsCompleted
from core.files import new_file
from core.inspection.activations import Activations
from core.inspection.record_activations import record_activations
from core.reports.results import Evaluation
from core.runs.origin import hashed, origin_of
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore, default_root
from core.sampling.prompt import fit
from core.sampling.sampler import Sampler
from core.settings.config import ModelConfig, SamplingConfig, configure, fields_of
from core.settings.presets import FINE_TUNE, preset_for, preset_named
from core.text import shortened
from core.training.starting_model import start_of
from core.training.trainer import Trainer

_MODEL_SETTINGS = {field.name for field in fields_of(ModelConfig)}


class Model:
    """A trained model, with the course of its training."""

    def __init__(self, checkpoint: Checkpoint, history: Sequence[EpochCompleted], run: Run | None) -> None:
        self.checkpoint = checkpoint
        """The network (`checkpoint.model`, a PyTorch module), its vocabulary and its settings."""
        self.history = tuple(history)
        """The completed epochs, with their losses in nats per character; empty if they are unknown."""
        self.run = run
        """The folder of its run; None for a model that was loaded from a file."""

    def evaluate(self, text: Corpus | None = None, part: Part = "test") -> Evaluation:
        """Return the exact loss on a part of a text; by default on the test part of the text that it was trained on.

        Raises:
            UserError: the text is no longer there, or the part is empty.
        """
        if part not in (*PARTS, "whole"):
            raise UserError(f"The part must be {', '.join(PARTS)} or whole, not {shortened(part)}.")
        corpus = _checked(text) if text is not None else load_corpus(self.checkpoint.corpus)
        *_, evaluation = evaluate(self.checkpoint, corpus, part)
        assert isinstance(evaluation, Evaluation)
        return evaluation

    def generate(self, prompt: str = "", length: int = 300, **settings: Any) -> str:
        """Return a prompt and `length` characters that the model generates after it.

        Characters of the prompt that the model does not know are replaced by similar ones or dropped.

        Args:
            prompt: the beginning; may be empty.
            length: the number of characters.
            settings: `temperature`, `top_k`, `top_p` and `seed`, as in `SamplingConfig`.

        Raises:
            UserError: a setting is unknown or out of bounds.
        """
        config = configure(SamplingConfig(), settings)
        _check_count("length", length, least=0)
        sampler = Sampler(self.checkpoint.model, self.checkpoint.vocabulary, config, prompt)
        return prompt + "".join(drawn.character for drawn in islice(sampler, length))

    def activations(self, text: str) -> Activations:
        """Return the gates and states of every cell for each character of a text, and what the model expected.

        `activations.values(0, "f")` is the forget gate of the first layer as an array (T, H). The symbols of an LSTM's
        other quantities are i, g, o, c and h.

        Raises:
            UserError: the model knows no character of the text.
        """
        checkpoint = self.checkpoint
        known = fit(text, checkpoint.vocabulary).read
        if not known:
            raise UserError("The model knows no character of this text. Give another text.")
        activations = Activations(checkpoint.model.config, checkpoint.vocabulary.characters, known)
        for _ in record_activations(checkpoint.model, checkpoint.vocabulary, activations):
            pass
        return activations

    def save(self, path: str | Path) -> None:
        """Write the weights with what is needed to use them to a safetensors file, which `load_model` reads.

        Raises:
            UserError: the file exists already or cannot be written.
        """
        self.checkpoint.save(new_file(str(path)))


def load_text(
    source: str | Path | Sequence[str | Path],
    *,
    limit: int | None = None,
    split: Split = "tail",
    split_seed: int = 0,
    skip_unreadable: bool = False,
) -> Corpus:
    """Load a text: a text with a name ("moliere", once it is downloaded; "l-homme-aux-contrats"), or files.

    Args:
        source: the name, or the path of a file, a folder or a glob; or several of these.
        limit: the number of characters to use; None for all.
        split: which tenth of the text is the test part: its end ("tail"), every tenth block ("interleaved"), or every
            tenth file ("files"), drawn by `split_seed`.
        split_seed: the seed of the split by files.
        skip_unreadable: whether files of a folder that cannot be read are passed over; otherwise they are an error.

    Raises:
        UserError: the text cannot be read, or is too short.
    """
    if limit is not None:
        _check_count("limit", limit, least=1)
    sources = [str(source)] if isinstance(source, str | Path) else [str(one) for one in source]
    if not sources:
        raise UserError("No text was named.")
    return load_corpus(
        CorpusConfig.typed(sources, limit, split, split_seed=split_seed, skip_unreadable=skip_unreadable)
    )


def train(
    text: Corpus,
    preset: str | None = None,
    *,
    start: str | None = None,
    name: str | None = None,
    progress: bool = True,
    **settings: Any,
) -> Model:
    """Train a model on a text, with a progress bar, and return the model of its best epoch.

    The run is saved in the same folder as those of the app and of the command line, and can be used there. Ctrl-C, or
    the notebook's stop button, stops it: the model so far is saved and returned.

    Args:
        text: the text.
        preset: the name of a preset; by default the one that suits the text, or "fine-tune" with a `start`.
        start: a run, a file or "moliere" (the bundled model) whose weights are trained further.
        name: the name of the run; by default the preset's name and a number.
        progress: whether to show a progress bar.
        settings: any setting of `ModelConfig` and `TrainingConfig`, such as `hidden_size=256` or `epochs=10`.

    Raises:
        UserError: a setting is unknown or out of bounds, the text is too short, or the loss diverged.
    """
    store = RunStore(default_root())
    text = _checked(text)
    config = _configured(store, text, preset, start, settings)
    trainer = Trainer(text, config.model, config.training, start=start_of(config, text))
    run = store.create(config, name)
    control = Control()
    with (
        tqdm(unit=" characters", unit_scale=True, desc=run.name, disable=not progress) as bar,
        _stopped_by_ctrl_c(control),
    ):
        for event in record(run, trainer, control):
            match event:
                case RunStarted():
                    characters = config.training.streams * config.training.window
                    bar.reset(total=event.epochs * event.steps_per_epoch * characters)
                case StepsCompleted():
                    bar.update(event.total_steps * characters - bar.n)
                    bar.set_postfix(epoch=event.epoch, loss=f"{event.loss:.3f}", refresh=False)
                case RunFinished(reason="failed"):
                    raise UserError("The loss diverged. Use a lower learning rate.")
    return _model_of(run.checkpoint_path, run)


@contextmanager
def _stopped_by_ctrl_c(control: Control) -> Iterator[None]:
    """Let Ctrl-C stop the run in an orderly way. That is possible in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: control.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def load_model(named: str) -> Model:
    """Load a model: a run of the app or the command line by its name, a file, or "moliere", the bundled model.

    Raises:
        UserError: there is no such model, or its file is damaged.
    """
    path = RunStore(default_root()).checkpoint_path(named)
    run = Run(path.parent)
    return _model_of(path, run if run.config_path.is_file() else None)


def _checked(text: object) -> Corpus:
    """Return a text that `load_text` returned; raise a `UserError` for anything else, such as its name."""
    if not isinstance(text, Corpus):
        raise UserError("The text must be one that load_text returned.")
    return text


def _check_count(name: str, value: object, *, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"{name} must be a whole number from {least}, not {shortened(value)}.")


def model_before(model: Model) -> Model:
    """Return the model that the training of a fine-tuned model began with.

    Raises:
        UserError: the training began with random weights, or that model is gone or has changed.
    """
    if model.checkpoint.origin is None:
        raise UserError("The training of this model began with random weights.")
    return Model(load_origin(model.checkpoint.origin), (), None)


def _configured(
    store: RunStore, text: Corpus, preset: str | None, start: str | None, settings: dict[str, Any]
) -> RunConfig:
    usual = FINE_TUNE if start is not None else preset_for(len(text))
    chosen = preset_named(preset) if preset is not None else usual
    origin, network = origin_of(store, start) if start is not None else (None, chosen.model)
    if origin is None and chosen == FINE_TUNE:
        raise UserError(f"The preset {FINE_TUNE.name} trains a model further: give that with start.")
    model = {name: value for name, value in settings.items() if name in _MODEL_SETTINGS}
    if origin is not None and configure(network, model) != network:
        raise UserError(f"A run that begins with {origin.name} keeps its network. Remove {', '.join(model)}.")
    training = {name: value for name, value in settings.items() if name not in model}
    return RunConfig(
        preset=chosen.name,
        corpus=text.config,
        model=configure(network, model),
        training=configure(chosen.training, training),
        origin=hashed(origin) if origin is not None else None,
    )


def _model_of(path: Path, run: Run | None) -> Model:
    checkpoint = load_checkpoint(path)
    return Model(checkpoint, history_of(path), run)
