"""The learning rate through a run."""

import math

from core.settings.config import TrainingConfig


def rate_share(progress: float, config: TrainingConfig) -> float:
    """Return which share of the learning rate holds when this share of the run is done: up a line, down a cosine."""
    if progress < config.warmup:
        return progress / config.warmup
    along = (progress - config.warmup) / (1 - config.warmup)
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * along)) / 2
