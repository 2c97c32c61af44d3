"""What is drawn of an experiment lies where the numbers say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm_tui.formatting.effect_plot import LEAST_AXIS, MOST_AXIS, cell_of, effect_lines
from charlstm_tui.formatting.sparkline import LEVELS, sparkline
from core.experiments.findings import Effect, Losses, Point

LOSSES = st.lists(st.floats(3, 5), min_size=1, max_size=5).map(lambda values: Losses(values=tuple(values)))
EFFECTS = st.lists(
    st.tuples(st.sampled_from(["hidden_size", "num_layers", "learning_rate"]), st.lists(LOSSES, max_size=6)),
    min_size=1, max_size=3,
).map(lambda drawn: [
    Effect(name=name, points=tuple(
        Point(label=str(n), value=n, mean=losses.mean, runs=losses.count, spread=losses.deviation)
        for n, losses in enumerate(points)
    ))
    for name, points in drawn
])  # fmt: skip


@given(EFFECTS, st.integers(40, 200))
def test_each_mean_and_its_spread_lie_where_the_axis_says(effects: list[Effect], width: int) -> None:
    drawn = effect_lines(effects, width)
    assert len(drawn) == len(effects)
    for effect, lines in zip(effects, drawn, strict=True):
        assert len(lines) == (len(effect.points) + 1 if effect.points else 0)
        if not lines:
            continue
        ends = re.findall(r"\d\.\d{3}", lines[0])
        low, high = map(float, ends)
        start = lines[0].index(ends[0])
        for point, line in zip(effect.points, lines[1:], strict=True):
            plot = re.search(r"[·─●]+", line[start:])
            assert plot is not None
            axis = plot.group()
            assert LEAST_AXIS <= len(axis) <= MOST_AXIS
            assert lines[0].rstrip().endswith(ends[1])
            assert len(lines[0]) == start + len(axis)
            per_cell = (high - low) / (len(axis) - 1)
            within = per_cell / 2 + 0.0011 + 1e-9  # half a cell, and the rounding of both ends
            for cell, value in (
                (axis.index("●"), point.mean),
                (axis.index("─") if "─" in axis else None, point.mean - (point.spread or 0.0)),
            ):
                if cell is not None and high - low > 0.01 and cell != axis.index("●") + 1:
                    assert abs(low + cell * per_cell - value) <= within
            assert f"{point.mean:.3f}" in line


def test_what_an_experiment_found_is_drawn_like_this() -> None:
    layers = Effect(name="num_layers", points=(
        Point(label="1", value=1, mean=1.52, runs=2, spread=0.028),
        Point(label="2", value=2, mean=1.40, runs=2, spread=0.0),
    ))  # fmt: skip
    size = Effect(name="hidden_size", points=(Point(label="128", value=128, mean=1.45, runs=1),))
    assert effect_lines([layers, size], 60) == [
        [
            "num layers   1.400             1.548",
            "  1          ··············────●────  1.520 ± 0.028 (2 runs)",
            "  2          ●······················  1.400 ± 0.000 (2 runs)",
        ],
        [
            "hidden size  1.400             1.548",
            "  128        ·······●···············  1.450 (1 run)",
        ],
    ]


def test_without_a_finished_run_nothing_is_drawn() -> None:
    assert effect_lines([Effect(name="num_layers", points=())], 80) == [[]]


def test_a_single_value_lies_in_the_middle() -> None:
    assert cell_of(1.5, 1.5, 1.5, 11) == 5


@given(st.lists(st.floats(0, 10), max_size=50), st.integers(1, 12))
def test_a_sparkline_is_as_high_as_its_values(values: list[float], width: int) -> None:
    drawn = sparkline(values, width, 0.0, 10.0)
    assert len(drawn) == min(len(values), width)
    if values:
        assert abs(LEVELS.index(drawn[-1]) - values[-1] / 10 * 7) <= 0.5 + 1e-9
    if len(values) <= width:
        assert [LEVELS.index(each) for each in drawn] == [pytest.approx(value / 10 * 7, abs=0.51) for value in values]


def test_equal_losses_are_a_flat_line() -> None:
    assert sparkline([1.0, 1.0, 1.0], 5, 1.0, 1.0) == "▁▁▁"
    assert sparkline([], 5, 0.0, 1.0) == ""
