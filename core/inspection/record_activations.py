"""Gates and cells, character by character: a network reads a text, and all that it computes is kept.

It is the same arithmetic that writes texts, `core.model.numpy_lstm`: what is shown is what is used.
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
"""Characters between two reports."""
_AS_EXPECTED = SamplingConfig(temperature=1.0)


def look_inside(model: CharLSTM, vocabulary: Vocabulary, activations: Activations) -> Iterator[float]:
    """Have a network read the text of `activations` from nothing, and keep there what goes on inside.

    The model must know all its characters: `core.sampling.prompt.fit` sees to that. Yields how far it is, 0 to 1;
    `activations` is good between any two. To stop, stop asking.

    Raises:
        UserError: what the model expects is not a number.
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
    """Have a network go on from a text; yield how far it is, 0 to 1, and, last, the text with what it wrote.

    One that begins from nothing reads a character first, see `Vocabulary.start_id`: that is then the text's first.
    """
    text = text or vocabulary.decode([vocabulary.start_id])
    sampler = Sampler(model, vocabulary, config, text)
    written = ""
    for number in range(count):
        written += next(sampler).character
        if number % REPORTED == REPORTED - 1:
            yield (number + 1) / count
    yield text + written
