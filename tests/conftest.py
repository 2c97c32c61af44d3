"""Fixtures of all tests: small texts, the development corpus if it exists, and separate stores."""

import gc
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

# Set before PyTorch is loaded, here and in the processes that tests start: with two tests at a time on two cores,
# threads that wait for each other in a busy loop took up to twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# The processes that tests start use cached bytecode: without it, compiling took a third of a second of the half second
# that each process takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import HealthCheck, settings

from core.data.corpus import Corpus, CorpusConfig, load_corpus
from core.runs.store import RunStore
from core.settings.config import ModelConfig, TrainingConfig

settings.register_profile("few", max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("bulk", max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("few")

T = TypeVar("T")
MAX_CORES = 8
"""Maximum number of cores that tests use; each test process needs up to 0.6 GB."""

REPOSITORY = Path(__file__).resolve().parent.parent
SMALL_TEXT = "".join(f"{number} moutons, {number * 7 % 13} chèvres.\n" for number in range(60))
TINY_MODEL = ModelConfig(embedding_size=6, hidden_size=8, num_layers=2)
TINY_TRAINING = TrainingConfig(
    epochs=2, streams=2, window=10, learning_rate=1e-2, validation=0.1, precision="fp32", threads=1
)


def one_of_each_kind(everyday: Collection[T], every: Collection[T]) -> list[T | ParameterSet]:
    """Return test parameters: those not in `everyday` run only in a thorough test."""
    assert all(one in [*every] for one in everyday), "an everyday case is not among all cases"
    return [one if one in everyday else pytest.param(one, marks=pytest.mark.thorough) for one in every]


def rows_of_each_kind(
    everyday: Collection[tuple[Any, ...]], every: Collection[tuple[Any, ...]]
) -> list[tuple[Any, ...] | ParameterSet]:
    """The same where several parameters are given together, each case a tuple of them."""
    assert all(row in [*every] for row in everyday), "a case that does not exist would never be run"
    return [row if row in everyday else pytest.param(*row, marks=pytest.mark.thorough) for row in every]


def pytest_xdist_auto_num_workers() -> int:
    """Run as many tests at a time as there are cores. One more was 13 % faster, but a snapshot was drawn too early."""
    return min(os.cpu_count() or 1, MAX_CORES)


def pytest_collection_finish() -> None:
    """Collect garbage rarely: visiting the objects of PyTorch took a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish() -> None:
    """At its end pytest collects garbage five times over; nothing that is left then is looked at."""
    gc.freeze()


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own folders: no test writes into the checkout's runs or reads a user's texts."""
    root = tmp_path / "runs"
    monkeypatch.setenv("CHARLSTM_RUNS", str(root))
    monkeypatch.setenv("CHARLSTM_DATA", str(tmp_path / "data"))
    return root


@pytest.fixture(autouse=True)
def no_shipped_model(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Hide the bundled model from tests; a test marked `shipped` has it."""
    if "shipped" not in request.keywords:
        monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: None)


@pytest.fixture
def store(own_runs: Path) -> RunStore:
    return RunStore(own_runs)


@pytest.fixture
def small_text(tmp_path: Path) -> Path:
    path = tmp_path / "moutons.txt"
    path.write_text(SMALL_TEXT, encoding="utf-8")
    return path


@pytest.fixture
def small_corpus(small_text: Path) -> Corpus:
    return load_corpus(CorpusConfig(source=str(small_text)))


@pytest.fixture
def tiny_model() -> ModelConfig:
    return TINY_MODEL


@pytest.fixture
def tiny_training() -> TrainingConfig:
    return TINY_TRAINING


class TickingClock:
    """A clock that advances by a millisecond at each call, whatever the load of the machine."""

    now = 0.0

    def perf_counter(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def training_clock(monkeypatch: pytest.MonkeyPatch) -> TickingClock:
    """Replace the clock of training by a `TickingClock`."""
    clock = TickingClock()
    monkeypatch.setattr("core.stopped_time.time", clock)
    return clock


@pytest.fixture(scope="session")
def moliere() -> Path:
    """The development corpus, which is not part of the project."""
    path = REPOSITORY.parent / "shared" / "moliere.txt"
    if not path.is_file():
        pytest.skip(f"no corpus: {path.name} in the folder `shared` next to the checkout")
    return path
