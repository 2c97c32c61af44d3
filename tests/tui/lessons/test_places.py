"""The places that steps point at are widgets of their screens."""

import pytest
from textual.widgets import Collapsible

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.lessons.places import PLACES
from charlstm_tui.screens.memory import MemoryScreen
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.state.modes import MODES
from tests.tui.conftest import until
from tests.tui.views import finished


def places_of(screen: str) -> list[str]:
    return [place.selector for place in PLACES.values() if place.screen == screen]


def is_there(app: CharLSTMApp, selector: str) -> bool:
    return len(app.screen.query(selector)) == 1


async def test_the_places_of_train_are_its_widgets(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: isinstance(app.screen, TrainingScreen) and app.screen.laid_out)
        app.screen.query_one(Collapsible).collapsed = False
        app.training = finished()
        await pilot.pause()
        await until(lambda: all(is_there(app, selector) for selector in places_of("train")))


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "train" and places_of(mode)])
async def test_the_places_of_another_screen_are_its_widgets(app: CharLSTMApp, mode: str) -> None:
    async with app.run_test(size=(120, 40)):
        await app.switch_mode(mode)
        await until(lambda: all(is_there(app, selector) for selector in places_of(mode)))


async def test_the_places_of_memory_are_its_widgets(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)):
        await app.switch_mode("inspect")
        app.push_screen(MemoryScreen(app.store))
        await until(lambda: all(is_there(app, selector) for selector in places_of("memory")))
