"""The app while it opens: it can be closed and resized at any moment, also before its widgets exist."""

import asyncio

import pytest
from textual.css.query import NoMatches
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.screens.training import TrainingScreen
from charlstm_tui.widgets.training.settings_form import SettingsForm
from core.settings.presets import ALL_PRESETS

MOMENTS = (0, 1, 2, 4, 8, 12, 20)
"""Turns of the event loop since the app was ready; the form is complete after some 30."""


@pytest.fixture(autouse=True)
def pilot_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a test as soon as the app runs, not when the form is laid out."""

    async def at_once(pilot: Pilot[None]) -> bool:
        return True

    monkeypatch.setattr(Pilot, "_wait_for_screen", at_once)


@pytest.mark.parametrize("turns", MOMENTS)
async def test_the_app_can_be_closed_while_it_opens(app: CharLSTMApp, turns: int) -> None:
    async with app.run_test(size=(120, 40)):  # raises what an event handler raised
        for _ in range(turns):
            await asyncio.sleep(0)
    assert not app.has_panicked


@pytest.mark.parametrize(
    ("leaves", "error"), [(False, NoMatches("no such widget")), (True, ValueError("not about widgets"))]
)
async def test_every_other_error_ends_the_app_and_is_shown(app: CharLSTMApp, leaves: bool, error: Exception) -> None:
    async def meet_it() -> None:
        async with app.run_test(size=(120, 40)):
            if leaves:
                app.exit()
            app._handle_exception(error)

    with pytest.raises(type(error), match=str(error)):
        await meet_it()
    assert app.has_panicked
    assert app.exit_code == 1


async def test_a_widget_that_is_gone_while_the_app_closes_is_no_error(app: CharLSTMApp) -> None:
    async with app.run_test(size=(120, 40)):
        app.exit()
        app._handle_exception(NoMatches("no such widget"))
    assert not app.has_panicked
    assert app.exit_code == 0


async def test_the_window_can_be_resized_while_the_form_is_laid_out(app: CharLSTMApp) -> None:
    sizes = [Size(80, 24), Size(120, 40)]
    resized = 0
    async with app.run_test(size=(120, 40)):
        screen = app.screen
        assert isinstance(screen, TrainingScreen)
        while not screen.laid_out:
            if screen.query(SettingsForm):
                screen.panel.on_resize(Resize(sizes[resized % 2], sizes[resized % 2]))
                resized += 1
            await asyncio.sleep(0)
        assert screen.panel.form.preset.name in ALL_PRESETS
    assert resized > 1
