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


def test_the_whole_copied_passage_is_found() -> None:
    text = "Le chat dort sur la table. Le chien court dans le jardin."
    result = copied("Un oiseau chante; Le chien court dans la maison.", text)
    assert result.longest == " Le chien court dans l"
    assert result.words == pytest.approx(5 / 9)  # all but un, oiseau, chante, maison


@given(texts, texts)
def test_the_figures_equal_a_search_for_each_sequence(sample: str, text: str) -> None:
    result = copied(sample, text)
    for length in COPIED_LENGTHS:
        found = [sample[place : place + length] in text for place in range(len(sample) - length + 1)]
        if found:
            assert result.shares[length] == pytest.approx(sum(found) / len(found))
        else:
            assert math.isnan(result.shares[length])
    passages = {sample[i:j] for i in range(len(sample)) for j in range(i + 1, len(sample) + 1)}
    assert len(result.longest) == max((len(passage) for passage in passages if passage in text), default=0)
    assert result.longest in sample
    assert result.longest in text


def test_an_empty_sample_or_text_shares_nothing() -> None:
    result = copied("", "abc")
    assert result.longest == ""
    assert math.isnan(result.words)
    assert copied("abc", "").longest == ""


def test_a_long_passage_of_a_long_text_is_found() -> None:
    text = "".join(chr(97 + (place * place + place // 7) % 26) for place in range(400_000))
    assert len(copied(text[1_000:3_000], text).longest) == 2_000


@given(st.text("abé' \n1_", max_size=80), st.lists(st.integers(0, 80)))
def test_a_text_in_pieces_has_the_same_word_counts_as_the_whole(text: str, cuts: list[int]) -> None:
    known = {"a", "ab", "é", "bé"}
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    count = WordCount(known)
    for begin, end in itertools.pairwise(places):
        count.add(text[begin:end])
    count.add(".")  # completes the last word
    assert count.complete == len(words(text))
    assert count.found == sum(word in known for word in words(text))


def test_a_word_that_begins_in_the_prompt_is_counted_as_a_whole() -> None:
    count = WordCount({"harpagon"}, "Le HARP")
    assert count.share is None
    count.add("AGON ")
    assert count.share == 1.0
