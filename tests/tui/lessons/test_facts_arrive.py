"""Facts reach the lesson from every widget, also if a screen's handler caused them, and none is out of date."""

import pytest
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.lessons.lesson import Lesson, Step
from charlstm_tui.lessons.session import LessonSession
from charlstm_tui.screens.inspection import InspectionScreen
from charlstm_tui.screens.training import TrainingScreen
from core.runs.run import Run
from tests.tui.conftest import FORECAST, until

LESSON = Lesson(
    format=1, id="one", title="One", minutes=5, goal="A goal.", steps=(Step(id="wait", say="Wait.", done="false"),)
)


def session_of(app: CharLSTMApp) -> LessonSession:
    assert app.session is not None
    return app.session


async def test_a_quantity_and_an_order_that_a_key_chooses_are_known(app: CharLSTMApp, trained: Run) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open_lesson(LESSON)
        await pilot.press("f5")
        screen = app.screen
        assert isinstance(screen, InspectionScreen)
        screen.query_one("#prompt", Input).value = "2 moutons et 3 moutons"
        await pilot.press("enter")
        known = session_of(app).known
        await until(lambda: known("inspection.count") == 1.0)
        for quantity in ("h", "i", "f"):
            await pilot.press("v")
            await until(lambda quantity=quantity: known("inspection.quantity") == quantity)  # type: ignore[misc]
        before = known("inspection.sort")
        await pilot.press("f")
        await until(lambda: known("inspection.sort") != before)


@pytest.mark.parametrize("reopened", [False, True])
async def test_the_parameters_are_those_of_the_present_settings(app: CharLSTMApp, reopened: bool) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: isinstance(app.screen, TrainingScreen) and app.screen.laid_out)
        await app.open_lesson(LESSON)
        epochs = app.screen.query_one("#setting-epochs Input", Input)
        epochs.value = "7"
        await until(lambda: session_of(app).known("next.epochs") == 7.0)
        await until(lambda: session_of(app).known("next.parameters") == float(FORECAST.parameters))
        if reopened:  # no new forecast is made
            await app.open_lesson(LESSON)
            assert session_of(app).known("next.parameters") == float(FORECAST.parameters)
        epochs.value = "8"
        await until(lambda: session_of(app).known("next.epochs") == 8.0)
        assert session_of(app).known("next.parameters") is None
        await pilot.pause()
        await until(lambda: session_of(app).known("next.parameters") == float(FORECAST.parameters))
