import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.data.encoded_text import encode
from core.data.text_slice import UNKNOWN, TextSlice
from core.data.vocabulary import Vocabulary

TEXT = encode("abcdefghijklmno")


@st.composite
def passages(draw: st.DrawFn) -> TextSlice:
    period = draw(st.integers(1, 15))
    run = draw(st.integers(1, period))
    first = draw(st.integers(0, period - run))
    here = [place for place in range(15) if first <= place % period < first + run]
    skip = draw(st.integers(0, len(here)))
    return TextSlice(
        text=TEXT, run=run, period=period, first=first, skip=skip, length=draw(st.integers(0, len(here) - skip))
    )


def places(passage: TextSlice) -> list[int]:
    return list(passage.places(np.arange(len(passage))))


def test_the_example_in_the_module_docstring_is_correct() -> None:
    assert str(TextSlice(text=TEXT, run=3, period=5, length=9)) == "abcfghklm"
    assert str(TextSlice(text=TEXT, run=2, period=5, first=3, length=6)) == "deijno"


@given(passages())
def test_the_characters_of_a_passage_are_those_of_its_ranges(passage: TextSlice) -> None:
    assert places(passage) == [place for start, stop in passage.stretches() for place in range(start, stop)]
    assert str(passage) == "".join("abcdefghijklmno"[place] for place in places(passage))


@given(passages(), st.data())
def test_a_cut_equals_a_slice_of_the_characters(passage: TextSlice, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(passage)))
    stop = data.draw(st.integers(start, len(passage)))
    assert str(passage.cut(start, stop)) == str(passage)[start:stop]


@given(passages(), passages())
def test_the_characters_shared_by_two_passages_are_counted(one: TextSlice, other: TextSlice) -> None:
    assert one.characters_shared_with(other) == len(set(places(one)) & set(places(other)))


@given(passages())
def test_the_ids_of_a_passage_are_those_of_the_vocabulary(passage: TextSlice) -> None:
    ids = passage.ids(Vocabulary("aceg"))
    taken = ids.take(np.arange(len(passage))[:, None]).ravel().tolist()
    assert taken == ["aceg".find(character) for character in str(passage)]
    assert UNKNOWN == -1
