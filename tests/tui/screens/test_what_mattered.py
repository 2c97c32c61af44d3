"""What mattered for the next character, in Inspect."""

from collections.abc import Generator, Iterator
from threading import Event

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.attribution import Asked, Mattered, Method, attribute, explained_at
from charlstm_tui.jobs.inspection import Looked, Seen, inspect_model
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.state.job_events import Doing
from charlstm_tui.widgets.inspection.activations_view import BORDERS, ActivationsView
from charlstm_tui.widgets.inspection.attribution_lines import SHORT_NAMES, in_a_list, in_three_lines, signed
from charlstm_tui.widgets.inspection.attribution_panel import AttributionPanel
from charlstm_tui.widgets.inspection.cell_heatmap import CellHeatmap
from charlstm_tui.widgets.inspection.cell_text import LEGENDS, CellText
from core.control import Control
from core.errors import UserError
from core.inspection.attribution import Attribution, gradient_times_input, without_each_character
from core.runs.run import Run
from tests.conftest import rows_of_each_kind
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.test_no_key_is_dead import every_key, with_result
from tests.tui.test_nothing_is_cut import cut, lines
from tests.waiting import DEADLINE

pytestmark = pytest.mark.opens("inspect")

TEXT = "2 moutons, 5 chèvres.\n3 moutons, 1 chèvre.\n\n12 moutons"
DIM, PLAIN = 5, 2
PRODUCE = "charlstm_tui.widgets.inspection.attribution_panel.attribute"


async def read(pilot: Pilot[None], text: str = TEXT, *, moves: int = 0) -> InspectionScreen:
    """Have a text read, and move the cursor."""
    await pilot.press("f5")
    screen = pilot.app.screen
    assert isinstance(screen, InspectionScreen)
    screen.query_one("#prompt", Input).value = text.replace("\n", "\\n")
    await pilot.press("enter")
    await until(lambda: screen._activations is not None and not screen._job.running)
    await pilot.pause()
    screen.query_one(CellText).action_move(moves)
    await pilot.pause()
    return screen


def text_of(screen: InspectionScreen) -> CellText:
    return screen.query_one(CellText)


def panel_of(screen: InspectionScreen) -> AttributionPanel:
    return screen.query_one(AttributionPanel)


def numbers(screen: InspectionScreen) -> str:
    return str(panel_of(screen).content)


def cut_of_it(app: CharLSTMApp) -> list[str]:
    """What has no room; the boxes above show their choices whole when they are open."""
    return [one for one in cut(app) if not one.startswith("label: ")]


async def computed(pilot: Pilot[None], place: int, method: str) -> Mattered:
    """Wait until it is shown what mattered at a place."""
    screen = pilot.app.screen
    assert isinstance(screen, InspectionScreen)

    def there() -> bool:
        found = panel_of(screen).found
        return found is not None and (found.asked.place, found.asked.method) == (place, method)

    await until(lambda: there() and not panel_of(screen).is_working)
    await pilot.pause()
    found = panel_of(screen).found
    assert found is not None
    return found


def directly(screen: InspectionScreen, place: int, method: str) -> Attribution:
    """The attribution by the engine, which reads the text from its beginning."""
    assert screen._seen is not None
    checkpoint, text = screen._seen.checkpoint, screen._seen.activations.text
    explained = explained_at(screen._seen.activations, place).character
    ids = checkpoint.vocabulary.encode(text[: place + 1] + explained)
    produce = gradient_times_input if method == "gradient" else without_each_character
    *_, found = produce(checkpoint.model, ids[:-1], int(ids[-1]))
    assert isinstance(found, Attribution)
    return found


async def test_the_text_is_tinted_by_what_mattered_in_two_ways(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, moves=30)
        text, view = text_of(screen), screen.query_one(ActivationsView)
        by_cell, title = bytes(text._levels), str(text.border_title)
        for method, name in (("gradient", "gradient × input"), ("without", "exactly, without each character")):
            await pilot.press("a")
            found = (await computed(pilot, 30, method)).attribution
            np.testing.assert_allclose(found.values, directly(screen, 30, method).values, atol=1e-4)
            after = bytes([DIM] * (len(TEXT) - 31))
            assert bytes(text._levels) == found.levels(BORDERS) + after
            assert f"what mattered for ‘{TEXT[31]}’" in str(text.border_title)
            assert name in str(text.border_title)
            assert str(text.border_subtitle) == LEGENDS[method]  # type: ignore[index]
            first, second, third = numbers(screen).splitlines()
            assert f"{TEXT[31]} · " in first
            assert "came next" in first
            place, value = found.strongest(1)[0]
            assert second.startswith(TEXT[place].replace(" ", "␣").replace("\n", "⏎"))
            assert ("+" if value > 0 else "−") in second.split("  ")[0]
            assert f"sum {signed(found.total, 2 if abs(found.total) >= 0.05 else 4)} nats" in third
        await pilot.press("a")
        assert view.method is None
        assert bytes(text._levels) == by_cell, "the cell's value again"
        assert str(text.border_title) == title
        assert "this cell's value" in str(text.border_subtitle)


async def test_a_tint_never_shows_for_another_place(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, moves=20)
        text = text_of(screen)
        await pilot.press("a")
        await computed(pilot, 20, "gradient")
        text.action_move(-5)
        assert bytes(text._levels) == bytes([PLAIN] * 16 + [DIM] * (len(TEXT) - 16)), "before anything is drawn"
        screen.query_one(CellHeatmap).action_move(1)
        await computed(pilot, text.cursor, "gradient")
        assert text.cursor == screen.query_one(CellHeatmap).cursor
        assert text._levels[text.cursor + 1 :] == bytes([DIM] * (len(TEXT) - text.cursor - 1))
        assert {*text._levels[: text.cursor + 1]} != {PLAIN}


async def test_characters_too_far_back_have_no_value_and_are_dim(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, "3 moutons, " * 25, moves=229)
        await pilot.press("a")
        found = await computed(pilot, 229, "gradient")
        np.testing.assert_allclose(found.attribution.values, directly(screen, 229, "gradient").values, atol=1e-4)
        levels = bytes(text_of(screen)._levels)
        assert levels == bytes([DIM] * 30) + found.attribution.levels(BORDERS) + bytes([DIM] * 45)


async def test_at_the_end_of_the_text_the_most_probable_character_is_explained(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await read(pilot)
        await pilot.press("end", "a")
        found = await computed(pilot, len(TEXT) - 1, "gradient")
        assert screen._activations is not None
        best = screen._activations.expected(len(TEXT) - 1)[0]
        assert screen._seen is not None
        assert screen._seen.checkpoint.vocabulary.characters[found.attribution.next_id] == best.character
        assert f"{100 * best.probability:.1f} %, most probable next" in numbers(screen)
        assert "the most probable next" in str(text_of(screen).border_title)


async def test_it_is_computed_once_the_cursor_rests(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = list[int]()

    def counted(control: Control, asked: Asked) -> Iterator[object]:
        places.append(asked.place)
        yield from attribute(control, asked)

    monkeypatch.setattr(PRODUCE, counted)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        await pilot.press("a")
        await computed(pilot, 0, "gradient")
        for _ in range(12):
            text_of(screen).action_move(1)
        await computed(pilot, 12, "gradient")
        assert places == [0, 12]


async def test_escape_stops_the_slow_one(app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Event()

    def endless(control: Control, asked: Asked) -> Iterator[object]:
        yield Doing("computing, 12%")
        while not control.stopped:
            control.wait(DEADLINE)
        ended.set()

    monkeypatch.setattr(PRODUCE, endless)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, moves=3)
        await pilot.press("a", "a")
        await until(lambda: "computing, 12% · Esc stops" in numbers(screen))
        assert screen.check_action("stop", ())
        await until(lambda: "Stop" in lines(app)[-1])
        await pilot.press("escape")
        await until(ended.is_set)
        assert "stopped" in numbers(screen)
        assert screen.focused is text_of(screen), "it does not leave the text, too"
        assert not screen.check_action("stop", ())
        ended.clear()
        await pilot.press("right")
        await until(lambda: "computing, 12%" in numbers(screen))
        await pilot.press("a")
        await until(ended.is_set)
        assert not panel_of(screen).display, "by the cell's value there is nothing to compute"


async def test_a_value_that_cannot_be_computed_is_told_of_whole(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(control: Control, asked: Asked) -> Iterator[object]:
        raise UserError("The attributions to the last 200 characters are too large to be computed.")
        yield

    monkeypatch.setattr(PRODUCE, failing)
    async with app.run_test(size=(60, 15)) as pilot:
        screen = await read(pilot)
        await pilot.press("a")
        await until(lambda: "too large to be computed." in numbers(screen).replace("\n", " "))
        assert not cut_of_it(app)
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert "too large to be computed." in numbers(screen).replace("\n", " ")
        assert not cut_of_it(app)


async def test_a_new_text_is_explained_in_the_same_way(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, moves=10)
        await pilot.press("a")
        await computed(pilot, 10, "gradient")
        await pilot.press("w")
        await until(lambda: screen._activations is not None and screen._activations.read > len(TEXT))
        found = await computed(pilot, len(TEXT), "gradient")
        assert found.asked.activations is screen._activations
        assert len(text_of(screen)._levels) == len(TEXT) + 200


async def test_nothing_of_it_is_cut_and_a_flat_window_shows_it_in_numbers(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, moves=50)
        methods: list[Method] = ["gradient", "without"]
        for method in methods:
            await pilot.press("a")
            await computed(pilot, 50, method)
            for width, height in ((120, 40), (60, 24), (60, 15)):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                await pilot.pause()
                assert not cut_of_it(app), (method, width, height)
                assert "what mattered for ‘" in str(text_of(screen).border_title)
            assert any(SHORT_NAMES[method] in line for line in lines(app))
            assert any(": log p" in line for line in lines(app))


@pytest.mark.thorough
@pytest.mark.parametrize("turns", [1, 2])
async def test_no_key_is_dead_while_it_is_shown(app: CharLSTMApp, trained: Run, turns: int) -> None:
    async def prepare(pilot: Pilot[None]) -> None:
        await with_result("inspect")(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, InspectionScreen)
        while screen.query_one(ActivationsView).method != ("gradient", "without")[turns - 1]:
            screen.action_tint()
        await until(lambda: not panel_of(screen).is_working and panel_of(screen).found is not None)
        await pilot.pause()

    assert await every_key(app, prepare) == []


# --- the job and the lines


def seen_by(run: Run, text: str) -> Seen:
    *_, seen = inspect_model(Control(), Looked(path=run.best_path, text=text))
    assert isinstance(seen, Seen)
    return seen


def asked_of(seen: Seen, place: int, method: str, *, considerate: bool = False) -> Asked:
    return Asked(
        checkpoint=seen.checkpoint, activations=seen.activations, place=place,
        method="gradient" if method == "gradient" else "without", considerate=considerate,
    )  # fmt: skip


def test_the_job_can_be_stopped(trained: Run) -> None:
    asked = asked_of(seen_by(trained, "mouton " * 40), 250, "without")
    control, items = Control(), list[object]()
    for item in attribute(control, asked):
        items.append(item)
        control.stop()
    assert len(items) == 1
    assert isinstance(items[0], Doing)


def test_beside_a_training_run_it_takes_one_thread(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = list[object]()

    def noted(tasks: object, workers: int | None) -> Generator[object, None, None]:
        threads.append(workers)
        yield from ()

    monkeypatch.setattr("core.inspection.attribution.advance", noted)
    for considerate in (False, True):
        asked = asked_of(seen_by(trained, "mouton"), 3, "gradient", considerate=considerate)
        with pytest.raises(TypeError):
            list(attribute(Control(), asked))
    assert threads == [None, 1]


def with_values(seen: Seen, values: list[float], at_once: float, method: str = "gradient") -> Mattered:
    found = Attribution(0, np.array(values), 0, -1.0, at_once)
    return Mattered(asked_of(seen, len(values) - 1, method), found)


def test_small_values_have_more_decimals_and_negligible_ones_are_not_listed(trained: Run) -> None:
    seen = seen_by(trained, "3 moutons")
    found = with_values(seen, [0.03, -0.02, 0.0001, 0.0], -0.5)
    drawn = [str(line) for line in in_three_lines(found.asked, found, "", 74)]
    assert drawn[1] == "3 +0.0300  ␣ −0.0200"
    assert drawn[2] == "sum +0.0101 nats, a slope; with all at zero, log p is 0.50 nats higher"
    found = with_values(seen, [1.5, -0.002], 2.0, "without")
    assert [str(line) for line in in_three_lines(found.asked, found, "", 54)][1:] == [
        "3 +1.50", "sum +1.50; all replaced: log p 2.00 nats lower",
    ]  # fmt: skip


def test_values_of_zero_are_said_to_have_changed_nothing(trained: Run) -> None:
    found = with_values(seen_by(trained, "3 moutons"), [0.0, 0.0], 0.0)
    assert str(in_three_lines(found.asked, found, "", 74)[1]) == "no character changed it"
    assert "no character changed it" in [str(line) for line in in_a_list(found.asked, found, "")]


def test_the_list_has_as_many_lines_before_it_is_computed(trained: Run) -> None:
    found = with_values(seen_by(trained, "3 moutons"), [0.5, -0.25], 0.1)
    listed = [str(line) for line in in_a_list(found.asked, found, "computing")]
    assert listed[5:7] == ["3    1 before    +0.50 ██████████", "␣   cursor       −0.25 █████"]
    assert len(in_a_list(found.asked, None, "computing")) == len(listed)


# --- looks


@pytest.mark.parametrize(
    ("turns", "size"),
    rows_of_each_kind([(1, SIZES[0]), (2, SIZES[1])], [(turns, size) for turns in (1, 2) for size in SIZES]),
)
def test_how_it_looks(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, turns: int, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await read(pilot, moves=40)
        await pilot.press(*["a"] * turns)
        await computed(pilot, 40, ("gradient", "without")[turns - 1])
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)
