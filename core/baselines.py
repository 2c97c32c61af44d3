"""n-gram models to hold a loss against: what counting alone achieves on the same text, cut the same way.

Interpolated Witten-Bell: how often a character c followed a context h, with as much weight given to the next shorter
context h' as h had distinct characters T(h) after it (Witten and Bell, 1991; in the interpolated form of Chen and
Goodman, 1998, section 2.4):

    P_k(c | h) = (count(h c) + T(h) P_k-1(c | h')) / (count(h) + T(h)),    P_0 = 1 / V

The characters of the measured part are predicted from those before them in that part: the first from nothing.
"""

import hashlib
from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.corpus import Corpus, CorpusConfig, Part
from core.errors import UserError
from core.files import write_atomically
from core.folders import cache_folder
from core.passage import Ids
from core.vocabulary import Vocabulary

ORDERS = 6
"""The longest n-gram."""
MOST_CHARACTERS = 20_000_000
"""Of a training part: counting takes some hundred bytes a character."""
_FORMAT = 1
_NAMES = {0: "uniform", 1: "unigram", 2: "bigram"}

Keys = NDArray[np.int64]


class Baseline(Struct, frozen=True, kw_only=True):
    """One n-gram model's loss."""

    order: int
    loss: float
    """Nats a character."""

    @property
    def name(self) -> str:
        """What it is called."""
        return _NAMES.get(self.order, f"{self.order}-gram")


class Baselines(Struct, frozen=True, kw_only=True):
    """The losses of all orders on one part of a text."""

    part: Part
    characters: int
    of: tuple[Baseline, ...]
    """By order, from 0."""

    @property
    def best(self) -> Baseline:
        """The one with the lowest loss."""
        return min(self.of, key=lambda baseline: baseline.loss)


class BaselineProgress(Struct, frozen=True, kw_only=True):
    """How much of the counting is done."""

    done: float


def measure_baselines(corpus: Corpus, part: Part, validation: float = 0.0) -> Iterator[BaselineProgress | Baselines]:
    """Count the training part and measure another one, yielding progress and, last, the losses of all orders.

    Once measured they are kept, and found again. To stop, stop asking.

    Raises:
        UserError: the part is empty, or the training part too long to be counted.
    """
    known = known_baselines(corpus.config, part, validation)
    if known is not None:
        yield known
        return
    train, measured = corpus.part("train", validation), corpus.part(part, validation)
    if not len(measured) or not len(train):
        raise UserError(f"This text has no {part} part to measure n-grams on.")
    if len(train) > MOST_CHARACTERS:
        raise UserError(f"n-grams are counted in texts of up to {MOST_CHARACTERS:,} characters; this one has more.")
    vocabulary = Vocabulary(corpus.characters)
    losses = []
    for loss in _losses(_all(train.ids(vocabulary)), _all(measured.ids(vocabulary)), len(vocabulary)):
        losses.append(loss)
        yield BaselineProgress(done=len(losses) / (ORDERS + 1))
    baselines = Baselines(
        part=part,
        characters=len(measured),
        of=tuple(Baseline(order=order, loss=loss) for order, loss in enumerate(losses)),
    )
    _keep(baselines, corpus.config, validation)
    yield baselines


def known_baselines(corpus: CorpusConfig, part: Part, validation: float = 0.0) -> Baselines | None:
    """Return what was measured before for a text that was read, cut this way; None if that was never done."""
    if not corpus.sha256:
        return None
    path = cache_folder() / "baselines" / _file_name(corpus, part, validation)
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Baselines)
    except (OSError, ValueError):  # not there, or damaged
        return None
    return known if [baseline.order for baseline in known.of] == list(range(ORDERS + 1)) else None


def _losses(train: Keys, measured: Keys, vocabulary_size: int) -> Iterator[float]:
    """Yield the mean loss of each order from 0 on, for ids (n,) to count and ids (m,) to measure.

    Every n-gram that occurs is known by its rank among those of its length, so that a key, the rank of a context times
    V and a character, stays small however large the alphabet and however long the n-gram.
    """
    probabilities = np.full(len(measured), 1 / vocabulary_size)  # (m,)
    yield float(-np.log(probabilities).mean())
    contexts = np.zeros(len(train), dtype=np.int64)  # (n,): the rank of what stands before each character
    looked_up = np.zeros(len(measured), dtype=np.int64)  # (m,): the same, -1 for what never occurred
    for order in range(1, ORDERS + 1):
        begins = order - 1  # before that, a character has no context of this length
        keys, ranks, counts = np.unique(
            contexts[begins:] * vocabulary_size + train[begins:], return_inverse=True, return_counts=True
        )
        of_key = keys // vocabulary_size  # the context of each n-gram
        seen = np.bincount(of_key, weights=counts)  # of each context: how often it occurs
        distinct = np.bincount(of_key)  # and how many different characters follow it
        places, found = _look_up(keys, looked_up * vocabulary_size + measured, looked_up >= 0)
        has_context = (looked_up >= 0) & (looked_up < len(seen))
        context = np.where(has_context, looked_up, 0)
        follows = np.where(found, counts[places], 0)
        mixed = (follows + distinct[context] * probabilities) / np.maximum(seen[context] + distinct[context], 1)
        probabilities = np.where(has_context & (seen[context] > 0), mixed, probabilities)
        yield float(-np.log(probabilities).mean())
        contexts[begins + 1 :] = ranks[:-1]  # what ends at one character stands before the next
        looked_up[1:] = np.where(found, places, -1)[:-1]
        looked_up[0] = -1


def _look_up(keys: Keys, wanted: Keys, possible: NDArray[np.bool_]) -> tuple[Keys, NDArray[np.bool_]]:
    """Return the places of the wanted keys among the sorted ones, and which of them are there."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, possible & (keys[places] == wanted)


def _all(ids: Ids) -> Keys:
    return ids.take(np.arange(len(ids))).astype(np.int64)


def _file_name(corpus: CorpusConfig, part: Part, validation: float) -> str:
    what = (_FORMAT, corpus.sha256, corpus.limit, corpus.split, part, validation)
    return hashlib.sha256(msgspec.json.encode(what)).hexdigest() + ".json"


def _keep(baselines: Baselines, corpus: CorpusConfig, validation: float) -> None:
    """Note what was measured; where that cannot be written, it will be measured again."""
    folder = cache_folder() / "baselines"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(
            folder / _file_name(corpus, part=baselines.part, validation=validation), msgspec.json.encode(baselines)
        )
    except (OSError, UserError):
        return
