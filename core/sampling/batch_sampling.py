"""Many texts at once, each from a seed of its own: a step reads a character of all of them in one matrix product.

They are the very texts that a `Sampler` would give. The product of many rows rounds otherwise than that of one, by some
millionths; so a draw that falls closer than that to the border between two characters cannot be trusted, and that text
is written anew by itself: one in a dozen of 250 characters.
"""

import time
from collections.abc import Iterator
from itertools import islice

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.data.vocabulary import Vocabulary
from core.model.char_lstm import CharLSTM
from core.model.numpy_lstm import NumpyLSTM
from core.sampling.filtering import weights_of
from core.sampling.prompt import fit
from core.sampling.sampler import Sampler, read_prompt
from core.settings.config import SamplingConfig

AT_ONCE = 64
"""Texts in a batch."""
LONGEST = 2_000
"""Characters; of longer texts too many would have to be written twice."""
ROUNDING = 1.5e-5
"""How far apart two logits, less the shift that all of them share, may be, computed alone or among others. At 1×128 and
1×512, over 3,000 characters, the share of probability up to a border differed by 5.5e-6 of itself at most."""
REPORT_SECONDS = 0.1

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Text(Struct, frozen=True):
    """A text that is finished, without its prompt."""

    seed: int
    text: str
    characters_per_second: float
    """Of its batch as a whole."""


class Writing(Struct, frozen=True):
    """How far it is."""

    characters: int
    """Written so far, of all texts."""


def write_texts(
    model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, prompt: str = "", *, length: int, count: int
) -> Iterator[Writing | Text]:
    """Write `count` texts of `length` characters, with the seeds from `config.seed` on. Yields them in that order.

    Raises:
        UserError: what the model expects is not a number, so that nothing can be drawn.
    """
    written = 0
    for first in range(0, count, AT_ONCE):
        seeds = range(config.seed + first, config.seed + min(first + AT_ONCE, count))
        started = time.perf_counter()
        texts: list[str] = []
        for event in _batch(model, vocabulary, config, prompt, length, seeds):
            if isinstance(event, list):
                texts = event
            else:
                yield Writing(written + event)
        speed = length * len(seeds) / (time.perf_counter() - started)
        written += length * len(seeds)
        for seed, text in zip(seeds, texts, strict=True):
            yield Text(seed=seed, text=text, characters_per_second=speed)


def _batch(
    model: CharLSTM, vocabulary: Vocabulary, config: SamplingConfig, prompt: str, length: int, seeds: range
) -> Iterator[int | list[str]]:
    """Write one text a seed. Yields how many characters there are, now and then, and at last the texts."""
    doubted = np.ones(len(seeds), dtype=bool)
    ids: Ids = np.empty((length if length <= LONGEST else 0, len(seeds)), dtype=np.int64)
    if len(seeds) > 1 and length <= LONGEST:
        doubted[:] = False
        state, last = read_prompt(model, vocabulary, fit(prompt, vocabulary))
        lstm = NumpyLSTM(model, state, texts=len(seeds))
        generators = [np.random.default_rng(seed) for seed in seeds]
        randoms = np.stack([generator.random(length) for generator in generators], axis=1)  # (length, N)
        logits = lstm.step(np.full(len(seeds), last))
        reported = time.perf_counter()
        for place in range(length):
            chosen, doubtful = draw(logits, randoms[place], config)
            ids[place] = chosen
            doubted |= doubtful
            logits = lstm.step(chosen)
            if time.perf_counter() - reported > REPORT_SECONDS:
                reported = time.perf_counter()
                yield place * len(seeds)
    codes = np.array([ord(character) for character in vocabulary.characters], dtype="<u4")
    texts = []
    for number, seed in enumerate(seeds):
        if not doubted[number]:
            texts.append(codes[ids[:, number]].tobytes().decode("utf-32-le", "surrogatepass"))
            continue
        alone = Sampler(model, vocabulary, msgspec.structs.replace(config, seed=seed), prompt)
        pieces: list[str] = []
        while len(pieces) * 1_000 < length:
            pieces.append("".join(drawn.character for drawn in islice(alone, min(1_000, length - len(pieces) * 1_000))))
            if length > LONGEST:
                yield number * length + min(len(pieces) * 1_000, length)
        texts.append("".join(pieces))
    yield texts


def draw(logits: NDArray[np.float32], randoms: NDArray[np.float64], config: SamplingConfig) -> tuple[Ids, Flags]:
    """Draw a character of each text, ids (N,), for logits (N, V) and numbers from 0 to 1 (N,), as `Sampler` does.

    The second is True where rounding might have decided. Where nothing can be drawn, that is so too.
    """
    rows = np.arange(len(logits))
    if config.temperature == 0:
        chosen = logits.argmax(axis=1)
        second = np.partition(logits, -2, axis=1)[:, -2] if logits.shape[1] > 1 else np.full(len(logits), -np.inf)
        return chosen, ~(logits[rows, chosen] - second > 2 * ROUNDING)
    weights = weights_of(logits, config)
    below = weights.cumsum(axis=1)
    total = below[:, -1]
    target = randoms * total
    chosen = np.minimum((below <= target[:, None]).sum(axis=1), logits.shape[1] - 1)
    above = below[rows, chosen]
    under = above - weights[rows, chosen]
    blur = min(ROUNDING / config.temperature, 1e300)  # of a temperature that is next to nothing
    with np.errstate(over="ignore"):
        sure = (target - under >= blur * np.minimum(under, total - under)) & (
            above - target >= blur * np.minimum(above, total - above)
        )
    doubtful: Flags = ~sure
    if config.top_k or config.top_p < 1:
        doubtful |= _cut_is_doubtful(logits, config, blur)
    return chosen, doubtful


def _cut_is_doubtful(logits: NDArray[np.float32], config: SamplingConfig, blur: float) -> Flags:
    """Tell where rounding might have decided which characters top-k and top-p keep, (N,)."""
    whole = weights_of(logits, SamplingConfig(temperature=config.temperature))
    ordered = -np.sort(-whole, axis=1)
    doubtful = np.zeros(len(logits), dtype=bool)
    if 0 < config.top_k < ordered.shape[1]:
        doubtful |= ordered[:, config.top_k - 1] - ordered[:, config.top_k] <= blur * ordered[:, config.top_k - 1]
        ordered[:, config.top_k :] = 0
    if config.top_p < 1:
        before = (ordered.cumsum(axis=1) - ordered) / ordered.sum(axis=1, keepdims=True)
        doubtful |= (np.abs(before - config.top_p) <= blur * np.minimum(before, 1 - before)).any(axis=1)
        neighbours = ordered[:, :-1] - ordered[:, 1:] <= blur * ordered[:, :-1]  # which of two comes first
        at_the_cut = (before[:, 1:] < config.top_p + blur) & (before[:, 1:] + 2 * ordered[:, 1:] >= config.top_p - blur)
        doubtful |= (neighbours & at_the_cut & (ordered[:, 1:] > 0)).any(axis=1)
    return doubtful
