"""n-gram models to hold a loss against: what counting alone makes of the same text, cut the same way.

Interpolated Witten-Bell (Witten and Bell, 1991; interpolated as in Chen and Goodman, 1998): the chance of a character c
after the k - 1 characters h, where h' is h without its first one and T(h) is how many distinct characters followed h:

    P_k(c | h) = (count(h c) + T(h) P_k-1(c | h')) / (count(h) + T(h)),    P_0 = 1 / V

One pass from the shortest n-grams to the longest gives the loss of every order. The measured part is read from nothing,
as a network is evaluated: its first character has no context, the second a context of one character, and so on.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from core.data.corpus import Corpus, CorpusConfig
from core.data.splits import Part
from core.data.text_slice import UNKNOWN, Passage
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.files import write_atomically
from core.folders import cache_folder
from core.reports.results import NGRAM_NAMES, Baseline, Baselines
from core.settings.forecast import MAX_COUNTED

MAX_CHARACTERS = MAX_COUNTED
"""Of a training part to count."""
_FORMAT = 2
"""Of the kept files: another number when they, or the figures in them, come to mean something else."""
_PIECE = 1 << 20

Ids = NDArray[np.int32]


class BaselineProgress(Struct, frozen=True, kw_only=True):
    """How far the measuring has come."""

    done: float
    """Share of the orders, 0 to 1."""


def measure_baselines(
    corpus: Corpus, part: Part, validation: float = 0.0, *, counted_in: Corpus | None = None
) -> Iterator[BaselineProgress | Baselines]:
    """Count the training part and measure `part`, yielding progress and, last, the result. To stop, stop asking.

    `validation` is the share kept for validation, as for `Corpus.part`. The training part is that of `counted_in`, if
    it is another text. What was measured is kept, and given at once the next time.

    Raises:
        UserError: the part, or the training part, is empty; or the training part is too long to be counted.
    """
    counted_in = counted_in or corpus
    config = msgspec.structs.replace(corpus.config, sha256=corpus.text.sha256)
    counted = msgspec.structs.replace(counted_in.config, sha256=counted_in.text.sha256)
    if (known := known_baselines(config, part, validation, counted_in=counted)) is not None:
        yield known
        return
    train, measured = _train_and_measured(counted_in, corpus, part, validation)
    losses: list[float] = []
    for loss in _losses(train, measured, len(counted_in.characters)):
        losses.append(loss)
        yield BaselineProgress(done=(len(losses) - 1) / (len(NGRAM_NAMES) - 1))
    baselines = Baselines(
        part=part,
        characters=len(measured),
        of=tuple(
            Baseline(name=name, order=order, loss=loss)
            for order, (name, loss) in enumerate(zip(NGRAM_NAMES, losses, strict=True))
        ),
    )
    if config.sha256 and counted.sha256:
        _keep(baselines, _file_name(config, counted, part, validation))
    yield baselines


def known_baselines(
    corpus: CorpusConfig, part: Part, validation: float = 0.0, *, counted_in: CorpusConfig | None = None
) -> Baselines | None:
    """Return what was measured before, without reading the text; None where nothing was, or the file is damaged."""
    counted_in = counted_in or corpus
    if not corpus.sha256 or not counted_in.sha256:
        return None
    try:
        content = (cache_folder() / "baselines" / _file_name(corpus, counted_in, part, validation)).read_bytes()
        known = msgspec.json.decode(content, type=Baselines)
    except (OSError, msgspec.DecodeError):
        return None
    whole = known.part == part and tuple(baseline.name for baseline in known.of) == NGRAM_NAMES
    return known if whole else None


def _train_and_measured(counted_in: Corpus, corpus: Corpus, part: Part, validation: float) -> tuple[Ids, Ids]:
    """Return the ids of the training part and of the one to measure, which both have some."""
    passage = counted_in.part("train", validation)
    if len(passage) > MAX_CHARACTERS:
        raise UserError(
            f"n-grams are counted in a training part of at most {MAX_CHARACTERS:,} characters, and this one has "
            f"{len(passage):,}. Set a limit to take less of the text."
        )
    vocabulary = Vocabulary(counted_in.characters)
    train, measured = _ids(passage, vocabulary), _ids(corpus.part(part, validation), vocabulary)
    for which, ids in (("train", train), (part, measured)):
        if not len(ids):
            why = "as none was kept" if which == "validation" and not validation else "as it is too short"
            raise UserError(f"This text has no {which} part, {why}. Choose another part, or another text.")
    return train, measured


def _ids(passage: Passage, vocabulary: Vocabulary) -> Ids:
    """Return the ids of a passage, leaving out unknown characters: shape (number of known ones,)."""
    ids = passage.ids(vocabulary)
    pieces = [np.zeros(0, dtype=np.int32)]
    for start in range(0, len(ids), _PIECE):  # places and ids take eight bytes a character, the pieces four
        piece = ids.take(np.arange(start, min(start + _PIECE, len(ids))))
        pieces.append(piece[piece != UNKNOWN].astype(np.int32))
    return np.concatenate(pieces)


def _losses(train: Ids, measured: Ids, vocabulary_size: int) -> Iterator[float]:
    """Yield the mean loss on `measured` of each order, from 0 on. Shapes are (n,) for train, (m,) for measured.

    Each distinct n-gram of the training part is known by its rank among those of its length. A key is the rank of a
    context and the character after it, as one number: below n times V, whatever the order. One rank more stands for
    every n-gram that was never seen: nothing followed it, so the shorter context decides alone.
    """
    V = vocabulary_size
    probabilities = np.full(len(measured), 1 / V)
    yield _loss(probabilities)
    contexts = 1  # distinct ones of the length at hand; of no length, there is one
    train_context = np.zeros(len(train), dtype=np.int64)  # what each character follows
    context = np.zeros(len(measured), dtype=np.int64)
    for order in range(1, len(NGRAM_NAMES)):
        begin = order - 1  # earlier characters have no context of this length
        keys, train_ngram, count = np.unique(train_context * V + train[begin:], return_inverse=True, return_counts=True)
        followed = np.bincount(train_context, minlength=contexts + 1)  # count(h)
        distinct = np.bincount(keys // V, minlength=contexts + 1)  # T(h)
        ngram = _ranks(keys, context * V + measured[begin:])
        shorter = probabilities[begin:]
        counted = np.append(count, 0)[ngram] + distinct[context] * shorter
        total = followed[context] + distinct[context]
        np.divide(counted, total, out=shorter, where=total > 0)
        yield _loss(probabilities)
        contexts, train_context, context = len(keys), train_ngram[:-1], ngram[:-1]


def _ranks(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of the wanted among the sorted keys, and `len(keys)` for those that are not there."""
    ranks = np.searchsorted(keys, wanted)
    ranks[np.append(keys, -1)[ranks] != wanted] = len(keys)
    return ranks


def _loss(probabilities: NDArray[np.float64]) -> float:
    return float(-np.log(probabilities).mean())


def _keep(baselines: Baselines, name: str) -> None:
    """Note what was measured; what cannot be written is measured anew another time."""
    folder = cache_folder() / "baselines"
    with contextlib.suppress(OSError, UserError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, msgspec.json.encode(baselines))


def _file_name(corpus: CorpusConfig, counted_in: CorpusConfig, part: Part, validation: float) -> str:
    cuts = [(one.sha256, one.limit, one.split, *one.reading) for one in (corpus, counted_in)]
    depends_on = (_FORMAT, *cuts, float(validation), part)
    return f"{hashlib.sha256(msgspec.json.encode(depends_on)).hexdigest()}.json"
