from pathlib import Path

import msgspec
import pytest

import core
from core.checkpoints.checkpoint import load_checkpoint
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError
from core.events import CheckpointSaved, EpochCompleted, Event, RunFinished, RunStarted, StepsCompleted
from core.runs.recorder import record as recorded
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore, default_root
from core.runs.summary import summarise
from core.settings.config import ModelConfig, TrainingConfig, configure
from core.training.trainer import Trainer


@pytest.fixture
def config(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> RunConfig:
    return RunConfig(preset="quick", corpus=small_corpus.config, model=tiny_model, training=tiny_training)


def record(run: Run, corpus: Corpus, config: RunConfig, control: Control | None = None) -> list[Event]:
    return list(recorded(run, Trainer(corpus, config.model, config.training), control))


def test_a_recorded_run_reads_back(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
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


def test_best_and_last_are_the_models_of_these_epochs(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    jumpy = configure(config.training, {"epochs": 12, "learning_rate": 0.5})
    run = store.create(msgspec.structs.replace(config, training=jumpy))
    trainer = Trainer(small_corpus, config.model, jumpy)
    epochs = [event for event in recorded(run, trainer) if isinstance(event, EpochCompleted)]
    best = min(epochs, key=lambda epoch: epoch.val_loss or 0)
    assert best.epoch < 12, "else this shows nothing"
    assert load_checkpoint(run.best_path).epoch == best.epoch
    assert load_checkpoint(run.best_path).val_loss == best.val_loss
    assert load_checkpoint(run.last_path).epoch == 12
    assert run.checkpoint_path == run.best_path


def test_a_run_stopped_in_its_first_epoch_leaves_its_last_model(
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


def test_a_summary_says_how_it_went(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config, "my-run")
    assert summarise(run).state == "interrupted"
    events = record(run, small_corpus, config)
    last = [event for event in events if isinstance(event, EpochCompleted)][-1]
    summary = summarise(run)
    assert (summary.name, summary.corpus, summary.epochs) == ("my-run", "moutons", 2)
    assert summary.train_loss == last.train_loss
    assert summary.state == "finished"


def test_metrics_read_but_for_the_lines_that_are_torn(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config)
    record(run, small_corpus, config)
    whole = run.events()
    run.metrics_path.write_bytes(run.metrics_path.read_bytes()[:-10])
    assert run.events() == whole[:-1]
    assert summarise(run).state == "interrupted"
    run.metrics_path.write_bytes(run.metrics_path.read_bytes().replace(b"epoch_completed", b"epoch\xffcompleted", 1))
    first_epoch = next(event for event in whole if isinstance(event, EpochCompleted))
    assert run.events() == [event for event in whole[:-1] if event is not first_epoch]


def test_names_are_numbered_and_never_taken_twice(store: RunStore, config: RunConfig) -> None:
    assert [store.create(config).name for _ in range(3)] == ["quick-1", "quick-2", "quick-3"]
    store.create(config, "mine")
    with pytest.raises(UserError, match="a run called mine already"):
        store.create(config, "mine")


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a\nb", "-dash"])
def test_a_name_that_is_no_folder_name_is_refused(store: RunStore, config: RunConfig, name: str) -> None:
    with pytest.raises(UserError, match="cannot be called"):
        store.create(config, name)


def test_a_checkpoint_is_a_run_or_a_file(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
    run = store.create(config)
    with pytest.raises(UserError, match="has no checkpoint"):
        store.checkpoint_path(run.name)
    record(run, small_corpus, config)
    assert store.checkpoint_path(run.name) == run.best_path
    assert store.checkpoint_path(str(run.last_path)) == run.last_path
    with pytest.raises(UserError, match="no run called x"):
        store.checkpoint_path("x" * 300)
    with pytest.raises(UserError, match="no run called other"):
        store.checkpoint_path("other")
    with pytest.raises(UserError, match="no checkpoint a/b"):
        store.checkpoint_path("a/b")
    with pytest.raises(UserError, match="no run called"):
        store.get("..")


def test_the_newest_run_is_first(store: RunStore, config: RunConfig) -> None:
    names = [store.create(config).name for _ in range(12)]
    assert [run.name for run in store.all()] == names[::-1]
    assert RunStore(store.root / "nowhere").all() == []


def test_a_run_comes_before_a_file_of_the_same_name(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(config)
    record(run, small_corpus, config)
    monkeypatch.chdir(tmp_path)
    (tmp_path / run.name).write_text("not a model")
    assert store.checkpoint_path(run.name) == run.best_path


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"preset": 1}'])
def test_a_damaged_configuration_is_refused(store: RunStore, config: RunConfig, content: bytes) -> None:
    run = store.create(config)
    run.config_path.write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        run.config()


def test_a_store_that_cannot_be_written_is_refused(tmp_path: Path, config: RunConfig) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot hold a new run"):
        RunStore(tmp_path / "file").create(config)


def test_where_runs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARLSTM_RUNS", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("CHARLSTM_RUNS")
    checkout = Path(__file__).resolve().parents[3]
    assert default_root() == checkout / "checkpoints" / "runs"
    installed = tmp_path / "site-packages" / "core" / "__init__.py"
    monkeypatch.setattr(core, "__file__", str(installed))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_root().name == "runs"
    assert "charlstm-tui" in default_root().parts


@pytest.mark.parametrize("name", ["moliere", "MOLIERE", "CON", "nul", "com1.txt", "lpt9", "..", ".", "a.", "é" * 125])
def test_names_that_mean_something_else_are_refused(store: RunStore, config: RunConfig, name: str) -> None:
    with pytest.raises(UserError):
        store.create(config, name)
    run = store.create(config, "sheep")
    with pytest.raises(UserError):
        store.rename(run.name, name)
    assert [run.name for run in store.all()] == ["sheep"]


def test_a_run_without_a_name_is_refused(store: RunStore, config: RunConfig) -> None:
    with pytest.raises(UserError, match="must have a name"):
        store.create(config, "")


def test_a_name_that_is_too_long_is_told_its_length(store: RunStore, config: RunConfig) -> None:
    with pytest.raises(UserError, match=r"is too long: 101 characters\. A run's name has at most 100"):
        store.create(config, "n" * 101)
    assert store.create(config, "n" * 100).name == "n" * 100


def test_a_run_that_has_the_shipped_model_s_name_already_is_reached_by_its_folder(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(config, "sheep")
    record(run, small_corpus, config)
    run.path.rename(store.root / "moliere")
    ours = tmp_path / "ours.safetensors"
    ours.write_bytes(b"")
    monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: ours)
    assert store.checkpoint_path("moliere") == ours
    assert store.checkpoint_path(str(store.root / "moliere")) == store.root / "moliere" / "best.safetensors"
    assert store.rename("moliere", "sheep").name == "sheep"


def test_a_run_s_folder_stands_for_its_model(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(config)
    record(run, small_corpus, config)
    assert store.checkpoint_path(str(run.path)) == run.best_path
    assert store.checkpoint_path(f"{run.path}/") == run.best_path
    monkeypatch.chdir(run.path.parent)
    assert RunStore(tmp_path / "elsewhere").checkpoint_path(f"./{run.name}").samefile(run.best_path)
    with pytest.raises(UserError, match="There is no checkpoint"):
        store.checkpoint_path(str(tmp_path))


@pytest.mark.parametrize("preset", ["../../elsewhere", "/tmp/elsewhere", "a/b", "", "\x1b[31m"])
def test_what_a_file_calls_its_preset_makes_no_folder_elsewhere(
    store: RunStore, config: RunConfig, preset: str
) -> None:
    run = store.create(msgspec.structs.replace(config, preset=preset))
    assert run.path == store.root / "run-1"


def test_a_folder_of_runs_that_may_not_be_read_is_told_and_not_taken_for_empty(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        store.all()


def test_a_run_that_may_not_be_read_is_not_called_missing(
    store: RunStore, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create(config, "mine")
    store.create(config, "other")

    def look(path: Path) -> bool:
        if path.parent.name == "mine":
            raise PermissionError(13, "Permission denied", str(path))
        return path.exists()

    monkeypatch.setattr(Path, "is_file", look)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        store.get("mine")
    assert [run.name for run in store.all()] == ["other"]
