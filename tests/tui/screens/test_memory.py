"""The memory screen: how far back models remember."""

import math
from itertools import pairwise

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Markdown, OptionList, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.memory_content import (
    BORDERS,
    as_text,
    context_lines,
    gradient_lines,
    histogram_lines,
    notes_of,
    number,
)
from charlstm_tui.jobs.memory import NamedModel
from charlstm_tui.screens.help import HelpScreen
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.screens.memory import MemoryScreen, ModelList
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.common.plain_text import PlainText
from charlstm_tui.widgets.inspection.activations_view import ActivationsView
from charlstm_tui.widgets.inspection.gradient_chart import LOWEST, GradientCurve, axis_for
from core.inspection import memory
from core.runs.run import Run
from core.runs.store import RunStore
from tests.conftest import one_of_each_kind
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.memory import GRU, LSTM, REACH, RNN, models_of, report_of
from tests.tui.states import STATES
from tests.tui.test_no_key_is_dead import back_to, every_key

pytestmark = pytest.mark.opens("inspect")


async def opened(pilot: Pilot[None]) -> MemoryScreen:
    await pilot.press("f5", "escape", "m")
    await until(lambda: isinstance(pilot.app.screen, MemoryScreen) and pilot.app.screen.is_mounted)
    assert isinstance(pilot.app.screen, MemoryScreen)
    await until(lambda: bool(pilot.app.screen.query(ModelList)))
    return pilot.app.screen


def status(screen: MemoryScreen) -> str:
    return str(screen.query_one("#status", PlainText).content)


async def test_a_model_is_measured_and_its_cell_is_shown_in_inspect(
    app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MIN_CHARACTERS", 100)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert [screen._models[number][1].name for number in screen.query_one(ModelList).selected] == [trained.name]
        await pilot.press("enter")
        await until(lambda: screen._report is not None and not screen._job.running)
        assert screen._report is not None
        (model,) = screen._report.models
        assert model.name == trained.name
        assert str(screen.query_one("#sentences", PlainText).content) == "\n".join(screen._report.sentences)
        assert len(model.time_constants) == 16, "two layers of eight cells"
        screen.query_one("#cells").focus()
        await pilot.press("down", "enter")
        await until(lambda: isinstance(app.screen, InspectionScreen))
        inspection = app.screen
        assert isinstance(inspection, InspectionScreen)
        await until(lambda: inspection._activations is not None and not inspection._job.running)
        view, wanted = inspection.query_one(ActivationsView), model.time_constants[1]
        assert (view.layer_number, view.cell) == (wanted.layer, wanted.cell)
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, MemoryScreen))
        await pilot.press("escape")
        await until(lambda: app.screen is inspection)


async def test_a_cell_of_another_model_is_shown_in_a_text_that_this_model_reads(
    app: CharLSTMApp, trained: Run, store: RunStore
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        screen.show((NamedModel(trained.name, trained.checkpoint_path),), report_of(LSTM))
        await until(lambda: screen.query_one("#cells", OptionList).option_count > 0)
        screen.query_one("#cells").focus()
        await pilot.press("down", "enter")  # cell 7
        await until(lambda: isinstance(app.screen, InspectionScreen))
        inspection = app.screen
        assert isinstance(inspection, InspectionScreen)
        await until(lambda: inspection._activations is not None and not inspection._job.running)
        assert inspection.query_one(CheckpointSelect).chosen_name == trained.name
        assert inspection.query_one(ActivationsView).cell == 7


async def test_measuring_can_be_stopped(app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MIN_CHARACTERS", 100)
    monkeypatch.setattr(memory, "WINDOWS", 100_000)
    monkeypatch.setattr(memory, "TOGETHER", 1)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        assert not screen.check_action("measure", ())
        await until(lambda: "%" in status(screen))
        await pilot.press("escape")
        await until(lambda: not screen._job.running)
        assert status(screen) == "Stopped."
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, InspectionScreen))


async def test_a_text_that_is_too_short_is_refused_in_words(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        await until(lambda: "Measuring memory needs at least 200" in status(screen))


async def test_at_most_four_models_are_marked(app: CharLSTMApp, trained: Run, store: RunStore) -> None:
    for name in ("b", "c", "d", "e"):
        (store.root / name).mkdir()
        for path in trained.path.iterdir():
            if path.is_file():
                (store.root / name / path.name).write_bytes(path.read_bytes())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        models = screen.query_one(ModelList)
        await until(lambda: models.option_count >= 5)
        for _ in range(models.option_count):
            await pilot.press("down")
            if models.highlighted not in models.selected:
                await pilot.press("space")
        await pilot.pause()
        assert len(models.selected) == 4
        assert status(screen) == "At most 4 models can be compared."


def test_every_tick_of_the_axis_is_at_its_value() -> None:
    for highest in (3.0, 0.4, 1000.0):
        for lowest in (2.0, 0.3, 1e-3, 1e-7, 1e-30):
            if lowest >= highest:
                continue
            for rows in (2, 3, 5, 8, 13, 40):
                axis = axis_for([GradientCurve((highest, lowest))], rows)
                assert len(axis.labels) >= 2
                for row, label in axis.labels.items():
                    assert axis.place(float(label)) == pytest.approx(row + 0.5)
                places = [axis.place(value) for value in (highest, max(lowest, LOWEST))]
                assert all(0 <= place <= rows for place in places)
                assert places[0] > places[1]


def test_the_histogram_counts_every_cell() -> None:
    lines = histogram_lines(LSTM, 40)
    assert all(len(line) <= 40 for line in lines)
    counts = [int(line.split()[-1].replace(",", "")) for line in lines]
    constants = [one.characters for one in LSTM.time_constants]
    edges = [0, *BORDERS, math.inf]
    assert counts == [sum(low <= value < high for value in constants) for low, high in pairwise(edges)]


def test_the_shell_prints_all_of_it() -> None:
    text = as_text(report_of(RNN, GRU, LSTM), 80)
    assert "n-gram" in text
    assert text.count("\n") > 40
    assert all(len(line) <= 80 for line in text.splitlines() if line not in report_of(RNN, GRU, LSTM).sentences)
    for sentence in report_of(RNN, GRU, LSTM).sentences:
        assert sentence in text
    assert "quartiles (cell)" in as_text(report_of(LSTM), 80)


LOOKS = {"models": None, "one": report_of(LSTM), "three": report_of(RNN, GRU, LSTM), "without gates": report_of(RNN)}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_like_this(
    app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, look: str, size: tuple[int, int]
) -> None:
    async def before(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        report = LOOKS[look]
        if report is not None:
            screen.show(models_of(report), report)
        await still(pilot)
        assert (str(screen.query_one("#contexts", Static).content) != "") == (report is not None)

    assert snap_compare(app, terminal_size=size, run_before=before)


async def test_the_curves_are_where_the_labels_say(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        screen.show((), report_of(RNN))
        await still(pilot)
        region = screen.query_one("#chart").region
        rows = [strip.text[region.x : region.right] for strip in screen._compositor.render_strips()]
        rows = rows[region.y : region.bottom]
    ticks = {row: float(line.split("┤")[0]) for row, line in enumerate(rows) if "┤" in line}
    assert len(ticks) >= 2
    (first, low), (second, high) = sorted(ticks.items())[:2]
    per_row = (math.log10(low) - math.log10(high)) / (second - first)
    left = rows[first].index("┤") + 1
    axis = next(row for row, line in enumerate(rows) if "└" in line)
    marks = [column for column, character in enumerate(rows[axis]) if character == "┬"]
    labels = [int(label) for label in rows[axis + 1].split()]
    per_column = (labels[-1] - labels[0]) / (marks[-1] - marks[0])
    drawn = 0
    for column in range(left, region.width):
        distance = (column - marks[0]) * per_column
        hit = [row for row in range(axis) if "⠀" < rows[row][column] <= "⣿"]
        for factor in (2, 3, 0.5):  # the mean and the quartiles of what is drawn
            value = math.log10(factor) - distance / 6.0 / math.log(10)
            row = first + (math.log10(low) - value) / per_row
            if 0 <= row < axis - 1 and value > math.log10(LOWEST) + 0.3 and 0 <= distance <= REACH:
                assert any(abs(row - one) <= 1.2 for one in hit), (column, distance, row, hit)
                drawn += 1
    assert drawn > 30


@pytest.mark.parametrize("state", one_of_each_kind(["memory measured"], ["memory", "memory measured"]))
async def test_no_key_is_dead(app: CharLSTMApp, trained: Run, state: str) -> None:
    async def prepared(pilot: Pilot[None]) -> None:
        await back_to(pilot, "inspect")
        await STATES[state](pilot)

    assert await every_key(app, prepared) == []


async def test_a_mark_is_seen_without_colours(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        models = screen.query_one(ModelList)
        assert "X" in models.render_line(0).text
        await pilot.press("space")
        await pilot.pause()
        assert "X" not in models.render_line(0).text


def test_models_whose_names_are_shortened_alike_have_columns_of_their_own() -> None:
    models = [msgspec.structs.replace(LSTM, name=f"a-very-long-name-{number}-of-a-run") for number in (1, 2)]
    report = report_of(*models)
    for lines in (gradient_lines(report), context_lines(report)):
        names = lines[0].split("  ")
        assert len(lines[1].split()) == (3 if lines[0].startswith("distance") else 4)
        assert any("A a-very" in name for name in names)
        assert any("B a-very" in name for name in names)
    assert number(0.0) == "0"
    assert number(3e-30) == "3.0e-30"


async def test_f1_explains_the_memory_screen(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen))
        assert app.screen.query(Markdown).first().source.startswith("# Memory")


def test_the_notes_say_how_much_of_the_part_was_trained_on_and_what_is_skipped() -> None:
    report = msgspec.structs.replace(report_of(LSTM), learnt_characters=3_000, skipped_characters=1)
    assert notes_of(report) == [
        "3,000 characters of this part were used for training", "1 character skipped: a model does not know them",
    ]  # fmt: skip
    assert notes_of(report_of(LSTM)) == []
