"""From logits to the distribution that is sampled from: temperature, top-k and top-p."""

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.settings.config import SamplingConfig

_COLDEST = 1e-200
"""Lowest temperature that is computed with: a lower one would overflow, and gives the same samples."""

Logits = NDArray[np.float32]
Probabilities = NDArray[np.float64]


def weights_of(logits: Logits, config: SamplingConfig) -> Probabilities:
    """Return the weights to sample with, (..., V), for logits (..., V). They need not sum to 1.

    The temperature must be above 0. Top-p is nucleus sampling: Holtzman et al., "The Curious Case of Neural Text
    Degeneration", 2020, section 3.1.
    """
    weights = logits.astype(np.float64)
    weights -= weights.max(axis=-1, keepdims=True)  # so that a tiny temperature gives 0 and -inf, never inf - inf
    if config.temperature != 1:
        weights /= max(config.temperature, _COLDEST)
    np.exp(weights, out=weights)
    if not config.top_k and config.top_p == 1:
        return weights
    order = np.argsort(-weights, axis=-1, kind="stable")
    ordered = np.take_along_axis(weights, order, axis=-1)
    if config.top_k:
        ordered[..., config.top_k :] = 0
    if config.top_p < 1:
        before = ordered.cumsum(axis=-1) - ordered
        # the most likely character always stays: nothing is before it
        ordered[before >= config.top_p * ordered.sum(axis=-1, keepdims=True)] = 0
    np.put_along_axis(weights, order, ordered, axis=-1)
    return weights


def adjusted(logits: Logits, config: SamplingConfig) -> Probabilities:
    """Return the probabilities to sample with, (V,), for logits (V,). At temperature 0, the most likely has 1."""
    if config.temperature == 0:
        certain = np.zeros(len(logits))
        certain[logits.argmax()] = 1
        return certain
    weights = weights_of(logits, config)
    weights /= weights.sum()
    return weights


def check_soundness(is_sound: bool) -> None:
    """Raise an error if a model's logits are not sound: NaN or infinite.

    Raises:
        UserError: they are not sound.
    """
    if not is_sound:
        raise UserError("The weights of this model are damaged: its predictions are NaN or infinite.")
