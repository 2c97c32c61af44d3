"""Fixtures of the tests of runs."""

import pytest

from core.data.corpus import Corpus
from core.runs.run import RunConfig
from core.settings.config import ModelConfig, TrainingConfig


@pytest.fixture
def config(small_corpus: Corpus, tiny_model: ModelConfig, tiny_training: TrainingConfig) -> RunConfig:
    return RunConfig(preset="quick", corpus=small_corpus.config, model=tiny_model, training=tiny_training)
