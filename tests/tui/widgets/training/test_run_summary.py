"""The summary after a run."""

import pytest

from charlstm_tui.widgets.training.run_summary import comparison


@pytest.mark.parametrize(
    ("loss", "other", "expected"),
    [
        (1.47, 1.53, "0.06 below"), (1.53, 1.47, "0.06 above"), (1.5, 1.5, "level with"), (1.5004, 1.5, "level with"),
        (1.4951, 1.5, "level with"), (1.494, 1.5, "0.01 below"), (1.506, 1.5, "0.01 above"),
    ],
)  # fmt: skip
def test_a_difference_that_rounds_to_nothing_is_none(loss: float, other: float, expected: str) -> None:
    assert comparison(loss, other) == expected
