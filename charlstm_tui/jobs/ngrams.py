"""The job that counts n-grams. Their losses are the baselines that a run's losses are compared with."""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from core.control import Control
from core.data.corpus import Corpus, CorpusConfig, open_corpus
from core.data.splits import Part
from core.errors import UserError

if TYPE_CHECKING:
    from core.reports.results import Baselines


def compared_part(validation: float) -> Part:
    """Return the part on which a run's losses are compared with n-grams: validation, or test if there is none."""
    return "validation" if validation else "test"


def count_ngrams(
    control: Control, config: CorpusConfig, validation: float, parts: Sequence[Part] = ()
) -> "Iterator[Baselines]":
    """Yield the n-gram losses on each of the parts; on `compared_part` if none is named."""
    from core.evaluation.ngram import BaselineProgress, evaluate_baselines

    corpus: Corpus | None = None
    with closing(open_corpus(config)) as events:
        for event in events:
            if control.stopped:
                return
            corpus = event if isinstance(event, Corpus) else None
    if corpus is None:
        return
    for wanted in parts or [compared_part(validation)]:
        part: Part = wanted if len(corpus.part(wanted, validation)) else "test"
        with contextlib.suppress(UserError):  # the text is too long to count: the chart gets no baseline
            for counted in evaluate_baselines(corpus, part, validation):
                if control.stopped:
                    return
                if not isinstance(counted, BaselineProgress):
                    yield counted
