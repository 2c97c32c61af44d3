"""Looking inside a model."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.jobs.inspection import WRITTEN, Looked, Seen, inspect_model
from charlstm_tui.screens.inspection import MORE, InspectionScreen
from charlstm_tui.state.job_events import Doing, Prompted
from charlstm_tui.widgets.common.checkpoint_select import CheckpointSelect
from charlstm_tui.widgets.inspection.activations_view import BORDERS, CHANGE, ActivationsView
from charlstm_tui.widgets.inspection.cell_equations import CellEquations
from charlstm_tui.widgets.inspection.cell_heatmap import BLOCKS, LABEL, CellHeatmap
from charlstm_tui.widgets.inspection.cell_text import CellText
from core.checkpoints.checkpoint import Checkpoint
from core.control import Control
from core.data.corpus import CorpusConfig
from core.data.vocabulary import Vocabulary
from core.errors import UserError
from core.inspection.activations import Activations
from core.inspection.probes import PROPERTIES, relation
from core.model.char_lstm import CharLSTM
from core.runs.run import Run
from core.runs.store import RunStore
from core.settings.config import Cell, ModelConfig, TrainingConfig
from tests.conftest import one_of_each_kind
from tests.tui.conftest import SIZES, SnapCompare, still, until
from tests.tui.states import STATES

pytestmark = pytest.mark.opens("inspect")

TEXT = "2 moutons.\n3 moutons"


async def opened(pilot: Pilot[None]) -> InspectionScreen:
    await pilot.press("f5")
    screen = pilot.app.screen
    assert isinstance(screen, InspectionScreen)
    return screen


async def read(pilot: Pilot[None], text: str = TEXT) -> InspectionScreen:
    """Have a text read, as a person would."""
    screen = await opened(pilot)
    screen.query_one("#prompt", Input).value = text.replace("\n", "\\n")
    await pilot.press("enter")
    await until(lambda: screen._activations is not None and not screen._job.running)
    await pilot.pause()
    return screen


def insides_of(screen: InspectionScreen) -> Activations:
    assert screen._activations is not None
    return screen._activations


def view_of(screen: InspectionScreen) -> ActivationsView:
    return screen.query_one(ActivationsView)


def numbers(screen: InspectionScreen) -> str:
    return str(screen.query_one(CellEquations).content)


def rows_of(screen: InspectionScreen) -> list[str]:
    rows = screen.query_one(CellHeatmap)
    return [rows.render_line(y).text for y in range(rows.content_size.height)]


async def test_a_text_is_read_and_walked_through(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        text, rows = screen.query_one(CellText), screen.query_one(CellHeatmap)
        assert text.text == insides_of(screen).text
        assert text.has_focus, "the arrows walk through it at once"
        assert "after 2 · 1 of 20" in numbers(screen)
        await pilot.press("right", "right", "right")
        assert text.cursor == rows.cursor == 3
        assert "after o · 4 of 20" in numbers(screen)
        await pilot.press("tab", "left")
        assert text.cursor == rows.cursor == 2, "the rows have the same cursor"
        assert "20 characters" in str(screen.query_one("#status", Static).content)


async def test_keys_held_down_leave_it_at_rest(app: CharLSTMApp, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        text, rows = screen.query_one(CellText), screen.query_one(CellHeatmap)
        text.action_move(1)
        text.action_move(1)
        rows.action_move(1)
        text.action_move(1)
        await pilot.pause()
        told = list[str]()
        monkeypatch.setattr(ActivationsView, "_tell_numbers", lambda self: told.append("again"))
        await pilot.pause(0.1)
        assert told == []
        assert text.cursor == rows.cursor


async def test_the_equations_have_this_cell_s_numbers(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await read(pilot)
        await pilot.press("right", "right")
        cell = view_of(screen).cell
        now, before = (insides_of(screen).at(place, 0, cell) for place in (2, 1))
        told = numbers(screen).replace("−", "-")
        assert f"{now['f']:.2f} × {before['c']:.2f} + {now['i']:.2f} × {now['g']:.2f}" in told
        assert f"= {now['c']:.2f}" in told
        assert f"{now['o']:.2f} × tanh {now['c']:.2f}" in told
        assert now["c"] == pytest.approx(now["f"] * before["c"] + now["i"] * now["g"], abs=1e-5)
        probability = insides_of(screen).given(2)
        assert probability is not None
        assert f"followed by o · {100 * probability:.1f} %" in told
        await pilot.press("end")
        assert "followed by" not in numbers(screen)


async def test_the_rows_show_each_cell_s_values_and_the_text_is_tinted_by_one(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        activations = insides_of(screen)
        values = activations.values(0, "c")
        order = np.argsort(-values.std(axis=0, dtype=np.float64), kind="stable")
        drawn = rows_of(screen)
        assert drawn[0][LABEL:].startswith(TEXT.replace("\n", "⏎"))
        for rank in range(3):
            assert int(drawn[1 + rank][1:5]) == order[rank], "what changes most comes first"
            scaled = values[:, order[rank]] / max(1.0, np.abs(values[:, order[rank]]).max())
            blocks = "".join(BLOCKS[min(int((value + 1) * 4), 7)] for value in scaled)
            assert drawn[1 + rank][LABEL : LABEL + len(TEXT)] == blocks
        first = bytes(screen.query_one(CellText)._levels)
        assert first == activations.levels(0, "c", int(order[0]), BORDERS)
        await pilot.press("right_square_bracket")
        assert view_of(screen).cell == order[1]
        assert bytes(screen.query_one(CellText)._levels) == activations.levels(0, "c", int(order[1]), BORDERS)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert view_of(screen).cell == order[0], "there is none above"
        await pilot.click(CellHeatmap, offset=(2 + LABEL + 4, 1 + 3))
        assert view_of(screen).cell == order[2]
        assert screen.query_one(CellText).cursor == 4
        await pilot.press("end")
        assert view_of(screen).cell == order[-1]


async def test_keys_go_through_quantities_layers_and_what_cells_follow(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        rows, before = screen.query_one(CellHeatmap), view_of(screen).cell
        await pilot.press("v")
        assert view_of(screen).symbol == "h"
        assert "hidden state" in str(rows.border_title)
        assert view_of(screen).cell == before, "it is still this cell that is looked at"
        await pilot.press("v")
        assert view_of(screen).symbol == "i", "round and round"
        await pilot.press("l")
        assert view_of(screen).layer_number == 1
        assert screen.query_one("#layer", Select).value == 1
        await pilot.press("f")
        assert "position in the line" in str(rows.border_title)
        found = insides_of(screen).cells(1, "i", "position in the line")
        assert view_of(screen).cell == found.order[0], "the one that follows it best"
        assert f"{found.measures[0]:+.2f}".replace("-", "−") in rows_of(screen)[1]
        screen.query_one("#follow", Select).value = CHANGE
        await pilot.pause()
        assert CHANGE in str(rows.border_title)


async def test_with_nothing_typed_it_writes_and_goes_on(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, "")
        text = insides_of(screen).text
        assert len(text) == 1 + WRITTEN, "what it began with is read, too"
        await pilot.press("w")
        await until(lambda: insides_of(screen).read == 1 + WRITTEN + MORE and not screen._job.running)
        assert insides_of(screen).text.startswith(text)
        assert screen.query_one(CellText).cursor == 1 + WRITTEN, "what is new begins here"
        await pilot.press("escape", "i")
        await pilot.press("enter")
        await until(lambda: insides_of(screen).read == 1 + WRITTEN and not screen._job.running)
        assert insides_of(screen).text != text, "each time another one"


async def test_a_shorter_text_is_shown_from_its_beginning_and_by_the_same_cell(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        await pilot.press("end", "right_square_bracket", "right_square_bracket")
        cell = view_of(screen).cell
        screen.query_one("#prompt", Input).value = "3 moutons"
        await pilot.press("i", "enter")
        await until(lambda: insides_of(screen).read == 9 and not screen._job.running)
        assert screen.query_one(CellText).cursor == screen.query_one(CellHeatmap).cursor == 0
        assert view_of(screen).cell == cell
        assert bytes(screen.query_one(CellText)._levels) == insides_of(screen).levels(0, "c", cell, BORDERS)
        assert "underlined high" in str(screen.query_one(CellText).border_subtitle)


async def test_what_is_typed_ahead_goes_nowhere_by_surprise(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("3", "enter")
        assert not isinstance(screen.focused, Input), "letters are keys from here on, not only once it has read"
        await until(lambda: screen._seen is not None and not screen._job.running)
        await pilot.press("i")
        screen._show(screen._seen)  # type: ignore[arg-type]
        assert isinstance(screen.focused, Input)


async def test_it_goes_on_until_there_is_no_room(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, "3 moutons " * 190)
        await pilot.press("w")
        await until(lambda: insides_of(screen).read == 2000 and not screen._job.running)
        assert screen.check_action("write_on", ()) is False
        await pilot.press("w")
        assert not screen._job.running


async def test_a_size_of_before_changes_nothing(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        screen.post_message(Resize(Size(60, 15), Size(60, 15)))
        await pilot.pause()
        assert screen.query_one(CellText).display
        await pilot.resize_terminal(60, 15)
        await pilot.pause()
        assert not screen.query_one(CellText).display
        assert screen.query_one(CellHeatmap).has_focus, "the arrow keys move in the rows, which contain the text now"
        screen.query_one("#prompt", Input).value = "4 moutons"
        await pilot.press("i", "enter")
        await until(lambda: insides_of(screen).read == 9 and not screen._job.running)
        await until(lambda: screen.query_one(CellHeatmap).has_focus)


async def test_all_numbers_of_a_layer_are_saved(app: CharLSTMApp, trained: Run, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, "12\\nmouton")
        await pilot.press("s")
        path = tmp_path / "zellen.csv"
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(path.exists)
        with path.open(encoding="utf-8", newline="") as file:
            first, *table = list(csv.reader(file))
        assert first == ["place", "character", *(f"c{cell}" for cell in range(8))]
        assert "".join(row[1] for row in table) == insides_of(screen).text
        np.testing.assert_allclose(
            [[float(value) for value in row[2:]] for row in table], insides_of(screen).values(0, "c"), rtol=1e-4
        )


async def test_without_a_model_it_says_what_to_do(app: CharLSTMApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: None)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(lambda: any("Train one first" in one.message for one in app._notifications))


async def test_a_checkpoint_that_is_damaged_is_told_of(app: CharLSTMApp, trained: Run) -> None:
    trained.best_path.write_bytes(trained.best_path.read_bytes()[:-100])
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("enter")
        await until(lambda: len(app._notifications) > 0)
        assert not screen._job.running
        assert screen._activations is None
        assert "Enter reads" in str(screen.query_one("#status", Static).content)


def model_of(cell: Cell, path: Path, characters: str = TEXT) -> Path:
    """An untrained model in a file."""
    vocabulary = Vocabulary(characters)
    model = CharLSTM(ModelConfig(cell=cell, embedding_size=4, hidden_size=6), len(vocabulary))
    model.initialise(torch.Generator().manual_seed(0))
    Checkpoint(
        model=model, vocabulary=vocabulary, corpus=CorpusConfig(source="moliere"), training=TrainingConfig(), epoch=1,
        train_loss=None, val_loss=None,
    ).save(path)  # fmt: skip
    return path


@pytest.mark.parametrize(("cell", "names", "equation"), [
    ("gru", ["reset gate", "update gate", "candidate", "hidden state"], "h = (1 − z) × n + z × h before"),
    ("rnn", ["hidden state"], "h = tanh(W x + U h before + b)"),
])  # fmt: skip
async def test_other_cells_have_other_gates(
    app: CharLSTMApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: Cell, names: list[str], equation: str
) -> None:
    path = model_of(cell, tmp_path / "other.safetensors")
    monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await read(pilot)
        await pilot.press("right")
        assert [str(name) for name, _ in screen.query_one("#quantity", Select)._options] == names
        assert view_of(screen).symbol == "h", "there is no cell state to show"
        assert equation in numbers(screen)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert len(numbers(screen).splitlines()) == 3, "in little room, three lines"


async def test_wide_characters_stand_above_their_column(
    app: CharLSTMApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "a漢b\n字 c"
    path = model_of("lstm", tmp_path / "other.safetensors", text)
    monkeypatch.setattr("core.runs.bundled_model.shipped_path", lambda: path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot, text)
        assert rows_of(screen)[0][LABEL:].rstrip() == "a□b⏎□ c"


# --- the job


def test_what_was_read_before_it_was_stopped_is_seen(trained: Run) -> None:
    control, seen = Control(), None
    for item in inspect_model(control, Looked(path=trained.best_path, text="mouton " * 40)):
        if isinstance(item, Doing) and item.what.startswith("reading"):
            control.stop()
        seen = item
    assert isinstance(seen, Seen)
    assert 0 < seen.activations.read < 280


def test_stopped_while_it_goes_on_it_leaves_what_was_there(trained: Run) -> None:
    for doing in ("generating", "reading"):
        control, items = Control(), list[object]()
        looked = Looked(path=trained.best_path, text="3 moutons " * 20, written=100, known=200)
        for item in inspect_model(control, looked):
            items.append(item)
            if isinstance(item, Doing) and item.what.startswith(doing):
                control.stop()
        assert control.stopped
        assert not [item for item in items if isinstance(item, Seen)], doing


def test_stopped_before_there_is_a_model_it_loads_none(trained: Run) -> None:
    control = Control()
    control.stop()
    assert list(inspect_model(control, Looked(path=trained.best_path))) == [Doing("loading PyTorch")]


def test_a_text_of_which_nothing_is_known_is_refused(trained: Run) -> None:
    with pytest.raises(UserError, match="None of these characters"):
        list(inspect_model(Control(), Looked(path=trained.best_path, text="漢字")))


def test_it_tells_what_it_does_not_know_and_what_is_too_long(trained: Run) -> None:
    items = list(inspect_model(Control(), Looked(path=trained.best_path, text="漢" + "1 mouton.\n" * 300)))
    (notice,) = [item.notice for item in items if isinstance(item, Prompted)]
    assert "漢" in notice
    assert "The first 2,000 of 3,000 characters" in notice
    seen = items[-1]
    assert isinstance(seen, Seen)
    assert seen.activations.read == 2000


def test_beside_a_training_run_it_takes_one_thread(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    if not [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]:
        pytest.skip("NumPy multiplies by another library here")
    looked = Looked(path=trained.best_path, text="mouton " * 10, considerate=True)
    threads = [
        max(pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openblas")
        for item in inspect_model(Control(), looked)
        if isinstance(item, Doing) and item.what.startswith("reading")
    ]
    assert set(threads) == {1}


# --- looks


@pytest.mark.parametrize("size", one_of_each_kind(SIZES[1:], SIZES))
def test_how_it_looks(app: CharLSTMApp, trained: Run, snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await read(pilot, TEXT + "\n\n" + TEXT)
        await pilot.press("f", *["right"] * 8)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_how_it_looks_before(app: CharLSTMApp, store: RunStore, snap_compare: SnapCompare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await still(pilot)

    assert snap_compare(app, terminal_size=(60, 15), run_before=before)


async def test_it_opens_on_what_a_cell_follows_best_and_says_so(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5", "enter")
        screen = app.screen
        assert isinstance(screen, InspectionScreen)
        await until(lambda: screen._activations is not None and not screen._job.running)
        await pilot.pause()
        activations, view = insides_of(screen), view_of(screen)
        best = {name: abs(activations.cells(0, view.symbol, name).measures[0]) for name in PROPERTIES}
        assert best[view.follow] == max(best.values())
        found = activations.cells(0, view.symbol, view.follow)
        rows = screen.query_one(CellHeatmap)
        assert rows.border_subtitle == relation(int(found.order[0]), view.follow, float(found.measures[0]))
        await pilot.press("right_square_bracket")
        assert rows.border_subtitle == relation(int(found.order[1]), view.follow, float(found.measures[1]))
        screen.query_one("#follow", Select).value = CHANGE
        await pilot.pause()
        assert rows.border_subtitle == ""
        await pilot.press("w")
        await until(lambda: not screen._job.running)
        await pilot.pause()
        assert view.follow == CHANGE, "an order that the reader chose stays"


@pytest.mark.parametrize(
    ("r", "how"), [(0.91, "tracks"), (-0.91, "tracks"), (0.5, "loosely follows"), (-0.2, "hardly follows")]
)
def test_a_cell_is_said_to_track_only_what_it_tracks(r: float, how: str) -> None:
    assert relation(817, "position in the line", r).startswith(f"cell 817 {how} the position in the line, r = ")


def test_a_minus_is_a_minus_sign() -> None:
    assert relation(817, "position in the line", -0.914).endswith("r = −0.91")


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_the_frame_of_the_rows_says_what_they_show_from_the_first_time_on(
    app: CharLSTMApp, trained: Run, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await STATES["inspected"](pilot)
        rows = app.screen.query_one(CellHeatmap)
        await until(lambda: str(rows.border_title).startswith("cell state, sorted by "))


async def test_esc_leaves_the_field_for_the_text_and_it_stays_left(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await read(pilot)
        await pilot.press("i", "escape")
        await until(lambda: isinstance(screen.focused, CellText))
        before = screen.query_one(CellText).cursor
        await pilot.press("right")
        assert screen.query_one(CellText).cursor == before + 1
        await pilot.press("m")
        await until(lambda: app.screen is not screen)
        await pilot.press("escape")
        await until(lambda: app.screen is screen)
        await pilot.press("b")
        assert screen.query_one("#prompt", Input).value == TEXT.replace("\n", "\\n"), "letters are keys, not typed"


async def test_without_a_text_a_left_field_stays_left_when_another_screen_was_open(
    app: CharLSTMApp, trained: Run
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("escape", "m")
        await until(lambda: app.screen is not screen)
        await pilot.press("escape")
        await until(lambda: app.screen is screen)
        assert screen.focused is None


async def test_a_text_that_another_model_read_is_named(app: CharLSTMApp, trained: Run) -> None:
    other = trained.path.with_name("goats")
    shutil.copytree(trained.path, other)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        models, status = screen.query_one(CheckpointSelect), screen.query_one("#status", Static)
        models.value = other
        await pilot.pause()
        assert str(status.content) == "Enter reads"
        await read(pilot)
        assert str(status.content) == f"{len(TEXT)} characters"
        models.value = trained.path
        await until(lambda: str(status.content) == f"{len(TEXT)} characters by goats")
        screen.query_one("#which", Select).value = "last"
        await pilot.pause()
        models.value = other
        await until(lambda: str(status.content) == f"{len(TEXT)} characters by its best epoch")
