"""Fine-tuning: a run that begins with the weights of another model instead of random ones.

The network keeps its shape. Its vocabulary becomes that of the new text: characters that both know keep their rows of
the embedding and of the output layer, new ones begin near the mean of the old rows, and unused ones are dropped.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.origin_model import load_origin
from core.data.corpus import Corpus
from core.data.vocabulary import Vocabulary
from core.runs.run import Origin, RunConfig
from core.settings.config import ModelConfig

NOISE = 0.1
"""Standard deviation of the noise of a new row, as a share of that of the old rows."""
_AFTER_DROPOUT = 1 << 35  # added to the seed, so that new rows do not use the random numbers of dropout
_ROWS = ("embedding.weight", "output.weight", "output.bias")
"""Names of the weights with one row for each character."""


@dataclass(frozen=True, kw_only=True)
class StartingModel:
    """The weights and the vocabulary that a run begins with."""

    origin: Origin
    config: ModelConfig
    vocabulary: Vocabulary
    weights: dict[str, Tensor]
    new: str
    """Characters that the earlier model did not know."""
    dropped: str
    """Characters that only the earlier model knew."""


def start_of(config: RunConfig, corpus: Corpus) -> StartingModel | None:
    """Return the model that a run on a text begins with; None for random weights.

    Raises:
        UserError: as for `load_origin`.
    """
    if config.origin is None:
        return None
    return starting_model(config.origin, corpus.characters, config.training.seed)


def starting_model(origin: Origin, characters: str, seed: int) -> StartingModel:
    """Return the model of `origin` with the vocabulary for a text of these characters.

    Raises:
        UserError: as for `load_origin`.
    """
    return adapted(load_origin(origin), origin, characters, seed)


@torch.no_grad()
def adapted(checkpoint: Checkpoint, origin: Origin, characters: str, seed: int) -> StartingModel:
    """Return the weights of a model with the vocabulary for a text.

    Args:
        checkpoint: the model of `origin`.
        origin: where it comes from, and whether characters that the text does not have are kept.
        characters: the distinct characters of the text.
        seed: the seed of the noise of new rows.
    """
    old = checkpoint.vocabulary
    vocabulary = Vocabulary(characters + old.characters if origin.keeps_vocabulary else characters)
    generator = Generator().manual_seed(seed + _AFTER_DROPOUT)
    places = torch.tensor([old.get(character, -1) for character in vocabulary.characters])
    is_new = places < 0
    weights = {name: weight.detach().clone() for name, weight in checkpoint.model.state_dict().items()}
    for name in _ROWS:
        rows = weights[name]  # (V, E), (V, H) or (V,)
        adapted_rows = rows[places.clamp(min=0)]
        spread = rows.std(dim=0, correction=0)
        noise = torch.randn(adapted_rows[is_new].shape, generator=generator)
        adapted_rows[is_new] = rows.mean(dim=0) + NOISE * spread * noise
        weights[name] = adapted_rows
    return StartingModel(
        origin=origin,
        config=checkpoint.model.config,
        vocabulary=vocabulary,
        weights=weights,
        new="".join(character for character in vocabulary.characters if character not in old),
        dropped="".join(character for character in old.characters if character not in vocabulary),
    )
