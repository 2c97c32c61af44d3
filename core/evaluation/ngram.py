"""n-gram baselines: the loss of models that only count, on the same text with the same split.

The models use interpolated Witten-Bell smoothing (Witten and Bell, 1991; interpolated as in Chen and Goodman, 1998).
The probability of a character c after a context h of k - 1 characters is, where h' is h without its first character and
T(h) is the number of distinct characters that followed h:

    P_k(c | h) = (count(h c) + T(h) P_k-1(c | h')) / (count(h) + T(h)),    P_0 = 1 / V

One pass from the shortest n-grams to the longest gives the loss of every order. As for a network, nothing precedes the
evaluated part: its first character has no context, the second a context of one character, and so on.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence

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
"""Maximum number of characters of a training part whose n-grams are counted."""
_FORMAT = 2
"""Version of the cached files: to be changed whenever their format, or the meaning of their figures, changes."""
_PIECE = 1 << 20

Ids = NDArray[np.int32]


class BaselineProgress(Struct, frozen=True, kw_only=True):
    """Progress of the evaluation."""

    done: float
    """Share of the orders that are done, 0 to 1."""


def evaluate_baselines(
    corpus: Corpus,
    part: Part,
    validation: float = 0.0,
    *,
    counted_in: Corpus | None = None,
    also: Part | None = None,
) -> Iterator[BaselineProgress | Baselines]:
    """Count n-grams in the training part and evaluate the models on `part`.

    Yields progress and, last, the result. To cancel, stop iterating. The result is cached on disk and returned from
    there the next time.

    Args:
        corpus: the text to evaluate on.
        part: the part of it to evaluate on.
        validation: the share of the training part that is kept for validation, as for `Corpus.part`.
        counted_in: the text whose training part is counted; by default `corpus`.
        also: another part, of `counted_in`. Unless it is empty, its result is yielded before the last; the n-grams are
            counted only once.

    Raises:
        UserError: the part or the training part is empty, or the training part is too long to be counted.
    """
    counted_in = counted_in or corpus
    wanted = [(corpus, part)]
    if also is not None and len(counted_in.part(also, validation)):
        wanted.insert(0, (counted_in, also))
    counted = msgspec.structs.replace(counted_in.config, sha256=counted_in.text.sha256)
    texts = [msgspec.structs.replace(text.config, sha256=text.text.sha256) for text, _ in wanted]
    results = [
        known_baselines(text, which, validation, counted_in=counted)
        for text, (_, which) in zip(texts, wanted, strict=True)
    ]
    missing = [number for number, result in enumerate(results) if result is None]
    if missing:
        train, *evaluated = _train_and_evaluated(counted_in, [wanted[number] for number in missing], validation)
        losses: list[list[float]] = []  # of each order, on each of the texts
        for of_order in _losses(train, evaluated, len(counted_in.characters)):
            losses.append(of_order)
            yield BaselineProgress(done=(len(losses) - 1) / (len(NGRAM_NAMES) - 1))
        for number, ids, of_orders in zip(missing, evaluated, zip(*losses, strict=True), strict=True):
            which = wanted[number][1]
            results[number] = result = Baselines(
                part=which,
                characters=len(ids),
                of=tuple(
                    Baseline(name=name, order=order, loss=loss)
                    for order, (name, loss) in enumerate(zip(NGRAM_NAMES, of_orders, strict=True))
                ),
            )
            if texts[number].sha256 and counted.sha256:
                _write_cache(result, _file_name(texts[number], counted, which, validation))
    yield from filter(None, results)


def known_baselines(
    corpus: CorpusConfig, part: Part, validation: float = 0.0, *, counted_in: CorpusConfig | None = None
) -> Baselines | None:
    """Return the cached result of `evaluate_baselines` without reading the text; None if it is missing or damaged."""
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


def _train_and_evaluated(counted_in: Corpus, wanted: Sequence[tuple[Corpus, Part]], validation: float) -> list[Ids]:
    """Return the ids of the training part and of each part to evaluate on. None is empty."""
    passage = counted_in.part("train", validation)
    if len(passage) > MAX_CHARACTERS:
        raise UserError(
            f"n-grams are counted in a training part of at most {MAX_CHARACTERS:,} characters, and this one has "
            f"{len(passage):,}. Set a limit to use less of the text."
        )
    vocabulary = Vocabulary(counted_in.characters)
    parts = [("train", passage), *((part, corpus.part(part, validation)) for corpus, part in wanted)]
    found = [_ids(text, vocabulary) for _, text in parts]
    for (which, _), ids in zip(parts, found, strict=True):
        if not len(ids):
            without = which == "validation" and not validation
            why = "because none was kept" if without else "because it is too short"
            raise UserError(f"This text has no {which} part, {why}. Choose another part, or another text.")
    return found


def _ids(passage: Passage, vocabulary: Vocabulary) -> Ids:
    """Return the ids of a passage without unknown characters: shape (number of known characters,)."""
    ids = passage.ids(vocabulary)
    pieces = [np.zeros(0, dtype=np.int32)]
    for start in range(0, len(ids), _PIECE):  # positions and ids take eight bytes a character, the pieces four
        piece = ids.take(np.arange(start, min(start + _PIECE, len(ids))))
        pieces.append(piece[piece != UNKNOWN].astype(np.int32))
    return np.concatenate(pieces)


def _losses(train: Ids, evaluated: Sequence[Ids], vocabulary_size: int) -> Iterator[list[float]]:
    """Yield the mean loss on each evaluated text, for each order from 0 on. Shapes: (n,) for train, (m,) for a text.

    Each distinct n-gram of the training part is identified by its rank among those of its length. A key combines the
    rank of a context and the character after it into one number, below n times V for every order. One additional rank
    stands for all n-grams that were never seen: nothing followed them, so the shorter context alone decides.
    """
    V = vocabulary_size
    probabilities = [np.full(len(text), 1 / V) for text in evaluated]
    yield [_loss(each) for each in probabilities]
    contexts = 1  # number of distinct contexts of the current length; there is one of length 0
    train_context = np.zeros(len(train), dtype=np.int64)  # rank of the context of each character
    text_contexts = [np.zeros(len(text), dtype=np.int64) for text in evaluated]
    for order in range(1, len(NGRAM_NAMES)):
        begin = order - 1  # characters before this one have no context of this length
        keys, train_ngram, count = np.unique(train_context * V + train[begin:], return_inverse=True, return_counts=True)
        followed = np.bincount(train_context, minlength=contexts + 1)  # count(h)
        distinct = np.bincount(keys // V, minlength=contexts + 1)  # T(h)
        for number, (text, context) in enumerate(zip(evaluated, text_contexts, strict=True)):
            ngram = _ranks(keys, context * V + text[begin:])
            shorter = probabilities[number][begin:]
            counted = np.append(count, 0)[ngram] + distinct[context] * shorter
            total = followed[context] + distinct[context]
            np.divide(counted, total, out=shorter, where=total > 0)
            text_contexts[number] = ngram[:-1]
        yield [_loss(each) for each in probabilities]
        contexts, train_context = len(keys), train_ngram[:-1]


def _ranks(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of each wanted key in the sorted keys; `len(keys)` for a key that is missing."""
    ranks = np.searchsorted(keys, wanted)
    ranks[np.append(keys, -1)[ranks] != wanted] = len(keys)
    return ranks


def _loss(probabilities: NDArray[np.float64]) -> float:
    return float(-np.log(probabilities).mean())


def _write_cache(baselines: Baselines, name: str) -> None:
    """Write the result to the cache. If that fails, it is computed again the next time."""
    folder = cache_folder() / "baselines"
    with contextlib.suppress(OSError, UserError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, msgspec.json.encode(baselines))


def _file_name(corpus: CorpusConfig, counted_in: CorpusConfig, part: Part, validation: float) -> str:
    cuts = [(config.sha256, config.limit, config.split_name, *config.reading) for config in (corpus, counted_in)]
    depends_on = (_FORMAT, *cuts, float(validation), part)
    return f"{hashlib.sha256(msgspec.json.encode(depends_on)).hexdigest()}.json"
