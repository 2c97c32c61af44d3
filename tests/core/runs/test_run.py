import msgspec
import pytest

from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError
from core.events import CheckpointSaved, EpochCompleted, Event, RunFinished, RunStarted, StepsCompleted
from core.runs.recorder import record as recorded
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.runs.summary import summarise
from core.settings.config import configure
from core.training.trainer import Trainer


def record(run: Run, corpus: Corpus, config: RunConfig, control: Control | None = None) -> list[Event]:
    return list(recorded(run, Trainer(corpus, config.model, config.training), control))


def test_a_recorded_run_can_be_read(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config)
    events = record(run, small_corpus, config)
    assert run.name == "quick-1"
    assert run.events() == [event for event in events if not isinstance(event, StepsCompleted | CheckpointSaved)]
    read = store.get("quick-1").config()
    assert read.created is not None
    assert (read.preset, read.corpus, read.model, read.training) == (
        config.preset, config.corpus, config.model, config.training,
    )  # fmt: skip
    started, finished = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert started.run == "quick-1"
    assert isinstance(finished, RunFinished)
    assert finished.best_checkpoint == str(run.best_path)
    assert finished.last_checkpoint == str(run.last_path)


def test_the_best_and_the_last_checkpoint_hold_the_models_of_these_epochs(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    jumpy = configure(config.training, {"epochs": 12, "learning_rate": 0.5})
    run = store.create(msgspec.structs.replace(config, training=jumpy))
    trainer = Trainer(small_corpus, config.model, jumpy)
    epochs = [event for event in recorded(run, trainer) if isinstance(event, EpochCompleted)]
    best = min(epochs, key=lambda epoch: epoch.val_loss or 0)
    assert best.epoch < 12, "otherwise the test shows nothing"
    assert load_checkpoint(run.best_path).epoch == best.epoch
    assert load_checkpoint(run.best_path).val_loss == best.val_loss
    assert load_checkpoint(run.last_path).epoch == 12
    assert run.checkpoint_path == run.best_path


def test_a_run_stopped_in_its_first_epoch_has_a_last_checkpoint(
    store: RunStore, small_corpus: Corpus, config: RunConfig
) -> None:
    run = store.create(config)
    control = Control()
    control.stop()
    *_, saved, finished = record(run, small_corpus, config, control)
    assert isinstance(saved, CheckpointSaved)
    assert isinstance(finished, RunFinished)
    assert (finished.reason, finished.best_checkpoint) == ("stopped", None)
    assert load_checkpoint(store.checkpoint_path("quick-1")).epoch == 0
    assert summarise(run).state == "stopped"


def test_damaged_lines_of_the_metrics_are_skipped(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config)
    record(run, small_corpus, config)
    whole = run.events()
    run.metrics_path.write_bytes(run.metrics_path.read_bytes()[:-10])
    assert run.events() == whole[:-1]
    assert summarise(run).state == "interrupted"
    run.metrics_path.write_bytes(run.metrics_path.read_bytes().replace(b"epoch_completed", b"epoch\xffcompleted", 1))
    first_epoch = next(event for event in whole if isinstance(event, EpochCompleted))
    assert run.events() == [event for event in whole[:-1] if event is not first_epoch]


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"preset": 1}'])
def test_a_damaged_configuration_is_refused(store: RunStore, config: RunConfig, content: bytes) -> None:
    run = store.create(config)
    run.config_path.write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        run.config()
