"""Which cells are on in a stretch, and where else they are on: planted values whose right places are known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.inspection.occurrences import MAX_CELLS, MAX_PLACES, Place, cells_on, find_places, in_common

Halves = NDArray[np.float16]


def planted(characters: int, *stretches: tuple[int, int], value: float = 0.9) -> Halves:
    """The values of a cell that is on in these stretches only."""
    values = np.full(characters, -0.4, dtype=np.float16)
    for begin, end in stretches:
        values[begin:end] = value
    return values


def by_hand(rows: list[Halves], length: int, threshold: float, *, bounded: bool) -> list[int]:
    """The number of cells that are on throughout each stretch, by the definition."""
    counts = []
    for place in range(len(rows[0]) - length + 1):
        around = [other for other in (place - 1, place + length) if 0 <= other < len(rows[0])]
        counts.append(
            sum(
                all(row[other] >= threshold for other in range(place, place + length))
                and not (bounded and any(row[other] >= threshold for other in around))
                for row in rows
            )
        )
    return counts


def test_the_cells_that_are_on_throughout_are_chosen_the_most_selective_first() -> None:
    values = np.zeros((20, 5), dtype=np.float32)
    values[4:8, 0] = 0.9  # on in the stretch only
    values[:, 1] = 0.7  # on everywhere
    values[4:7, 2] = 0.9  # not at the last character of the stretch
    values[4:12, 3] = 0.5  # exactly at the threshold, and on after the stretch
    chosen = cells_on(values, 4, 8, 0.5)
    assert [one.cell for one in chosen] == [0, 3, 1]
    assert [one.elsewhere for one in chosen] == pytest.approx([0, 4 / 16, 1])
    assert [one.mean for one in chosen] == pytest.approx([0.9, 0.5, 0.7])
    assert [one.cell for one in cells_on(values, 4, 8, 0.5, bounded=True)] == [0]
    assert cells_on(values, 4, 8, 0.95) == []


def test_a_stretch_that_is_the_whole_text_has_no_elsewhere() -> None:
    values = np.array([[0.6, 0.9], [0.6, 0.8]], dtype=np.float32)
    chosen = cells_on(values, 0, 2, 0.5, bounded=True)
    assert [one.cell for one in chosen] == [1, 0], "the higher value first"
    assert [one.elsewhere for one in chosen] == [0, 0]


def test_at_most_sixteen_cells_are_chosen() -> None:
    chosen = cells_on(np.ones((3, 40), dtype=np.float32), 0, 2, 0.5)
    assert [one.cell for one in chosen] == list(range(MAX_CELLS))


def test_the_places_where_most_cells_are_on_come_first() -> None:
    rows = [planted(100, (10, 14), (50, 54)), planted(100, (10, 14), (50, 53), (80, 90)), planted(100, (50, 56))]
    found = find_places(rows, [0.9] * 3, 4, 0.5)
    assert found.places[:2] == (Place(50, (True, False, True)), Place(10, (True, True, False)))
    assert [place.agreeing for place in found.places[:2]] == [2, 2]
    assert found.complete == 0
    assert found.shares == pytest.approx((0.08, 0.17, 0.06))
    found = find_places(rows, [0.9] * 3, 3, 0.5)
    assert found.places[0] == Place(50, (True, True, True))
    assert found.complete == 1


def test_of_places_with_as_many_cells_the_most_alike_is_better() -> None:
    values = planted(60, (10, 14), value=0.6)
    values[30:34] = 2.0
    assert [place.begin for place in find_places([values], [2.0], 4, 0.5).places] == [30, 10]
    assert [place.begin for place in find_places([values], [0.6], 4, 0.5).places] == [10, 30]


def test_cells_must_be_off_around_a_place_if_that_is_asked_for() -> None:
    values = planted(60, (0, 3), (10, 13), (20, 30), (57, 60))
    assert [place.begin for place in find_places([values], [0.9], 3, 0.5, bounded=True).places] == [0, 10, 57]


@given(
    seed=st.integers(0, 10_000),
    length=st.integers(1, 7),
    cells=st.integers(1, 4),
    threshold=st.sampled_from([-0.5, 0.25, 0.5]),
    bounded=st.booleans(),
)
def test_places_are_those_of_the_definition(
    seed: int, length: int, cells: int, threshold: float, bounded: bool
) -> None:
    generator = np.random.default_rng(seed)
    smooth = np.sin(np.cumsum(generator.normal(size=(cells, 70)), axis=1) / 2)
    rows = [row.astype(np.float16) for row in smooth]
    found = find_places(rows, [0.5] * cells, length, threshold, bounded=bounded)
    counts = by_hand(rows, length, threshold, bounded=bounded)
    assert found.complete == counts.count(cells)
    agreeing = [place.agreeing for place in found.places]
    assert agreeing == sorted(agreeing, reverse=True) == [counts[place.begin] for place in found.places]
    begins = sorted(place.begin for place in found.places)
    assert all(after - before >= length for before, after in pairwise(begins))
    if max(counts):
        assert agreeing[0] == max(counts)
    missed = [place for place in range(len(counts)) if all(abs(place - begin) >= length for begin in begins)]
    if len(begins) < MAX_PLACES:
        assert not any(counts[place] for place in missed), "a place that overlaps no other was not reported"


def test_at_most_fifty_places_are_reported() -> None:
    values = planted(1000, *((begin, begin + 2) for begin in range(0, 1000, 4)))
    assert len(find_places([values], [0.9], 2, 0.5).places) == MAX_PLACES


@pytest.mark.parametrize("characters", [0, 3])
def test_a_text_shorter_than_the_stretch_has_no_place(characters: int) -> None:
    assert find_places([planted(characters)], [0.9], 4, 0.5).places == ()
    assert find_places([], [], 4, 0.5).places == ()


def test_what_most_places_have_in_common_is_told_if_it_is_rare() -> None:
    text = "il dit HARPAGON et encore. " * 40
    begins = [place for place in range(len(text)) if text[place : place + 3] in ("HAR", "PAG", "GON")]
    common = in_common(text, begins, 3, "GON")
    assert common is not None
    assert (common.what, common.places, common.of) == ("are in capitals", 120, 120)
    assert common.share == pytest.approx(8 / 27, abs=0.01), "“ HA” and “ON ” are in capitals, too"
    same = in_common(text, [place for place in begins if text[place] == "P"], 3, "PAG")
    assert same is not None
    assert same.what == "have the same characters"
    assert in_common(text, begins[:4], 3, "GON") is None, "four places have something in common by chance"
    anywhere = list(range(0, len(text) - 3, 5))
    assert in_common(text, anywhere, 3, "GON") is None, "these places are like all others"
