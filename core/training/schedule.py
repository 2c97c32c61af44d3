"""The learning rate schedule."""

import math

from core.settings.config import TrainingConfig


def rate_share(progress: float, config: TrainingConfig) -> float:
    """Return the factor of the learning rate at this progress of the run, 0 to 1: linear warm-up, then a cosine."""
    if progress < config.warmup:
        return progress / config.warmup
    along = (progress - config.warmup) / (1 - config.warmup)
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * along)) / 2
