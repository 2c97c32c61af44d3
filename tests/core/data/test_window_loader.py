from itertools import pairwise

import numpy as np
import pytest
import torch

from core.data.streams import Streams
from core.data.window_loader import WindowLoader


def loader() -> WindowLoader:
    return WindowLoader(Streams(np.arange(40), streams=2, window=5), seed=3, device="cpu")


def test_a_window_begins_a_pass_once_the_windows_of_the_last_one_are_read() -> None:
    windows = loader()
    begins = [windows.next().begins for _ in range(sum(map(windows.steps_of, (1, 2, 3))) + 1)]
    starts = [place for place, first in enumerate(begins) if first]
    assert [after - before for before, after in pairwise(starts)] == [windows.steps_of(number) for number in (1, 2, 3)]


@pytest.mark.parametrize("before", [0, 1, 3, 5, 8])
def test_a_loader_continues_where_another_one_was(before: int) -> None:
    first, second = loader(), loader()
    for _ in range(before):
        first.next()
    for _ in range(2):
        second.next()
    second.load_state_dict(first.state_dict())
    for _ in range(6):
        one, other = first.next(), second.next()
        assert one.begins == other.begins
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)
    assert first.state_dict() == second.state_dict()
