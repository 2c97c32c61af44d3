"""Recording activations: a network reads a text, and its gates and cells are stored for each character.

The network is computed by `core.model.numpy_lstm`, the same code that generates text.
"""

from collections.abc import Iterator

import numpy as np

from core.data.vocabulary import Vocabulary
from core.inspection.activations import Activations
from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.sampling.filtering import adjusted, check_soundness
from core.sampling.sampler import Sampler
from core.settings.config import SamplingConfig

REPORTED = 20
"""Number of characters between two progress reports."""
_AS_EXPECTED = SamplingConfig(temperature=1.0)


def record_activations(model: CharLSTM, vocabulary: Vocabulary, activations: Activations) -> Iterator[float]:
    """Run a network over the text of `activations`, from a zero state, and store its activations there.

    The model must know all characters of the text; `core.sampling.prompt.fit` ensures that. Yields the progress, 0 to
    1. `activations` may be read at each yield. To cancel, stop iterating.

    Raises:
        UserError: the logits are not finite.
    """
    ids = vocabulary.encode(activations.text)
    lstm = NumpyLSTM(model, None)
    for place in range(len(ids)):
        logits = lstm.step(ids[place : place + 1])[0]
        check_soundness(bool(np.isfinite(logits).all()))
        following = int(ids[place + 1]) if place + 1 < len(ids) else None
        activations.add(
            [[values[0] for values in layer] for layer in lstm.activations()],
            adjusted(logits, _AS_EXPECTED).astype(np.float32),
            following,
        )
        if place % REPORTED == REPORTED - 1:
            yield (place + 1) / len(ids)
    yield 1.0


def write_on(
    model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, text: str, count: int
) -> Iterator[float | str]:
    """Generate `count` characters after a text. Yields the progress, 0 to 1, and, last, the text with them.

    If the text is empty, it starts with the character that the network reads first, `Vocabulary.start_id`.
    """
    text = text or vocabulary.decode([vocabulary.start_id])
    sampler = Sampler(model, vocabulary, config, text)
    generated = ""
    for number in range(count):
        generated += next(sampler).character
        if number % REPORTED == REPORTED - 1:
            yield (number + 1) / count
    yield text + generated
