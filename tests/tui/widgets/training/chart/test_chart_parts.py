"""The parts that a chart is made of: dots, values at its edge, colours, words."""

import random
from itertools import combinations
from typing import get_args

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from charlstm_tui.state.loss_curve import Point
from charlstm_tui.state.preferences import Preferences, Range, Scale, Smoothing, XAxis
from charlstm_tui.widgets.training.chart.colors import LEGIBLE, contrast, curve_colors, difference
from charlstm_tui.widgets.training.chart.dots import curve_dots, level_dots, thinned
from charlstm_tui.widgets.training.chart.edge_labels import EdgeValue, edge_labels
from charlstm_tui.widgets.training.chart.legend import legend
from charlstm_tui.widgets.training.chart.lines import Line, lines_of
from charlstm_tui.widgets.training.chart.scale import fitting
from tests.tui.views import finished

LIKE_EACH_OTHER = 15.0
"""A distance of colours (CIE 1976) that is told apart without comparing."""


def test_dots_left_out_of_a_long_curve_are_those_that_others_cover() -> None:
    chance = random.Random(7)
    for _ in range(50):
        x, spots = 0.0, []
        for _ in range(chance.randint(2, 500)):
            x += chance.random() / 5
            spots.append((x, chance.uniform(-2, 12)))
        thin = thinned(spots)
        assert len(thin) <= 4 * (int(x) + 1)
        for column in range(int(x) + 1):
            heights = [y for x, y in spots if int(x) == column]
            kept = [y for x, y in thin if int(x) == column]
            assert bool(heights) == bool(kept)
            if heights:
                assert (min(kept), max(kept), kept[0], kept[-1]) == (
                    min(heights),
                    max(heights),
                    heights[0],
                    heights[-1],
                )


def test_a_line_that_leaves_the_chart_is_cut_off_and_not_bent() -> None:
    dots = curve_dots([(0, 20), (10, -10)], 10, 10, (2, 4))
    assert dots
    assert all(abs(20 - 3 * x - y) <= 1 for x, y in dots)
    assert curve_dots([(0, 20), (10, 15)], 10, 10, (2, 4)) == []


def test_a_curve_of_one_point_is_a_dot() -> None:
    assert curve_dots([(3.2, 4.1)], 10, 10, (2, 4)) == [(3.25, 4.125)]
    assert curve_dots([], 10, 10, (2, 4)) == []


def test_a_level_beyond_the_chart_is_not_drawn() -> None:
    assert level_dots(-0.1, 10, 5, (2, 4)) == []
    assert level_dots(5.0, 10, 5, (2, 4)) == []
    assert {y for _, y in level_dots(4.99, 10, 5, (2, 4))} == {4.875}


def test_values_at_the_edge_keep_their_order_and_never_share_a_row() -> None:
    chance = random.Random(3)
    for _ in range(300):
        rows = chance.randint(2, 30)
        scale = fitting("loss", 1.0, 3.0, rows)
        assert scale is not None
        values = [EdgeValue("•", chance.uniform(0.5, 3.5), f"role-{n}") for n in range(chance.randint(1, 9))]
        labels = edge_labels(values, scale)
        assert [label.row for label in labels] == sorted({label.row for label in labels})
        assert all(0 <= label.row < rows for label in labels)
        assert {label.role for label in labels} == {value.role for value in values[:rows]}, "the first matter most"
        losses = [float(label.text[2:]) for label in labels]
        assert losses == sorted(losses, reverse=True)


def test_a_value_that_has_its_row_to_itself_stands_in_it() -> None:
    scale = fitting("loss", 1.0, 3.0, 20)
    assert scale is not None
    losses = [scale.value(place) for place in (2.2, 7.5, 15.9)]
    labels = edge_labels([EdgeValue("•", loss, "validation") for loss in losses], scale)
    assert [label.row for label in labels] == [19 - 15, 19 - 7, 19 - 2]


@pytest.mark.parametrize("name", BUILTIN_THEMES)
def test_curves_are_told_apart_and_read_in_every_theme(name: str) -> None:
    variables = BUILTIN_THEMES[name].to_color_system().generate()
    ground, train, validation = (Color.parse(variables[role]) for role in ("background", "accent", "success"))
    colors = curve_colors(ground, [train, validation], 6)
    assert len(colors) == 8
    if ground.ansi is not None:
        assert len({color.ansi for color in colors}) == 8
        return
    assert min(contrast(color, ground) for color in colors) >= LEGIBLE
    assert min(difference(one, other) for one, other in combinations(colors, 2)) >= LIKE_EACH_OTHER


def test_train_and_validation_that_a_theme_gives_one_colour_get_two() -> None:
    green = Color.parse("#40c040")
    train, validation = curve_colors(Color.parse("#000000"), [green, green], 0)
    assert difference(train, validation) >= LIKE_EACH_OTHER
    ansi = Color.parse("ansi_green")
    assert len({color.ansi for color in curve_colors(Color.parse("ansi_default"), [ansi, ansi], 6)}) == 8


@pytest.mark.parametrize("width", [40, 60, 78, 118, 200])
def test_the_legend_fits_and_says_of_other_runs_what_is_drawn(width: int) -> None:
    others = [
        Line(name="goats-of-the-mill", role="other-0", points=(Point(1, 2.0),), kind="validation", letter="A"),
        Line(name="sheep", role="other-1", points=(Point(1, 2.0),), kind="train", letter="B"),
    ]
    preferences = Preferences(x_axis="epochs", scale="log", range="recent")
    content = legend([*others, *lines_of(finished())], lambda role: "red", preferences, width, rows=2)
    rows = content.plain.split("\n")
    assert len(rows) <= 2
    assert all(len(row) <= width for row in rows)
    assert "loss by epochs" in content.plain
    assert "A goats-of-the-mill, validation" in content.plain or width < 78
    assert "B sheep, train" in content.plain or "B train" in content.plain
    assert "recent, log" in content.plain or width < 78


@pytest.mark.parametrize("width", [77, 78, 118])
@pytest.mark.parametrize("by", get_args(XAxis))
def test_each_key_of_the_chart_changes_a_word_of_its_legend(width: int, by: XAxis) -> None:
    def words(preferences: Preferences) -> str:
        return legend(lines_of(finished()), lambda role: "red", preferences, width).plain

    looks = [
        Preferences(x_axis=by, smoothing=smoothing, range=range_, scale=scale)
        for smoothing in get_args(Smoothing)
        for range_ in get_args(Range)
        for scale in get_args(Scale)
    ]
    assert len({words(look) for look in looks}) == len(looks)
