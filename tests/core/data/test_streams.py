import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.data.streams import Streams
from core.errors import UserError


@st.composite
def cuts(draw: st.DrawFn) -> tuple[int, int, int, int]:
    streams, window = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    length = draw(st.integers(streams * window + window, 200))
    return length, streams, window, draw(st.integers(0, window - 1))


@given(cuts())
def test_every_character_except_the_tail_is_used_once_and_its_target_is_the_next(
    cut: tuple[int, int, int, int],
) -> None:
    length, streams, window, offset = cut
    ids = np.arange(length)  # the id of each character is its position
    used = []
    for inputs, targets in Streams(ids, streams=streams, window=window).epoch(offset):
        assert inputs.shape == targets.shape == (window, streams)
        assert torch.equal(targets, inputs + 1)
        used += inputs.flatten().tolist()
    assert sorted(used) == list(range(offset, offset + len(used)))
    assert length - offset - len(used) <= streams * window, "the tail is shorter than another window would need"


@given(cuts())
def test_each_window_continues_where_the_previous_one_ended(cut: tuple[int, int, int, int]) -> None:
    length, streams, window, offset = cut
    windows = [inputs for inputs, _ in Streams(np.arange(length), streams=streams, window=window).epoch(offset)]
    assert len(windows) == Streams(np.arange(length), streams=streams, window=window).windows_at(offset) > 0
    for before, after in itertools.pairwise(windows):
        assert torch.equal(after[0], before[-1] + 1)


def test_the_example_in_the_module_docstring_is_correct() -> None:
    text = "abcdefghijklmno"
    windows = list(Streams(np.arange(len(text)), streams=2, window=3).epoch(1))
    shown = [
        ["".join(text[i] for i in stream) for stream in window.t().tolist()] for pair in windows for window in pair
    ]
    assert shown == [["bcd", "hij"], ["cde", "ijk"], ["efg", "klm"], ["fgh", "lmn"]]


def test_one_stream_gives_the_windows_of_the_course() -> None:
    windows = list(Streams(np.arange(90_000), streams=1, window=100).epoch(37))
    assert len(windows) == len(range(37, 90_000 - 100, 100))
    assert windows[0][0].flatten().tolist() == list(range(37, 137))


def test_a_text_that_is_too_short_is_refused_with_a_window_that_would_fit() -> None:
    with pytest.raises(
        UserError, match=r"has 99 characters.*4 streams and a window of 25 need 125.*window of at most 19"
    ) as refusal:
        Streams(np.arange(99), streams=4, window=25)
    assert "fewer streams" not in str(refusal.value)
    with pytest.raises(UserError, match="or fewer streams"):
        Streams(np.arange(3), streams=4, window=25)
    list(Streams(np.arange(99), streams=4, window=19).epoch(18))


@given(cuts(), st.integers(1, 90), st.integers(0, 9))
def test_windows_do_not_depend_on_how_many_characters_are_read_at_a_time(
    cut: tuple[int, int, int, int], slab: int, begin: int
) -> None:
    length, streams, window, offset = cut
    text = Streams(np.arange(length), streams=streams, window=window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.data.streams.SLAB", slab)
        pieces = list(text.epoch(offset, begin=begin))
    whole = list(text.epoch(offset))[begin:]
    assert len(pieces) == len(whole)
    assert all(
        torch.equal(a, b) for one, other in zip(pieces, whole, strict=True) for a, b in zip(one, other, strict=True)
    )


@given(cuts())
def test_the_columns_of_a_process_are_those_of_all_streams(cut: tuple[int, int, int, int]) -> None:
    length, streams, window, offset = cut
    whole = list(Streams(np.arange(length), streams=streams, window=window).epoch(offset))
    columns = slice(streams // 2, streams)
    part = list(Streams(np.arange(length), streams=streams, window=window, columns=columns).epoch(offset))
    assert all(torch.equal(inputs[:, columns], mine) for (inputs, _), (mine, _) in zip(whole, part, strict=True))
