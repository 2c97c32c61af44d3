"""What the tests of the screens share: an app with a store of its own, and ways to wait for it."""

import asyncio
import time
from collections.abc import Callable

import pytest

from charlstm_tui.app import CharLSTMApp
from core.config import ModelConfig, TrainingConfig
from core.corpus import Corpus
from core.recording import record
from core.runs import Run, RunConfig, RunStore
from core.training import Trainer


@pytest.fixture
def app(store: RunStore) -> CharLSTMApp:
    return CharLSTMApp(store)


@pytest.fixture
def trained(store: RunStore, small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> Run:
    """A run that was trained before the app opens."""
    config = RunConfig(preset="quick", corpus=small_corpus.config, model=tiny_model, training=tiny_training)
    run = store.create(config, "sheep")
    for _ in record(run, Trainer(small_corpus, tiny_model, tiny_training)):
        pass
    return run


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so; fail when it does not come to be."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not come to be in time"
        await asyncio.sleep(0.02)
