"""What the chart of losses draws is where its labels say. The scale is read from the labels on the screen alone."""

import math
import os
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, get_args

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from charlstm_tui.formatting.numbers import loss_shown
from charlstm_tui.state.loss_curve import Point, in_range, smoothed
from charlstm_tui.state.preferences import Preferences, Range, Scale, Smoothing, XAxis
from charlstm_tui.widgets.training.chart.lines import BEAT, BEST, Line, lines_of
from charlstm_tui.widgets.training.chart.view import MARKER
from charlstm_tui.widgets.training.loss_chart import LossChart
from tests.tui.charts import (
    Picture,
    assert_dots_are_level,
    assert_dots_follow,
    assert_labels_are_right,
    assert_marks_are_right,
    picture,
    taken_apart,
)
from tests.tui.views import finished

CASES = int(os.environ.get("CHART_CASES", "40"))
"""Random charts for each scale and range; with more of them in the environment, so many."""


class OneChart(App[None]):
    CSS: ClassVar[str] = "LossChart { width: 100%; height: 100%; }"

    def compose(self) -> ComposeResult:
        yield LossChart()

    @property
    def chart(self) -> LossChart:
        return self.query_one(LossChart)


async def drawn(
    pilot: Pilot[None], lines: Sequence[Line], preferences: Preferences, size: tuple[int, int] | None = None
) -> Picture:
    assert isinstance(pilot.app, OneChart)
    chart = pilot.app.chart
    if size is not None:
        chart.styles.width, chart.styles.height = size
        await pilot.pause()
        assert chart.size == size
    chart.show(lines, preferences)
    return taken_apart(chart, logarithmic=preferences.scale == "log")


def made_up(chance: random.Random) -> tuple[list[Line], XAxis]:
    """Return the lines of a training run together with others, of any length and at any height."""
    by: XAxis = chance.choice(get_args(XAxis))
    end = 10 ** chance.uniform(0.3, {"steps": 6, "epochs": 2.5, "characters": 9, "seconds": 5.5}[by])
    start, floor, noise = chance.uniform(2.0, 5.0), 10 ** chance.uniform(-1.5, 0.5), chance.choice([0, 0.01, 0.2])

    def curve(count: int, length: float) -> tuple[Point, ...]:
        xs = [length * (number + 1) / count for number in range(count)]
        fall = chance.uniform(1, 30) / length
        return tuple(Point(x, (floor + start * math.exp(-fall * x)) * math.exp(chance.gauss(0, noise))) for x in xs)

    lines = []
    if chance.random() < 0.8:
        level = floor + start * chance.random() ** 2
        lines.append(Line(name="5-gram", role="baseline", points=(Point(0, level),), level=True))
    lines.append(Line(name="train", role="train", points=curve(chance.randint(1, 400), end), smooth=True))
    validated = curve(chance.randint(1, 40), end)
    best = min(validated, key=lambda point: point.loss)
    marks = ((BEAT, validated[len(validated) // 2]), (BEST, best))
    lines.append(Line(name="validation", role="validation", points=validated, marked=True, marks=marks))
    for number in range(chance.randint(0, 3)):
        points = curve(chance.randint(1, 30), end * chance.uniform(0.3, 1.2))
        lines.append(Line(name="goats", role=f"other-{number}", points=points, letter="ABCDEF"[number]))
    return lines, by


def assert_is_true(shown: Picture, chart: LossChart, lines: Sequence[Line], preferences: Preferences) -> None:
    """Each label, dot, mark and value of a chart is right."""
    assert_labels_are_right(shown.x)
    assert_labels_are_right(shown.y)
    last = max(some.points[-1].x for some in lines if not some.level)
    letters = {BEST, *(some.letter for some in lines if some.letter)}
    values = {loss_shown(some.points[0].loss) for some in lines if some.level}
    for some in lines:
        color = chart.style_of(some.role)
        if some.level:
            assert_dots_are_level(shown, color, some.points[0].loss)
            continue
        points = in_range(some.points, preferences.range, last)
        mean = smoothed(points, preferences.smoothing) if some.smooth else points
        if mean is not points:
            assert_dots_follow(shown, chart.style_of("raw"), points)
        assert_dots_follow(shown, color, mean)
        assert_marks_are_right(shown, MARKER, color, points)
        for glyph, point in some.marks:
            assert_marks_are_right(shown, glyph, color, [point])
            around = shown.around(point) if glyph == BEST and point in points else ""
            assert not around or letters & {*around}, "the best epoch is marked, wherever it is"
        if some.letter:
            count = assert_marks_are_right(shown, some.letter, color, path(points))
            assert count == bool(points), "a run's letter is on its curve, once"
        values |= {loss_shown(point.loss) for point in [*mean[-1:], *(point for _, point in some.marks)]}
    assert {text[2:] for _, text in shown.edge} <= values, "what is written at the right is a loss of a line"
    assert len(shown.edge) == len({row for row, _ in shown.edge})


def path(points: Sequence[Point]) -> list[Point]:
    """Return places on a curve, for a letter that had to leave its end to another one."""
    places = list(points[-1:])
    for (x0, y0), (x1, y1) in pairwise(points):
        places += [Point(x0 + (x1 - x0) * part / 60, y0 + (y1 - y0) * part / 60) for part in range(61)]
    return places


@pytest.mark.parametrize("range_", get_args(Range))
@pytest.mark.parametrize("scale", get_args(Scale))
async def test_all_that_is_drawn_is_within_half_a_cell_of_where_its_labels_say(scale: Scale, range_: Range) -> None:
    chance = random.Random(f"{scale} {range_}")
    app = OneChart()
    async with app.run_test(size=(200, 50)) as pilot:
        for number in range(CASES):
            lines, by = made_up(chance)
            smoothing: Smoothing = chance.choice(get_args(Smoothing))
            preferences = Preferences(scale=scale, range=range_, x_axis=by, smoothing=smoothing)
            size = chance.randint(40, 200), chance.randint(6, 50)
            try:
                shown = await drawn(pilot, lines, preferences, size)
                assert_is_true(shown, app.chart, lines, preferences)
            except AssertionError as error:
                rows = "\n".join(picture(app.chart))
                raise AssertionError(f"case {number}, {size}, {preferences}: {error}\n{rows}") from error


async def test_the_best_epoch_and_a_runs_letter_are_seen_at_the_last_step() -> None:
    app = OneChart()
    points = tuple(Point(step, 2.5 - step / 1000) for step in range(100, 1001, 100))
    lines = [
        Line(name="validation", role="validation", points=points, marked=True, marks=((BEST, points[-1]),)),
        Line(name="goats", role="other-0", points=tuple(Point(x, loss + 0.3) for x, loss in points), letter="A"),
    ]
    async with app.run_test(size=(80, 20)) as pilot:
        for size in [(80, 20), (40, 6), (200, 50)]:
            shown = await drawn(pilot, lines, Preferences(), size)
            assert assert_marks_are_right(shown, BEST, app.chart.style_of("validation"), points[-1:]) == 1
            assert assert_marks_are_right(shown, "A", app.chart.style_of("other-0"), [(1000, 1.8)]) == 1


async def test_two_runs_that_end_in_one_place_both_have_their_letters() -> None:
    app = OneChart()
    points = tuple(Point(step, 2.5 - step / 1000) for step in range(100, 1001, 100))
    lines = [Line(name="a", role=f"other-{n}", points=points, letter=letter) for n, letter in enumerate("ABCDEF")]
    async with app.run_test(size=(80, 20)) as pilot:
        shown = await drawn(pilot, lines, Preferences())
        for place, letter in enumerate("ABCDEF"):
            assert assert_marks_are_right(shown, letter, app.chart.style_of(f"other-{place}"), path(points)) == 1


async def test_the_last_values_stand_at_the_right_in_order_and_none_over_another() -> None:
    app = OneChart()
    lines = lines_of(finished())
    async with app.run_test(size=(78, 7)) as pilot:
        shown = await drawn(pilot, lines, Preferences(smoothing="off"))
        assert [row for row, _ in shown.edge] == [1, 2, 3, 4], "three of them want the third row"
        assert [text for _, text in shown.edge] == ["╌ 1.6790", "• 1.6314", "◆ 1.6305", "━ 1.1423"]


async def test_a_level_that_the_chart_does_not_reach_is_told_with_an_arrow() -> None:
    app = OneChart()
    points = tuple(Point(step, 0.1 + step / 10_000) for step in range(100, 1001, 100))
    lines = [
        Line(name="5-gram", role="baseline", points=(Point(0, 2.5),), level=True),
        Line(name="train", role="train", points=points, smooth=True),
    ]
    async with app.run_test(size=(80, 20)) as pilot:
        shown = await drawn(pilot, lines, Preferences(smoothing="off"))
        assert shown.edge[0] == (0, "╌▲2.5000")


async def test_a_chart_without_room_for_axes_draws_none() -> None:
    app = OneChart()
    async with app.run_test(size=(80, 20)) as pilot:
        for size in [(80, 2), (8, 20), (1, 1), (10, 3)]:
            app.chart.styles.width, app.chart.styles.height = size
            await pilot.pause()
            app.chart.show(lines_of(finished()), Preferences())
            assert not any(character in "".join(picture(app.chart)) for character in "•◆")


@pytest.mark.parametrize("scale", get_args(Scale))
async def test_zoomed_and_moved_the_labels_are_as_true_and_what_is_under_the_mouse_stays(scale: Scale) -> None:
    chance = random.Random(scale)
    app = OneChart()
    preferences = Preferences(scale=scale, smoothing="off")
    lines = lines_of(finished())

    def mouse(kind: type[events.MouseEvent], x: int, y: int, button: int = 0, by: tuple[int, int] = (0, 0)) -> None:
        app.chart.post_message(kind(app.chart, x, y, *by, button, False, False, False))

    def look() -> Picture:
        return taken_apart(app.chart, logarithmic=scale == "log")

    async with app.run_test(size=(100, 30)) as pilot:
        whole = await drawn(pilot, lines, preferences)
        for _ in range(12):
            before = look()
            column, row = chance.randrange(before.left, before.left + before.columns), chance.randrange(before.rows)
            x, y = before.x.value(column), before.y.value(row)
            mouse(events.MouseScrollDown, column, row)
            await pilot.pause()
            after = look()
            assert abs(after.x.per_cell) < abs(before.x.per_cell)
            assert_is_true(after, app.chart, lines, preferences)
            if column - after.left < after.columns:  # the labels may be wider now
                assert abs(after.x.cell(x) - column + before.left - after.left) <= 1 + after.x.slack
            assert abs(after.y.cell(y) - row) <= 1 + after.y.slack
            dx, dy = chance.randint(-9, 9), chance.randint(-3, 3)
            mouse(events.MouseMove, column, row, button=1, by=(dx, dy))
            await pilot.pause()
            assert_is_true(look(), app.chart, lines, preferences)
        assert "zoomed" in "".join(picture(app.chart))
        for _ in range(60):
            mouse(events.MouseScrollUp, 50, 10)
        await pilot.pause()
        assert look() == whole, "zoomed out, all is there again"
        mouse(events.MouseScrollDown, 50, 10)
        await pilot.pause()
        assert look() != whole
        await pilot.click(LossChart, times=2)
        assert look() == whole


async def test_dragging_moves_the_curves_with_the_mouse() -> None:
    app = OneChart()
    lines = lines_of(finished())
    async with app.run_test(size=(100, 30)) as pilot:
        before = await drawn(pilot, lines, Preferences())
        app.chart.post_message(events.MouseMove(app.chart, 50, 10, -7, 2, 1, False, False, False))
        await pilot.pause()
        after = taken_apart(app.chart, logarithmic=False)
        assert after.x.cell(500) == pytest.approx(before.x.cell(500) - 7)
        assert after.y.cell(1.5) == pytest.approx(before.y.cell(1.5) + 2)
        app.chart.show(lines, Preferences(range="recent"))
        assert "zoomed" not in "".join(picture(app.chart)), "another range is shown whole"


@pytest.mark.parametrize(("size", "rows"), [((78, 7), 5), ((77, 15), 13), ((238, 12), 10)])
async def test_ticks_use_the_height_there_is(size: tuple[int, int], rows: int) -> None:
    app = OneChart()
    async with app.run_test(size=(240, 60)) as pilot:
        for scale in get_args(Scale):
            for range_ in get_args(Range):
                shown = await drawn(pilot, lines_of(finished()), Preferences(scale=scale, range=range_), size)
                assert shown.rows == rows
                assert 2 <= len(shown.y.labels) <= 8
                assert 3 <= len(shown.x.labels) <= 9


async def test_the_axis_says_what_it_counts() -> None:
    app = OneChart()
    async with app.run_test(size=(100, 30)) as pilot:
        ends = {}
        for by in get_args(XAxis):
            shown = await drawn(pilot, lines_of(finished(), by), Preferences(x_axis=by))
            ends[by] = max(shown.x.labels, key=lambda label: label.value).text
            unit = {"seconds": "time", "characters": "chars"}.get(by, by)  # no room for the whole word
            assert picture(app.chart)[-1].split()[-1] == unit
        assert ends == {"steps": "1,200", "epochs": "6", "characters": "800,000", "seconds": "0:10"}


async def test_another_theme_draws_in_its_own_colours_and_nothing_else_draws_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = OneChart()
    times: list[str] = []
    draw = LossChart._draw_lines

    def noted(chart: LossChart, *args: object) -> None:
        times.append(chart.style_of("train"))
        draw(chart, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(LossChart, "_draw_lines", noted)
    async with app.run_test(size=(80, 20)) as pilot:
        await drawn(pilot, lines_of(finished()), Preferences())
        app.chart.show(lines_of(finished()), Preferences())
        app.chart.notify_style_update()
        await pilot.pause()
        assert len(times) == 1
        app.theme = "textual-light"
        await pilot.pause()
        assert len(times) == 2
        assert times[0] != times[1]
