import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm_tui.state import loss_curve
from charlstm_tui.state.loss_curve import MAX_POINTS, Curve, Point, in_range, smoothed


def points(*losses: float) -> list[Point]:
    return [Point(step, loss) for step, loss in enumerate(losses, start=1)]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=400), st.integers(2, 40))
def test_a_long_curve_keeps_its_mean_in_few_points(gaps: list[int], most: int) -> None:
    step, given_points = 0, []
    for gap in gaps:
        step += gap
        given_points.append(Point(step, 1 + math.sin(step)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss_curve, "MAX_POINTS", most)
        curve = Curve().with_points(given_points)
    assert len(curve.points) <= most + 1
    assert curve.points[0].x == given_points[0].x
    assert curve.points[-1].x == step, "it ends at the last step"
    steps = [point.x for point in curve.points]
    assert steps == sorted(set(steps))

    def area(some: list[Point]) -> float:
        return sum((b.x - a.x) * b.loss for a, b in pairwise(some))

    assert area(list(curve.points)) == pytest.approx(area(given_points)), "merged points are means over their steps"


def test_a_hundred_thousand_reports_make_no_more_than_a_thousand_points() -> None:
    curve = Curve()
    for number in range(100_000):
        curve = curve.with_points([Point(number + 1, 1.0 + 1.0 / (number + 1))])
    assert MAX_POINTS / 3 <= len(curve.points) <= MAX_POINTS + 1
    assert curve.points[-1].loss == pytest.approx(1.0, abs=1e-4)


def test_a_run_that_was_rolled_back_loses_the_later_points() -> None:
    curve = Curve().with_points(points(3, 2, 9, 9)).with_points([Point(3, 1.9)])
    assert [point.loss for point in curve.points] == [3, 2, 1.9]


def test_losses_that_are_not_finite_are_dropped() -> None:
    curve = Curve().with_points(points(3, math.nan, math.inf, -math.inf, 2))
    assert [point.loss for point in curve.points] == [3, 2]


def test_strong_smoothing_follows_more_slowly_than_light_smoothing() -> None:
    step = points(*[2.0] * 100, *[1.0] * 100)
    light, strong = smoothed(step, "light"), smoothed(step, "strong")
    assert smoothed(step, "off") == step
    assert light[99].loss == pytest.approx(2.0)
    assert 1.0 < light[102].loss < strong[102].loss < 2.0
    assert light[-1].loss == pytest.approx(1.0, abs=1e-3)
    assert [point.x for point in light] == [point.x for point in step]


def test_the_recent_range_is_the_last_quarter() -> None:
    some = points(*[1.0] * 100)
    assert [point.x for point in in_range(some, "recent", 100)] == list(range(75, 101))
    assert in_range(some, "all", 100) == some
