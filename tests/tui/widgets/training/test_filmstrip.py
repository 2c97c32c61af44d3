"""The samples of a run, an epoch a line, with its loss."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.formatting.characters import in_a_line
from charlstm_tui.widgets.training.filmstrip import Filmstrip, epochs_to_show
from charlstm_tui.widgets.training.sample_view import SampleView
from core.events import SampleDrawn
from tests.tui.conftest import until
from tests.tui.views import running


def shown(app: CharLSTMApp) -> list[str]:
    return str(app.screen.query_one(Filmstrip).content).splitlines()


@pytest.mark.parametrize(
    ("last", "room", "epochs"),
    [
        (20, 10, [0, 1, 2, 4, 8, 16, 20]),
        (16, 10, [0, 1, 2, 4, 8, 16]),
        (0, 10, [0]),
        (1, 10, [0, 1]),
        (3, 10, [0, 1, 2, 3]),
        (20, 3, [0, 8, 20]),
        (20, 2, [0, 20]),
        (20, 1, [20]),
        (20, 0, []),
    ],
)
def test_epochs_double_from_the_first_to_the_last(last: int, room: int, epochs: list[int]) -> None:
    assert epochs_to_show(range(last + 1), room) == epochs


@given(st.sets(st.integers(0, 500), min_size=1), st.integers(1, 20))
def test_the_last_epoch_is_always_there_and_each_has_a_sample(there: set[int], room: int) -> None:
    epochs = epochs_to_show(sorted(there), room)
    assert epochs == sorted(set(epochs))
    assert set(epochs) <= there
    assert len(epochs) <= room
    assert epochs[-1] == max(there)


def test_a_sample_stays_on_one_line() -> None:
    assert in_a_line("L'ÂNE.\n\tHi\u00a0han! \x1b[2J") == "L'ÂNE.⏎⇥Hi⍽han! ␛[2J"


@pytest.mark.parametrize("width", [20, 38, 58, 78, 150])
def test_a_line_has_the_epoch_its_loss_and_how_the_sample_begins(width: int) -> None:
    view, strip = running(4), Filmstrip()
    strip._samples, strip._epochs = view.samples, view.epochs
    heading, *rows = [str(line) for line in strip.lines(width, 6)]
    assert heading.split() == ["epoch", "validation", "sample"]
    assert all(cell_len(row) <= max(width, 19) for row in rows)
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "4"]
    assert [row.split()[1] for row in rows[1:]] == [f"{view.epochs[n - 1].val_loss:.3f}" for n in (1, 2, 4)]
    if width > 40:
        assert "Je le ne monsa" in rows[1]


def test_a_run_without_validation_shows_its_training_losses() -> None:
    view, strip = running(2), Filmstrip()
    strip._samples = view.samples
    strip._epochs = tuple(msgspec.structs.replace(epoch, val_loss=None) for epoch in view.epochs)
    heading, _, first, *_ = [str(line) for line in strip.lines(80, 6)]
    assert heading.split() == ["epoch", "train", "sample"]
    assert first.split()[1] == f"{view.epochs[0].train_loss:.3f}"


async def test_f_shows_the_filmstrip_and_it_grows_with_the_run(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.training = running(1)
        await pilot.pause()
        assert not app.screen.query_one(Filmstrip).display
        await pilot.press("f")
        await until(lambda: [line.split()[0] for line in shown(app)] == ["0", "1"])
        asked = SampleDrawn(epoch=1, total_steps=300, prompt="", text="demandé", asked=True)
        app.training = running(2).after([asked])
        await until(lambda: [line.split()[0] for line in shown(app)] == ["0", "1", "2"])
        assert "demandé" not in "".join(shown(app))
        await pilot.press("f")
        await pilot.pause()
        assert not app.screen.query_one(SampleView).shows_filmstrip


async def test_in_a_large_window_the_filmstrip_stands_beside_the_sample(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        app.training = running(4)
        await until(lambda: bool(app.screen.query(Filmstrip)) and len(shown(app)) == 5)
        await pilot.pause()
        view = app.screen.query_one(SampleView)
        assert app.screen.query_one(Filmstrip).region.width > 40
        assert view.query_one("VerticalScroll").region.width > 40
