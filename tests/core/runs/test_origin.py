from pathlib import Path

import pytest

from core.data.corpus import Corpus
from core.errors import UserError
from core.runs.origin import hashed, origin_of, sha256_of
from core.runs.recorder import record
from core.runs.run import Run, RunConfig
from core.runs.store import RunStore
from core.training.trainer import Trainer
from tests.conftest import TINY_MODEL, TINY_TRAINING


@pytest.fixture
def run(store: RunStore, small_corpus: Corpus) -> Run:
    config = RunConfig(preset="quick", corpus=small_corpus.config, model=TINY_MODEL, training=TINY_TRAINING)
    run = store.create(config, "sheep")
    for _ in record(run, Trainer(small_corpus, TINY_MODEL, TINY_TRAINING)):
        pass
    return run


def test_a_run_is_an_origin_by_name_by_folder_and_by_file(store: RunStore, run: Run, small_corpus: Corpus) -> None:
    for named in ("sheep", str(run.path), str(run.best_path)):
        origin, model = origin_of(store, named)
        assert (origin.kind, origin.name, origin.path) == ("model", "sheep", str(run.best_path))
        assert (origin.sha256, origin.corpus) == ("", small_corpus.config), "only the header is read"
        assert hashed(origin).sha256 == sha256_of(run.best_path)
        assert model == TINY_MODEL


def test_a_file_elsewhere_is_an_origin_with_its_own_name(store: RunStore, run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(run.best_path.read_bytes())
    assert origin_of(store, str(copy))[0].name == "copy.safetensors"


@pytest.mark.shipped
def test_the_bundled_model_is_an_origin_by_its_name(store: RunStore) -> None:
    origin, model = origin_of(store, "moliere")
    assert (origin.name, model.cell) == ("moliere", "lstm")
    assert origin.corpus is not None
    assert origin.corpus.name == "moliere"


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\xff" * 64, (1 << 60).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"{}"]
)
def test_a_file_that_is_no_checkpoint_is_refused(store: RunStore, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is not a checkpoint of charlstm-tui"):
        origin_of(store, str(path))


def test_a_run_without_a_checkpoint_is_refused(store: RunStore, small_corpus: Corpus) -> None:
    store.create(
        RunConfig(preset="quick", corpus=small_corpus.config, model=TINY_MODEL, training=TINY_TRAINING), "empty"
    )
    with pytest.raises(UserError, match="has no checkpoint"):
        origin_of(store, "empty")
