import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.evaluation.surprisal
from core.data.text_slice import UNKNOWN
from core.evaluation.scored_chunk import ScoredChunk
from core.evaluation.surprisal import PASSAGE, CharacterLoss, Surprisals
from core.reports.results import Extract
from tests.core.by_hand import passage_of

ALPHABET = "abc "
NEVER_SEEN = "ß"


def chunk(text: str, losses: Sequence[float], begin: int = 0) -> ScoredChunk:
    """Return a chunk with these losses, except for unknown characters.

    The alternatives at each character are `a` and the character before it in the alphabet.
    """
    ids = np.array([ALPHABET.find(character) for character in text], dtype=np.int64)
    known = ids != UNKNOWN
    expected = np.stack([np.zeros(known.sum(), dtype=np.int64), (ids[known] - 1) % len(ALPHABET)], axis=1)
    costs = np.broadcast_to(np.log([2.0, 4.0]), expected.shape)
    return ScoredChunk(begin, ids, np.array(losses, dtype=float)[known], expected, costs)


def kept(text: str, losses: Sequence[float]) -> Surprisals:
    surprisals = Surprisals(ALPHABET, passage_of(text))
    surprisals.add(chunk(text, losses))
    return surprisals


def overlap(one: Extract, other: Extract) -> bool:
    return one.begin < other.begin + len(other.text) and other.begin < one.begin + len(one.text)


words = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=30).map(" ".join)


@st.composite
def texts_and_losses(draw: st.DrawFn) -> tuple[str, list[int]]:
    text = draw(words | st.text(ALPHABET + "\n", min_size=1, max_size=80))
    text = text.replace("\n", " ")
    return text, draw(st.lists(st.integers(0, 20), min_size=len(text), max_size=len(text)))


def test_losses_are_at_the_positions_of_their_characters_and_unknown_ones_have_none() -> None:
    surprisals = kept("abßc", [1.5, 2.5, 9, 3.5])
    assert surprisals.losses.tolist() == pytest.approx([1.5, 2.5, math.nan, 3.5], nan_ok=True)
    assert surprisals.text == "abßc"
    assert surprisals.read == 4


def test_a_position_has_its_character_its_loss_and_the_expected_characters() -> None:
    surprisals = kept("bß", [0.5, 9])
    character, loss, expected = surprisals.at(0)
    assert (character, loss) == ("b", 0.5)
    assert [one.character for one in expected] == ["a", "a"]
    assert [one.probability for one in expected] == pytest.approx([1 / 2, 1 / 4])
    assert surprisals.at(1) == CharacterLoss("ß", None, ())


def test_unread_characters_have_no_loss() -> None:
    surprisals = Surprisals(ALPHABET, passage_of("abc"))
    assert surprisals.at(2) == CharacterLoss("c", None, ())
    assert (surprisals.read, surprisals.extracts(5)) == (0, [])
    surprisals.add(chunk("ab", [1, 2]))
    assert surprisals.read == 2
    assert surprisals.at(2) == CharacterLoss("c", None, ())


def test_chunks_follow_each_other_even_if_one_has_no_known_character() -> None:
    surprisals = Surprisals(ALPHABET, passage_of("ßßabßßca"))
    surprisals.add(chunk("ßß", [9, 9]))
    surprisals.add(chunk("ab", [1, 2], begin=2))
    surprisals.add(chunk("ßß", [9, 9], begin=4))
    surprisals.add(chunk("ca", [3, 4], begin=6))
    nan = math.nan
    assert surprisals.losses.tolist() == pytest.approx([nan, nan, 1, 2, nan, nan, 3, 4], nan_ok=True)
    assert [surprisals.at(place).expected[1].character for place in (2, 3, 6, 7)] == [" ", "a", "b", " "]


def test_only_the_start_of_a_long_text_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.evaluation.surprisal, "MAX_KEPT", 3)
    surprisals = Surprisals(ALPHABET, passage_of("abcabc"))
    surprisals.add(chunk("ab", [1, 2]))
    surprisals.add(chunk("ca", [3, 4], begin=2))
    surprisals.add(chunk("bc", [5, 6], begin=4))
    assert surprisals.text == "abc"
    assert surprisals.losses.tolist() == [1, 2, 3]
    assert surprisals.read == 3
    assert [extract.text for extract in surprisals.extracts(5)] == ["abc"]


def test_levels_count_the_borders_that_a_loss_reaches() -> None:
    assert list(kept("abcßa", [0.5, 1, 2.5, 9, 1.5]).levels([1, 2])) == [0, 1, 2, 0, 1]


def test_the_next_surprise_is_the_nearest_above_the_border_on_either_side() -> None:
    surprisals = kept("abcßabc", [5, 1, 5, 9, 1, 5, 1])
    assert [surprisals.next_above(3, place) for place in range(7)] == [2, 2, 5, 5, 5, None, None]
    assert [surprisals.next_above(3, place, backwards=True) for place in range(7)] == [None, 0, 0, 2, 2, 2, 5]
    assert surprisals.next_above(5, 0) is None, "a loss at the border is not above it"


def test_the_least_and_the_most_expected_passages_consist_of_whole_words() -> None:
    text = "aaa bbb ccc aaa bbb"
    losses = [1, 1, 1, 1, 5, 6, 7, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.evaluation.surprisal, "PASSAGE", 5)
        surprisals = kept(text, losses)
        assert surprisals.extracts(1) == [Extract(4, "bbb", 6.0)]
        assert surprisals.extracts(1, most_expected=True) == [Extract(12, "aaa", 0.0)]


def test_a_passage_within_one_long_word_is_not_cut() -> None:
    text = "a" * (3 * PASSAGE)
    (extract,) = kept(text, [0] * PASSAGE + [1] * PASSAGE + [0] * PASSAGE).extracts(1)
    assert extract == Extract(PASSAGE, "a" * PASSAGE, 1.0)


def test_a_text_shorter_than_a_passage_is_one_passage() -> None:
    assert kept("ab c", [1, 2, 3, 4]).extracts(5) == [Extract(0, "ab c", 2.5)]
    assert kept("a", [1.5]).extracts(5, most_expected=True) == [Extract(0, "a", 1.5)]


@given(made=texts_and_losses(), count=st.integers(1, 6), length=st.integers(1, 25), most_expected=st.booleans())
def test_extracts_occur_in_the_text_are_sorted_and_never_overlap(
    made: tuple[str, list[int]], count: int, length: int, most_expected: bool
) -> None:
    text, losses = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.evaluation.surprisal, "PASSAGE", length)
        extracts = kept(text, losses).extracts(count, most_expected=most_expected)
    assert 1 <= len(extracts) <= count
    for extract in extracts:
        end = extract.begin + len(extract.text)
        assert 0 < len(extract.text) <= length
        assert extract.text == text[extract.begin : end]
        assert extract.loss == pytest.approx(sum(losses[extract.begin : end]) / len(extract.text))
    assert not any(overlap(one, other) for i, one in enumerate(extracts) for other in extracts[:i])
    found = [extract.loss for extract in extracts]
    assert found == sorted(found, reverse=not most_expected)


@given(made=texts_and_losses(), length=st.integers(1, 25), most_expected=st.booleans())
def test_the_first_extract_is_cut_from_the_most_extreme_passage(
    made: tuple[str, list[int]], length: int, most_expected: bool
) -> None:
    text, losses = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.evaluation.surprisal, "PASSAGE", length)
        surprisals = kept(text, losses)
        (extract,) = surprisals.extracts(1, most_expected=most_expected)
        length = surprisals.passage_length
    totals = [sum(losses[begin : begin + length]) for begin in range(len(text) - length + 1)]
    begin = totals.index(min(totals) if most_expected else max(totals))
    assert begin <= extract.begin
    assert extract.begin + len(extract.text) <= begin + length
    outside = text[begin : extract.begin], text[extract.begin + len(extract.text) : begin + length]
    assert all(len(piece.split()) <= 1 for piece in outside), "no more than half a word is cut off"


def test_passages_of_unknown_characters_are_not_extracts() -> None:
    text = "abc " * PASSAGE + NEVER_SEEN * PASSAGE + " " + "abc " * PASSAGE
    surprisals = kept(text, [1.0] * len(text))
    assert {extract.loss for extract in surprisals.extracts(3, most_expected=True)} == {1.0}


@pytest.mark.parametrize("seed", range(30))
def test_no_character_is_in_two_extracts(seed: int) -> None:
    random = np.random.default_rng(seed)
    length = int(random.integers(1, 1_500))
    text = "".join(random.choice(list("abc  "), length))
    surprisals = kept(text, random.exponential(1.5, length).tolist())
    least, most = surprisals.extremes(4)
    assert least
    places = [place for one in (*least, *most) for place in range(one.begin, one.begin + len(one.text))]
    assert len(places) == len(set(places))
    assert all(text[one.begin : one.begin + len(one.text)] == one.text for one in (*least, *most))
