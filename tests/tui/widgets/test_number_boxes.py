"""Each box that takes a number reads it as the command line does, or says how to write it."""

import pytest
from textual.widgets import Input

from charlstm_tui.app import CharLSTMApp
from charlstm_tui.widgets.common.setting_input import SettingInput
from charlstm_tui.widgets.training.settings_form import SettingsForm
from tests.tui.conftest import until
from tests.tui.steps import reason, written


@pytest.mark.parametrize("key", ["f2", "f4"])
async def test_every_number_box_refuses_what_two_readers_read_differently(app: CharLSTMApp, key: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        if key == "f2":
            await pilot.press("a")
            await until(lambda: bool(app.screen.query("#setting-weight_decay")))
        else:
            await pilot.press(key)
        await pilot.pause()
        boxes = [box for box in app.screen.query(SettingInput) if box.field.kind is not str]
        assert len(boxes) > 5
        for box in boxes:
            box.input.value = "1,000"
        await pilot.pause()
        for box in boxes:
            assert not box.is_valid
            assert "1,000 is 1000 to some readers and 1 to others: write 1000" in reason(app, box.field.name)


async def test_a_decimal_comma_is_never_a_thousand(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for typed, rate in (("1,5", 1.5), ("0,003", 0.003), ("1.5", 1.5), ("3e-3", 0.003)):
            app.screen.query_one("#setting-learning_rate", SettingInput).input.value = typed
            await pilot.pause()
            assert app.screen.query_one(SettingsForm).read().training.learning_rate == rate, typed


async def test_characters_are_read_with_spaces_between_thousands(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for typed, limit in (("90 000", 90_000), ("80\u202f000", 80_000), ("9e4", 90_000)):
            app.screen.query_one("#limit", Input).value = typed
            await pilot.pause()
            assert app.screen.query_one(SettingsForm).text.limit == limit, typed


async def test_characters_that_can_be_read_in_two_ways_are_refused(app: CharLSTMApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        for typed in ("1,5", "90,000", "90.000", "1 00"):
            app.screen.query_one("#limit", Input).value = typed
            await pilot.pause()
            assert written(app, "#limit-reason").startswith("characters"), typed
            app.screen.query_one("#limit", Input).value = "90000"
            await pilot.pause()
            assert not written(app, "#limit-reason")
