"""Drawing the next character of many texts, and which of the draws may have been decided by rounding."""

import numpy as np
from numpy.typing import NDArray

from core.sampling.filtering import weights_of
from core.settings.config import SamplingConfig

ROUNDING = 1.5e-5
"""Bound on the difference between a logit computed alone and in a batch, apart from a shift common to all logits, for
layers of at most 512 cells. At 1×128 and 1×512, over 3,000 characters, the cumulative probability at a boundary had a
relative difference of at most 5.5e-6."""
_CELLS = 512

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


def rounding_of(cells: int) -> float:
    """Return the bound for layers of so many cells.

    With the bundled model, 1×1024, the relative difference was at most 1.8e-5 over 640,000 characters.
    """
    return ROUNDING * max(1.0, cells / _CELLS)


def draw(
    logits: NDArray[np.float32], randoms: NDArray[np.float64], config: SamplingConfig, rounding: float = ROUNDING
) -> tuple[Ids, Flags]:
    """Draw the next character of each text as `Sampler` does.

    Args:
        logits: the logits of each text, (N, V).
        randoms: a random number between 0 and 1 for each text, (N,).
        config: temperature, top-k and top-p.
        rounding: bound on the differences of the logits.

    Returns:
        The drawn ids, (N,), and flags, (N,): True if the draw is doubtful, because rounding may have decided it, or
        if no character can be drawn.
    """
    if config.temperature == 0:
        rows = np.arange(len(logits))
        chosen = logits.argmax(axis=1)
        second = np.partition(logits, -2, axis=1)[:, -2] if logits.shape[1] > 1 else np.full(len(logits), -np.inf)
        return chosen, ~(logits[rows, chosen] - second > 2 * rounding) | ~np.isfinite(logits).all(axis=1)
    chosen, bounds = draw_by_weight(logits, randoms, config)
    doubtful = is_close(bounds, config, rounding)
    if config.top_k or config.top_p < 1:
        doubtful |= _cut_is_doubtful(logits, config, rounding) | ~np.isfinite(logits).all(axis=1)
    return chosen, doubtful


def draw_by_weight(
    logits: NDArray[np.float32], randoms: NDArray[np.float64], config: SamplingConfig
) -> tuple[Ids, NDArray[np.float64]]:
    """Draw characters at a temperature above 0.

    Returns:
        The drawn ids, (N,), and for each draw, (4, N): the sum of the weights below the drawn character, the sum with
        it, the sum that was drawn, and the sum of all weights.
    """
    rows = np.arange(len(logits))
    weights = weights_of(logits, config)
    below = weights.cumsum(axis=1)
    bounds = np.empty((4, len(logits)))
    under, above, target, total = bounds
    total[:] = below[:, -1]
    np.multiply(randoms, total, out=target)
    chosen = np.minimum((below <= target[:, None]).sum(axis=1), logits.shape[1] - 1)
    above[:] = below[rows, chosen]
    np.subtract(above, weights[rows, chosen], out=under)
    return chosen, bounds


def is_close(bounds: NDArray[np.float64], config: SamplingConfig, rounding: float = ROUNDING) -> Flags:
    """Return whether rounding may have decided a draw, from what `draw_by_weight` returns: (4, …) to (…)."""
    under, above, target, total = bounds
    blur = _blur(config, rounding)
    with np.errstate(over="ignore"):
        sure: Flags = (target - under >= blur * np.minimum(under, total - under)) & (
            above - target >= blur * np.minimum(above, total - above)
        )
    return ~sure


def _blur(config: SamplingConfig, rounding: float) -> float:
    """Return the bound on the relative difference of a weight; finite even for a tiny temperature."""
    return min(rounding / config.temperature, 1e300)


def _cut_is_doubtful(logits: NDArray[np.float32], config: SamplingConfig, rounding: float) -> Flags:
    """Return whether rounding may have decided which characters top-k and top-p keep, for each text: (N,)."""
    blur = _blur(config, rounding)
    whole = weights_of(logits, SamplingConfig(temperature=config.temperature))
    ordered = -np.sort(-whole, axis=1)
    doubtful = np.zeros(len(logits), dtype=bool)
    if 0 < config.top_k < ordered.shape[1]:
        doubtful |= ordered[:, config.top_k - 1] - ordered[:, config.top_k] <= 2 * blur * ordered[:, config.top_k - 1]
        ordered[:, config.top_k :] = 0
    if config.top_p < 1:
        before = (ordered.cumsum(axis=1) - ordered) / ordered.sum(axis=1, keepdims=True)
        doubtful |= (np.abs(before - config.top_p) <= blur * np.minimum(before, 1 - before)).any(axis=1)
        neighbours = ordered[:, :-1] - ordered[:, 1:] <= 2 * blur * ordered[:, :-1]  # their order is doubtful
        # The one before is kept, or might be, and the next one is cut off, or might be.
        at_the_cut = (before[:, :-1] < config.top_p + blur) & (before[:, 1:] >= config.top_p - blur)
        doubtful |= (neighbours & at_the_cut & (ordered[:, 1:] > 0)).any(axis=1)
    return doubtful
