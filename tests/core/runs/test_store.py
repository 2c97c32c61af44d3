from pathlib import Path

import msgspec
import pytest

import core
from core.control import Control
from core.data.corpus import Corpus
from core.errors import UserError
from core.events import Event
from core.runs.recorder import record as recorded
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore, default_root
from core.training.trainer import Trainer


def record(run: Run, corpus: Corpus, config: RunConfig, control: Control | None = None) -> list[Event]:
    return list(recorded(run, Trainer(corpus, config.model, config.training), control))


def test_names_are_numbered_and_never_taken_twice(store: RunStore, config: RunConfig) -> None:
    assert [store.create(config).name for _ in range(3)] == ["quick-1", "quick-2", "quick-3"]
    store.create(config, "mine")
    with pytest.raises(UserError, match="a run called mine already"):
        store.create(config, "mine")


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a\nb", "-dash"])
def test_a_name_that_cannot_name_a_folder_is_refused(store: RunStore, config: RunConfig, name: str) -> None:
    with pytest.raises(UserError, match="cannot be called"):
        store.create(config, name)


def test_a_checkpoint_is_named_by_its_run_or_its_path(store: RunStore, small_corpus: Corpus, config: RunConfig) -> None:
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


def test_a_run_is_preferred_to_a_file_of_the_same_name(
    store: RunStore, small_corpus: Corpus, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(config)
    record(run, small_corpus, config)
    monkeypatch.chdir(tmp_path)
    (tmp_path / run.name).write_text("not a model")
    assert store.checkpoint_path(run.name) == run.best_path


def test_a_store_that_cannot_be_written_is_refused(tmp_path: Path, config: RunConfig) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot hold a new run"):
        RunStore(tmp_path / "file").create(config)


def test_the_default_folder_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_reserved_names_are_refused(store: RunStore, config: RunConfig, name: str) -> None:
    with pytest.raises(UserError):
        store.create(config, name)
    run = store.create(config, "sheep")
    with pytest.raises(UserError):
        store.rename(run.name, name)
    assert [run.name for run in store.all()] == ["sheep"]


def test_a_run_without_a_name_is_refused(store: RunStore, config: RunConfig) -> None:
    with pytest.raises(UserError, match="must have a name"):
        store.create(config, "")


def test_a_name_that_is_too_long_is_refused_with_its_length(store: RunStore, config: RunConfig) -> None:
    with pytest.raises(UserError, match=r"is too long: 101 characters\. A run's name has at most 100"):
        store.create(config, "n" * 101)
    assert store.create(config, "n" * 100).name == "n" * 100


def test_an_old_run_with_the_bundled_model_s_name_is_named_by_its_folder(
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


def test_a_run_s_folder_names_its_best_checkpoint(
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
def test_the_preset_name_of_a_file_creates_no_folder_elsewhere(store: RunStore, config: RunConfig, preset: str) -> None:
    run = store.create(msgspec.structs.replace(config, preset=preset))
    assert run.path == store.root / "run-1"


def test_an_unreadable_folder_of_runs_is_reported_and_not_listed_as_empty(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        store.all()


def test_an_unreadable_run_is_not_reported_as_missing(
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


def test_a_run_whose_settings_cannot_be_written_leaves_its_name_free(
    store: RunStore, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("core.files.replace_with", full)
        with pytest.raises(UserError, match="No space left"):
            store.create(config, "mine")
    assert store.create(config, "mine").name == "mine"
