import pytest

from charlstm_tui.formatting.numbers import duration, duration_between


@pytest.mark.parametrize(
    ("least", "most", "shown"),
    [
        (2.3, 4.1, "2 to 5 s"),
        (45.0, 100.0, "45 s to 2 min"),
        (72.0, 170.0, "1 to 3 min"),
        (3.0, 3.0, "about 3 s"),
        (7_200.0, 30_771.0, "2 to 9 h"),
        (3_600.0, 10_800.0, "60 min to 3 h"),
    ],
)
def test_a_range_is_rounded_outwards(least: float, most: float, shown: str) -> None:
    assert duration_between(least, most) == shown


def test_a_duration_has_no_sixty_seconds() -> None:
    assert [duration(seconds) for seconds in (0.04, 59.94, 59.96, 72.0)] == ["0.0 s", "59.9 s", "1:00", "1:12"]
