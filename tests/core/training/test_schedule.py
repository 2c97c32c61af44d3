import pytest

from core.settings.config import TrainingConfig
from core.training.schedule import rate_share


def test_the_default_rate_is_constant() -> None:
    assert {rate_share(progress / 10, TrainingConfig()) for progress in range(11)} == {1.0}


def test_the_rate_rises_linearly_and_falls_along_a_cosine() -> None:
    config = TrainingConfig(warmup=0.2, final_rate=0.1)
    assert [rate_share(progress, config) for progress in (0.0, 0.1, 0.2)] == pytest.approx([0, 0.5, 1])
    assert rate_share(0.6, config) == pytest.approx(0.55)
    assert rate_share(1.0, config) == pytest.approx(0.1)
