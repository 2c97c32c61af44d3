"""n-grams at single places, compared with the formula computed from strings."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.evaluation.ngram import evaluate_baselines
from core.evaluation.ngram_at import ngram_losses
from core.reports.results import Baselines
from tests.core.by_hand import corpus_of

LETTERS = "abc"


def ids_of(text: str) -> NDArray[np.int64]:
    return np.array([LETTERS.index(character) for character in text], dtype=np.int64)


def probability(train: str, context: str, character: str) -> float:
    """Return the probability of a character after a context, from the formula in `core.evaluation.ngram`."""
    shorter = probability(train, context[1:], character) if context else 1 / len(LETTERS)
    followers = Counter(
        train[place + len(context)]
        for place in range(len(train) - len(context))
        if train[place : place + len(context)] == context
    )
    total, distinct = followers.total(), len(followers)
    return (followers[character] + distinct * shorter) / (total + distinct) if total else shorter


@given(train=st.text(LETTERS, min_size=1, max_size=30), text=st.text(LETTERS, min_size=7, max_size=20))
def test_the_losses_are_those_of_the_formula(train: str, text: str) -> None:
    contexts = [0, 1, 3, 5]
    places = np.arange(5, len(text))
    found = list(ngram_losses(ids_of(train), ids_of(text), places, contexts, len(LETTERS)))
    assert len(found) == len(contexts)
    for length, losses in zip(contexts, found, strict=True):
        for place, loss in zip(places, losses, strict=True):
            expected = -math.log(probability(train, text[place - length : place], text[place]))
            assert loss == pytest.approx(expected, rel=1e-12)


def test_a_context_longer_than_the_training_text_changes_nothing() -> None:
    places = np.array([40, 41])
    text = ids_of("abcab" * 10)
    losses = list(ngram_losses(ids_of("abcabcab"), text, places, [0, 20, 40], len(LETTERS)))
    assert losses[1] == pytest.approx(losses[2])


def test_the_mean_over_a_part_is_that_of_the_baselines() -> None:
    corpus = corpus_of("".join(LETTERS[number * number % 7 % 3] for number in range(600)))
    *_, baselines = evaluate_baselines(corpus, "test")
    assert isinstance(baselines, Baselines)
    train, test = (ids_of(str(corpus.part(part))) for part in ("train", "test"))
    (unigrams,) = ngram_losses(train, test, np.arange(len(test)), [0], len(LETTERS))
    assert unigrams.mean() == pytest.approx(baselines.of[1].loss)
