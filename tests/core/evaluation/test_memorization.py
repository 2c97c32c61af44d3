import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.memorization import CopyingProgress, WordCount, copying, words
from core.reports.results import COPIED_LENGTHS, Copying


def copied(sample: str, text: str) -> Copying:
    *progress, last = copying(sample, text)
    shares = [event.done for event in progress if isinstance(event, CopyingProgress)]
    assert shares == sorted(shares)
    assert len(shares) == len(progress)
    assert shares[-1] == 1
    assert isinstance(last, Copying)
    return last


texts = st.text(st.sampled_from("abé "), max_size=60)


def test_a_passage_that_is_copied_is_found_whole() -> None:
    text = "Le chat dort sur la table. Le chien court dans le jardin."
    told = copied("Un oiseau chante; Le chien court dans la maison.", text)
    assert told.longest == " Le chien court dans l"
    assert told.words == pytest.approx(5 / 9)  # not un, oiseau, chante, maison


@given(texts, texts)
def test_the_figures_are_those_of_looking_for_each_sequence(sample: str, text: str) -> None:
    told = copied(sample, text)
    for length in COPIED_LENGTHS:
        found = [sample[place : place + length] in text for place in range(len(sample) - length + 1)]
        if found:
            assert told.shares[length] == pytest.approx(sum(found) / len(found))
        else:
            assert math.isnan(told.shares[length])
    passages = {sample[i:j] for i in range(len(sample)) for j in range(i + 1, len(sample) + 1)}
    assert len(told.longest) == max((len(passage) for passage in passages if passage in text), default=0)
    assert told.longest in sample
    assert told.longest in text


def test_nothing_copies_nothing() -> None:
    told = copied("", "abc")
    assert told.longest == ""
    assert math.isnan(told.words)
    assert copied("abc", "").longest == ""


def test_a_long_passage_of_a_long_text_is_found() -> None:
    text = "".join(chr(97 + (place * place + place // 7) % 26) for place in range(400_000))
    assert len(copied(text[1_000:3_000], text).longest) == 2_000


@given(st.text("abé' \n1_", max_size=80), st.lists(st.integers(0, 80)))
def test_words_of_a_growing_text_are_counted_as_of_the_whole(text: str, cuts: list[int]) -> None:
    known = {"a", "ab", "é", "bé"}
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    count = WordCount(known)
    for begin, end in itertools.pairwise(places):
        count.add(text[begin:end])
    count.add(".")  # which completes the last word
    assert count.complete == len(words(text))
    assert count.found == sum(word in known for word in words(text))


def test_a_word_that_the_prompt_begins_counts_as_a_whole() -> None:
    count = WordCount({"harpagon"}, "Le HARP")
    assert count.share is None
    count.add("AGON ")
    assert count.share == 1.0
